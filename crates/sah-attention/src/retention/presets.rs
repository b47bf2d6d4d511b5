//! Named retentions.

use serde_json::{Value, json};

/// Each preset's name and configuration.
pub(super) fn builtin() -> Vec<(&'static str, Value)> {
    let one = |name: &'static str| (name, json!({"rules": [{"type": name}]}));
    let two = |name: &'static str, first: &str, second: &str| {
        (name, json!({"rules": [{"type": first}, {"type": second}]}))
    };
    vec![
        one("random"),
        one("streaming_llm"),
        one("knorm"),
        one("keydiff"),
        one("lagkv"),
        one("tova"),
        one("snapkv"),
        two("pyramidkv", "snapkv", "pyramid"),
        two("adakv_snapkv", "snapkv", "adakv"),
        two("adakv_keydiff", "keydiff", "adakv"),
        two("chunkkv_snapkv", "snapkv", "chunkkv"),
    ]
}
