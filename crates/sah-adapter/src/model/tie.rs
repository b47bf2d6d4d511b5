//! Whether the embedding is the head too.

use serde_json::Value;

use super::ConfigFile;

/// What a config says of head and embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// They are one matrix.
    Tied,
    /// They are two.
    Separate,
    /// The checkpoint decides: two where it has a head. Wrappers say it twice, and versions of transformers read one or the
    /// other.
    AsStored,
}

impl Tie {
    /// What `tie_word_embeddings` says; `default` is that of a config without the field.
    pub(super) fn read(file: &ConfigFile<'_>, default: bool) -> Self {
        let own = file.bool("tie_word_embeddings", default);
        let outer = file.outer("tie_word_embeddings").and_then(Value::as_bool);
        let is_said = file.get("tie_word_embeddings").is_some() || !file.is_wrapped();
        match (is_said, outer) {
            (true, None) => Self::from(own),
            (true, Some(outer)) if outer == own => Self::from(own),
            _ => Self::AsStored,
        }
    }
}

impl From<bool> for Tie {
    fn from(tied: bool) -> Self {
        if tied { Self::Tied } else { Self::Separate }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrapper_that_is_not_of_one_mind_leaves_it_to_the_checkpoint() {
        let read = |outer: &Value, inner: Option<&Value>| {
            let file = ConfigFile::new(outer.as_object().unwrap(), Path::new("config.json"));
            let file = match inner {
                None => file,
                Some(inner) => file.within("text_config", inner.as_object().unwrap()),
            };
            Tie::read(&file, false)
        };
        let (empty, tied, separate) =
            (json!({}), json!({"tie_word_embeddings": true}), json!({"tie_word_embeddings": false}));
        assert_eq!(read(&empty, None), Tie::Separate);
        assert_eq!(read(&tied, None), Tie::Tied);
        assert_eq!(read(&tied, Some(&tied)), Tie::Tied);
        assert_eq!(read(&empty, Some(&tied)), Tie::Tied);
        assert_eq!(read(&tied, Some(&separate)), Tie::AsStored);
        assert_eq!(read(&tied, Some(&empty)), Tie::AsStored);
        assert_eq!(read(&empty, Some(&empty)), Tie::AsStored);
    }
}
