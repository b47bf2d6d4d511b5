//! Where a model's chat template is.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::{ChatTemplate, failed};
use crate::Error;
use crate::hf::tokenizer::SpecialTokens;
use crate::weights::gguf::{Gguf, Metadata};

/// The template that is used where a model has several: there are no tools here.
const DEFAULT: &str = "default";

impl ChatTemplate {
    /// Of a folder: `chat_template.jinja` and the files in `additional_chat_templates` if there are any, as
    /// transformers prefers them; else what `tokenizer_config.json` (`config`) has.
    pub(crate) fn of_folder(
        folder: &Path,
        config: &Json,
        special: &SpecialTokens,
    ) -> Result<Option<Self>, Error> {
        let path = folder.join("chat_template.jinja");
        if path.is_file() {
            return Self::read(&path, special).map(Some);
        }
        let additional = folder.join("additional_chat_templates");
        let names: Vec<String> = std::fs::read_dir(&additional).map_or_else(
            |_| vec![],
            |entries| {
                let files = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
                files.filter_map(|file| file.strip_suffix(".jinja").map(str::to_owned)).collect()
            },
        );
        if !names.is_empty() {
            return Err(none_is_default(&additional, names));
        }
        let path = folder.join("tokenizer_config.json");
        Self::from_field(&path, &config["chat_template"], special)
    }

    /// Of a GGUF file: `tokenizer.chat_template`.
    pub(crate) fn of_gguf(gguf: &Gguf, special: &SpecialTokens) -> Result<Option<Self>, Error> {
        let metadata = Metadata(gguf);
        let Some(source) = metadata.text("tokenizer.chat_template")? else {
            return match metadata.texts("tokenizer.chat_templates")? {
                Some(names) if !names.is_empty() => Err(none_is_default(&gguf.path, names)),
                _ => Ok(None),
            };
        };
        Self::new(&gguf.path, source, special.clone()).map(Some)
    }

    /// The field `chat_template` of a configuration: a text, or a list of named texts of which `default` is taken.
    fn from_field(path: &Path, field: &Json, special: &SpecialTokens) -> Result<Option<Self>, Error> {
        let wrong = |expected: &str, found: &Json| Error::Field {
            path: path.to_owned(),
            field: "chat_template".into(),
            expected: expected.into(),
            found: found.to_string().chars().take(60).collect(),
        };
        let source = match field {
            Json::Null => return Ok(None),
            Json::String(source) => source,
            Json::Array(list) => {
                let mut named = BTreeMap::new();
                for entry in list {
                    let (Some(name), Some(source)) = (entry["name"].as_str(), entry["template"].as_str())
                    else {
                        return Err(wrong("a list of objects with `name` and `template`", entry));
                    };
                    // The last of one name counts, as in transformers.
                    named.insert(name, source);
                }
                named.get(DEFAULT).copied().ok_or_else(|| none_is_default(path, named.into_keys()))?
            }
            other => return Err(wrong("a text or a list of named templates", other)),
        };
        Self::new(path, source, special.clone()).map(Some)
    }
}

fn none_is_default<T: AsRef<str>>(path: &Path, names: impl IntoIterator<Item = T>) -> Error {
    let mut names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    names.sort();
    failed(path, format!("none is named `{DEFAULT}`; there are: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::{Builder, open};
    use serde_json::json;

    #[test]
    fn of_a_list_the_default_is_taken() {
        let from =
            |field: &Json| ChatTemplate::from_field(Path::new("t.json"), field, &SpecialTokens::default());
        let list = json!([{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]);
        assert_eq!(from(&list).unwrap().unwrap().render("").unwrap(), "d");
        let error = from(&json!([{"name": "rag", "template": "r"}])).unwrap_err().to_string();
        assert!(error.contains("there are: rag"), "{error}");
        assert!(from(&Json::Null).unwrap().is_none());
        assert!(from(&json!(3)).unwrap_err().to_string().contains("`chat_template`"));
        assert!(from(&json!([{"name": "default"}])).unwrap_err().to_string().contains("`template`"));
        assert!(from(&json!("{% if %}")).unwrap_err().to_string().contains("cannot be parsed"));
    }

    #[test]
    fn files_win_over_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({"chat_template": "C"});
        let find = || ChatTemplate::of_folder(folder.path(), &config, &SpecialTokens::default());
        let rendered = || find().unwrap().unwrap().render("").unwrap();
        assert_eq!(rendered(), "C");
        let additional = folder.path().join("additional_chat_templates");
        std::fs::create_dir(&additional).unwrap();
        assert_eq!(rendered(), "C");
        std::fs::write(additional.join("tool_use.jinja"), "T").unwrap();
        let error = find().unwrap_err().to_string();
        assert!(
            error.contains("additional_chat_templates") && error.contains("there are: tool_use"),
            "{error}"
        );
        std::fs::write(folder.path().join("chat_template.jinja"), "J").unwrap();
        assert_eq!(rendered(), "J");
        assert_eq!(find().unwrap().unwrap().identity.file, "chat_template.jinja");
    }

    #[test]
    fn a_gguf_file_has_one_without_a_name() {
        let find = |builder: Builder| ChatTemplate::of_gguf(&open(builder).1, &SpecialTokens::default());
        assert!(find(Builder::new()).unwrap().is_none());
        let named = || Builder::new().strings("tokenizer.chat_templates", &["rag"]);
        assert!(find(named()).unwrap_err().to_string().contains("there are: rag"));
        let both = named().string("tokenizer.chat_template", "G");
        assert_eq!(find(both).unwrap().unwrap().render("").unwrap(), "G");
    }
}
