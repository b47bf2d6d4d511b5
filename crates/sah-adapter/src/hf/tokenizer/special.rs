//! The special tokens that chat templates and generation ask for by role.

use std::collections::BTreeMap;

use serde_json::Value;

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
    const NAMES: [&'static str; 7] =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// From pairs of name and text.
    pub(crate) fn new(tokens: impl IntoIterator<Item = (String, String)>) -> Self {
        let by_name: BTreeMap<String, String> = tokens.into_iter().collect();
        let get = |name: &str| by_name.get(name).cloned();
        Self { bos: get("bos_token"), eos: get("eos_token"), by_name, additional: vec![] }
    }

    /// From `tokenizer_config.json`, and from the older `special_tokens_map.json` what the former does not name.
    pub(crate) fn from_config(config: &Value, map: &Value) -> Self {
        // A token is written as its text or as an object that has it as `content`.
        let text = |value: &Value| value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned);
        let find = |name: &str| config.get(name).or_else(|| map.get(name));
        let named = Self::NAMES.into_iter().filter_map(|name| Some((name.to_owned(), text(find(name)?)?)));
        let additional = find("additional_special_tokens").and_then(Value::as_array);
        let additional = additional.into_iter().flatten().filter_map(text).collect();
        Self { additional, ..Self::new(named) }
    }
}

#[cfg(test)]
mod tests {
    use super::SpecialTokens;
    use serde_json::json;

    #[test]
    fn both_forms_are_read_and_null_means_none() {
        let config = json!({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null});
        let additional = json!(["<a>", {"content": "<b>"}, 3]);
        let map =
            json!({"pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": additional});
        let special = SpecialTokens::from_config(&config, &map);
        assert_eq!(special.bos.as_deref(), Some("<s>"));
        assert_eq!(special.eos.as_deref(), Some("</s>"));
        assert_eq!(special.additional, ["<a>", "<b>"]);
        assert_eq!(special.by_name.keys().collect::<Vec<_>>(), ["bos_token", "eos_token", "unk_token"]);
    }
}
