//! A vocabulary for tests.

use serde_json::{Map, Value, json};

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
