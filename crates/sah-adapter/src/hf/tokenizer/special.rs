//! The special tokens that chat templates and generation ask for by role.

use std::collections::BTreeMap;

use super::named::NamedTokens;

/// Special tokens by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecialTokens {
    pub(crate) bos: Option<String>,
    pub(crate) eos: Option<String>,
    /// All of them by the names that chat templates use: `bos_token`, `eos_token`, `pad_token`, ...
    pub(crate) by_name: BTreeMap<String, String>,
    /// `additional_special_tokens`, which have no role.
    pub(crate) additional: Vec<String>,
}

impl SpecialTokens {
    /// From pairs of name and text.
    pub(crate) fn new(tokens: impl IntoIterator<Item = (String, String)>) -> Self {
        let by_name: BTreeMap<String, String> = tokens.into_iter().collect();
        let get = |name: &str| by_name.get(name).cloned();
        Self { bos: get("bos_token"), eos: get("eos_token"), by_name, additional: vec![] }
    }

    /// Those that the files of a folder name.
    pub(super) fn from_named(named: &NamedTokens) -> Self {
        let with_name = named
            .special
            .iter()
            .filter_map(|(name, written)| Some((name.clone()?, written.content().to_owned())));
        let without = named.special.iter().filter(|(name, _)| name.is_none());
        let additional = without.map(|(_, written)| written.content().to_owned()).collect();
        Self { additional, ..Self::new(with_name) }
    }
}
