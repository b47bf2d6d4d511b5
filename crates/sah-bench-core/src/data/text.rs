//! Text files: UTF-8, whatever an editor puts before it, and what is none told by its name.

use std::fs;
use std::path::Path;

use super::ReadError;

/// How UTF-8 begins where an editor marks it. It is no part of the text.
const MARK: char = '\u{feff}';
/// How the archives begin that data is passed around in.
const ARCHIVES: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
];
/// How other encodings begin; the longer mark first.
const ENCODINGS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];

/// The text of a file, without a byte order mark.
///
/// # Errors
///
/// [`ReadError::Io`], [`ReadError::Compressed`] and [`ReadError::NotUtf8`].
pub fn read_text(file: &Path) -> Result<String, ReadError> {
    let bytes = fs::read(file).map_err(|source| ReadError::Io { path: file.to_owned(), source })?;
    text(bytes, file)
}

/// The text that `bytes` are, which come from `file`, without a byte order mark.
///
/// # Errors
///
/// [`ReadError::Compressed`] and [`ReadError::NotUtf8`].
pub fn text(bytes: Vec<u8>, file: &Path) -> Result<String, ReadError> {
    let begins_as = |signs: &[(&[u8], &'static str)]| {
        signs.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, name)| *name)
    };
    if let Some(format) = begins_as(&ARCHIVES) {
        return Err(ReadError::Compressed { file: file.to_owned(), format });
    }
    let encoding = begins_as(&ENCODINGS);
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        ReadError::NotUtf8 { file: file.to_owned(), line, encoding }
    })?;
    if text.starts_with(MARK) {
        text.drain(..MARK.len_utf8());
    }
    Ok(text)
}

/// Whether a sentence may end where `text` does: with a full stop, an exclamation mark or a question mark, before quotation marks or
/// brackets that close.
#[must_use]
pub fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        text(bytes.to_vec(), Path::new("f.jsonl")).unwrap_err().to_string()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let of = |bytes: &[u8]| text(bytes.to_vec(), Path::new("f")).unwrap();
        assert_eq!(of(b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(of(b"\xef\xbb\xbf"), "");
        assert_eq!(of("a\u{feff}b".as_bytes()), "a\u{feff}b", "elsewhere it is a character");
    }

    #[test]
    fn what_is_no_utf_8_is_told_by_its_name() {
        assert_eq!(error(b"\xff\xfe{\0}\0"), "f.jsonl: UTF-16 text; save it as UTF-8");
        assert_eq!(error(b"\xfe\xff\0{\0}"), "f.jsonl: UTF-16 text; save it as UTF-8");
        assert_eq!(error(b"\xff\xfe\0\0{\0\0\0"), "f.jsonl: UTF-32 text; save it as UTF-8");
        assert_eq!(error(b"{}\n\xe9t\xe9"), "f.jsonl: line 2 is not UTF-8; save the file as UTF-8");
    }

    #[test]
    fn archives_are_to_be_unpacked() {
        for (bytes, format) in [
            (&b"\x1f\x8b\x08\0"[..], "gzip"),
            (b"\x28\xb5\x2f\xfd\0", "zstd"),
            (b"PK\x03\x04\x14", "zip"),
            (b"BZh91", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
        ] {
            assert_eq!(error(bytes), format!("f.jsonl: compressed ({format}); unpack it first"));
        }
    }
}
