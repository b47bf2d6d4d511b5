//! Fields of maskers and retentions in lists.

use sah_attention::FieldInfo;

use crate::terminal::Facts;

/// `facts` with a field: how it is set, its range and its default.
pub(super) fn of_field(facts: Facts, prefix: &str, field: &FieldInfo) -> Facts {
    let range = match field.default {
        None => field.range.to_owned(),
        Some(default) => format!("{} [{default}]", field.range),
    };
    facts.with(&format!("--set {prefix}{}", field.name), &range)
}
