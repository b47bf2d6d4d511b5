//! What lists and help texts show of a rule.

use crate::masker::FieldInfo;

/// A type of rule that configurations of retentions can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionInfo {
    /// Its `type`.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its fields, in the order of its struct.
    pub fields: &'static [FieldInfo],
    /// Where the rule comes from.
    pub source: &'static str,
    /// What it costs for each layer when the context is read; `n` keys, `w` queries, `H` heads, `D` elements.
    pub cost: &'static str,
    /// What it holds in memory beside the cache while a context is read and keys are chosen.
    pub memory: &'static str,
    /// What it looks at beside the keys' places.
    pub looks_at: &'static str,
}
