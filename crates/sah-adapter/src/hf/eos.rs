//! The tokens that end an answer.

use std::path::Path;

use serde_json::Value;

use super::Tokenizer;
use super::tokenizer::SpecialTokens;
use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// Of a folder: `eos_token_id` of the first configuration that has one, else the tokenizer's end-of-sequence token.
pub(super) fn from_configs(
    configs: &[(&Path, &Value)],
    special: &SpecialTokens,
    tokenizer: &Tokenizer,
) -> Result<Vec<u32>, Error> {
    for (path, config) in configs {
        let wrong = |found: &Value| Error::Field {
            path: (*path).to_owned(),
            field: "eos_token_id".into(),
            expected: "a token number or a list of them".into(),
            found: found.to_string(),
        };
        let id =
            |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| wrong(value));
        match &config["eos_token_id"] {
            Value::Null => {}
            Value::Array(ids) => return ids.iter().map(id).collect(),
            value => return Ok(vec![id(value)?]),
        }
    }
    Ok(special.eos.as_deref().and_then(|eos| tokenizer.id(eos)).into_iter().collect())
}

/// What chat templates of the known models end a turn with. Files of some models name only the end of the sequence:
/// `generation_config.json`, which has both, does not go into them.
const ENDS_OF_TURN: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>", "<|end|>"];

/// Of a GGUF file: the ends of sequence, turn and message that it names, and those that its chat template ends turns
/// with.
pub(super) fn from_gguf(gguf: &Gguf, tokenizer: &Tokenizer) -> Result<Vec<u32>, Error> {
    let metadata = Metadata(gguf);
    let template = metadata.text("tokenizer.chat_template")?;
    let mut ids = vec![];
    for key in ["eos_token_id", "eot_token_id", "eom_token_id"] {
        ids.extend(metadata.token_id(&format!("tokenizer.ggml.{key}"))?);
    }
    for end in ENDS_OF_TURN {
        if template.is_some_and(|template| template.contains(end)) {
            ids.extend(tokenizer.id(end));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
