//! A tokenizer for tests.

use serde_json::{Map, Value, json};

use super::{SpecialTokens, Tokenizer};

/// The 256 bytes as byte-level tokenizers write them, each with its value as number.
pub(crate) fn byte_vocabulary() -> Map<String, Value> {
    // How byte-level tokenizers write the 256 bytes: printable ones as themselves, the others from U+0100 on.
    let mut others = 0x100..;
    (0..=u8::MAX)
        .map(|byte| {
            let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
            let code = if printable { u32::from(byte) } else { others.next().unwrap_or_default() };
            (char::from_u32(code).unwrap_or_default().to_string(), json!(byte))
        })
        .collect()
}

/// One token a byte of UTF-8, nothing merged, no special tokens.
pub(crate) fn byte_tokenizer() -> Tokenizer {
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let file = json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": byte_vocabulary(), "merges": []}});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, file.to_string()).unwrap();
    Tokenizer::from_file(&path, &Value::Null, &SpecialTokens::default()).unwrap()
}
