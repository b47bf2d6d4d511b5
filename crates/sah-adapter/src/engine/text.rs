//! The text of an answer while its tokens come.

use super::Detokenizer;
use crate::Error;

/// Turns tokens into text piece by piece, and finds the stop strings in it.
///
/// A piece is handed out once it cannot change any more: when its characters are whole and it cannot be the beginning
/// of a stop string.
pub(super) struct TextStream<'a> {
    detokenizer: &'a dyn Detokenizer,
    stop: &'a [String],
    ids: Vec<u32>,
    /// Tokens from here on are decoded with a new one: the text of a token depends on those before it.
    window: usize,
    /// Tokens up to here are in `text`.
    read: usize,
    text: String,
    /// Bytes of `text` that were handed out.
    sent: usize,
}

impl<'a> TextStream<'a> {
    pub(super) fn new(detokenizer: &'a dyn Detokenizer, stop: &'a [String]) -> Self {
        Self { detokenizer, stop, ids: Vec::new(), window: 0, read: 0, text: String::new(), sent: 0 }
    }

    /// Adds a token of the answer. True where the text now has a stop string in it.
    pub(super) fn push(&mut self, id: u32) -> Result<bool, Error> {
        self.ids.push(id);
        let before = self.detokenizer.decode(&self.ids[self.window..self.read])?;
        let after = self.detokenizer.decode(&self.ids[self.window..])?;
        // The replacement character at the end: the bytes of a character that is not complete yet.
        if after.len() <= before.len() || after.ends_with('\u{fffd}') || !after.starts_with(&before) {
            return Ok(false);
        }
        let searched = self.text.len();
        self.text.push_str(&after[before.len()..]);
        self.window = self.read;
        self.read = self.ids.len();
        Ok(self.cut_at_stop(searched))
    }

    /// What has become certain, handed out or not.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Cuts the text before the first stop string that ends after `searched`.
    fn cut_at_stop(&mut self, searched: usize) -> bool {
        let first = self.stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| {
            let mut from = (searched + 1).saturating_sub(stop.len());
            while !self.text.is_char_boundary(from) {
                from -= 1;
            }
            self.text[from..].find(stop.as_str()).map(|at| from + at)
        });
        let Some(at) = first.min() else { return false };
        self.text.truncate(at);
        true
    }

    /// What has become certain since the last call.
    pub(super) fn piece(&mut self) -> &str {
        let rest = &self.text[self.sent..];
        let held = rest
            .char_indices()
            .find(|&(at, _)| self.stop.iter().any(|stop| stop.starts_with(&rest[at..])))
            .map_or(0, |(at, _)| rest.len() - at);
        let from = std::mem::replace(&mut self.sent, self.text.len() - held);
        &self.text[from..self.sent]
    }

    /// The last piece and the whole text. `stopped` by a stop string: the text ends before it; otherwise it is that of all
    /// tokens, decoded together.
    pub(super) fn finish(mut self, stopped: bool) -> Result<(String, String), Error> {
        if !stopped {
            self.text = self.detokenizer.decode(&self.ids)?;
        }
        // Decoding together can give a shorter text only where incomplete characters at the end fall away.
        let last = self.text.get(self.sent..).unwrap_or_default().to_owned();
        Ok((last, self.text))
    }
}

/// A tokenizer for tests.
#[cfg(test)]
pub(super) mod testing {
    use crate::Error;
    use crate::engine::Detokenizer;

    /// One token a byte of UTF-8.
    #[derive(Debug)]
    pub(in crate::engine) struct Bytes;

    impl Bytes {
        pub(in crate::engine) fn encode(text: &str) -> Vec<u32> {
            text.bytes().map(u32::from).collect()
        }
    }

    impl Detokenizer for Bytes {
        fn decode(&self, ids: &[u32]) -> Result<String, Error> {
            let bytes: Vec<u8> = ids.iter().map(|&id| id as u8).collect();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TextStream;
    use super::testing::Bytes;

    /// The pieces handed out token by token, the text, and after how many tokens a stop string was found.
    fn stream(text: &str, stop: &[&str]) -> (Vec<String>, String, Option<usize>) {
        let stop: Vec<String> = stop.iter().map(|&stop| stop.to_owned()).collect();
        let mut stream = TextStream::new(&Bytes, &stop);
        let mut pieces = vec![];
        let mut stopped = None;
        for (number, id) in Bytes::encode(text).into_iter().enumerate() {
            if stream.push(id).unwrap() {
                stopped = Some(number + 1);
                break;
            }
            pieces.push(stream.piece().to_owned());
        }
        let (last, whole) = stream.finish(stopped.is_some()).unwrap();
        pieces.push(last);
        (pieces, whole, stopped)
    }

    #[test]
    fn pieces_are_whole_characters_and_add_up_to_the_text() {
        let (pieces, whole, stopped) = stream("a \u{4e2d}\u{1f600}.", &[]);
        assert_eq!((whole.as_str(), stopped), ("a \u{4e2d}\u{1f600}.", None));
        assert_eq!(pieces.concat(), whole);
        assert!(
            pieces.contains(&"\u{4e2d}".to_owned()) && pieces.contains(&"\u{1f600}".to_owned()),
            "{pieces:?}"
        );
    }

    #[test]
    fn a_stop_string_ends_the_text_before_it() {
        let (pieces, whole, stopped) = stream("one\n\ntwo", &["\n\n"]);
        assert_eq!((whole.as_str(), stopped), ("one", Some(5)));
        assert_eq!(pieces, ["o", "n", "e", "", ""]);
    }

    #[test]
    fn what_only_began_like_a_stop_string_is_handed_out_later() {
        let (pieces, whole, stopped) = stream("aSTOaSTX", &["STOP"]);
        assert_eq!((whole.as_str(), stopped), ("aSTOaSTX", None));
        assert_eq!(pieces, ["a", "", "", "", "STOa", "", "", "STX", ""]);
    }

    #[test]
    fn the_first_of_several_stop_strings_counts_and_an_empty_one_never() {
        assert_eq!(
            stream("abcd", &["", "d", "bc"]),
            (vec!["a".into(), String::new(), String::new()], "a".into(), Some(3))
        );
    }

    #[test]
    fn bytes_that_never_become_a_character_are_still_in_the_text() {
        let ids = Bytes::encode("\u{4e2d}");
        let mut stream = TextStream::new(&Bytes, &[]);
        assert!(!stream.push(ids[0]).unwrap());
        let (last, whole) = stream.finish(false).unwrap();
        assert_eq!((last.as_str(), whole.as_str()), ("\u{fffd}", "\u{fffd}"));
    }
}
