//! What lists and help texts show of a masker.

/// A type of masker that configurations can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskerInfo {
    /// Its `type`.
    pub name: &'static str,
    /// What it selects.
    pub about: &'static str,
    /// Its fields, in the order of its struct.
    pub fields: &'static [FieldInfo],
    /// Where the rule comes from.
    pub source: &'static str,
    /// What selecting costs for each head and query row; `k`, `m`, `n` as in its documentation.
    pub cost: &'static str,
    /// What it remembers for each key, and for which heads.
    pub state: &'static str,
}

/// A field of a masker's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// The valid range.
    pub range: &'static str,
    /// Its default; `None` where it must be given.
    pub default: Option<&'static str>,
}

impl FieldInfo {
    /// A field that must be given.
    #[must_use]
    pub const fn required(name: &'static str, range: &'static str) -> Self {
        Self { name, range, default: None }
    }

    /// A field that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, range: &'static str, default: &'static str) -> Self {
        Self { name, range, default: Some(default) }
    }

    /// A number of keys that must be given: a [`Size`](crate::Size) above 0.
    #[must_use]
    pub const fn size(name: &'static str) -> Self {
        Self::required(name, "a count from 1, or {\"fraction\": f} with f in (0, 1]")
    }

    /// A number of keys that must be given and may be 0.
    #[must_use]
    pub const fn size_or_zero(name: &'static str) -> Self {
        Self::required(name, "a count from 0, or {\"fraction\": f} with f in [0, 1]")
    }
}
