//! Text of a request that reads as special tokens.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use super::{ChatTemplate, Tokenizer};
use crate::Error;

/// What becomes of text in a context or a question that reads as a special token, such as `<|im_end|>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecialTokensInText {
    /// The special token, as in transformers and in the reference.
    #[default]
    Parse,
    /// Text, token by token: for documents that must not end the user's turn. A chat template's own special tokens stay what
    /// they are.
    Text,
}

/// Finds text that reads as control tokens: special tokens, and added tokens that the chat template writes.
#[derive(Debug)]
pub(crate) struct ControlTokens(Option<AhoCorasick>);

impl ControlTokens {
    pub(crate) fn new(tokenizer: &Tokenizer, template: Option<&ChatTemplate>) -> Result<Self, Error> {
        let writes = |text: &str| template.is_some_and(|template| template.writes(text));
        let tokens = tokenizer.control_tokens(|text| writes(text) && !text.trim().is_empty());
        if tokens.is_empty() {
            return Ok(Self(None));
        }
        let build = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(tokens);
        build.map(|found| Self(Some(found))).map_err(|error| tokenizer.failed(&error.to_string().into()))
    }

    /// The text of a message, marked where its special tokens are text.
    pub(crate) fn read(&self, text: &str, marks: Option<Marks>) -> String {
        marks.map_or_else(|| text.to_owned(), |marks| self.marked(text, marks))
    }

    /// How many there are in `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.0.as_ref().map_or(0, |tokens| tokens.find_iter(text).count())
    }

    /// The one that begins in `context` and ends in `question`.
    pub(crate) fn across(&self, context: &str, question: &str) -> Option<Across> {
        let tokens = self.0.as_ref()?;
        // No more than all but one byte of a token is on either side.
        let most = tokens.max_pattern_len() - 1;
        let tail = &context[context.ceil_char_boundary(context.len().saturating_sub(most))..];
        let head = &question[..question.floor_char_boundary(most)];
        let both = format!("{tail}{head}");
        let found = tokens.find_iter(&both).find(|found| found.end() > tail.len())?;
        let before = tail.get(found.start()..).filter(|before| !before.is_empty())?;
        Some(Across { before: before.to_owned(), after: head[..found.end() - tail.len()].to_owned() })
    }

    /// `text` with marks around each of them.
    fn marked(&self, text: &str, marks: Marks) -> String {
        let Some(tokens) = &self.0 else { return text.to_owned() };
        let mut marked = String::with_capacity(text.len() + 64);
        let mut end = 0;
        for found in tokens.find_iter(text) {
            marked.push_str(&text[end..found.start()]);
            marked.push(marks.open);
            marked.push_str(&text[found.range()]);
            marked.push(marks.close);
            end = found.end();
        }
        marked.push_str(&text[end..]);
        marked
    }
}

/// A special token that begins in one text and ends in the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Across {
    before: String,
    after: String,
}

/// Two characters that no text of a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    open: char,
    close: char,
}

impl Marks {
    /// From the characters that Unicode leaves to private use. `None` where `texts` have all of them.
    pub(crate) fn absent_from(texts: &[&str]) -> Option<Self> {
        let mut free = ('\u{e000}'..='\u{f8ff}').filter(|&c| !texts.iter().any(|text| text.contains(c)));
        Some(Self { open: free.next()?, close: free.next()? })
    }
}

/// A text in which some places are read as text though they read as special tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkedText {
    pub(crate) text: String,
    /// In bytes, in order.
    pub(crate) literal: Vec<Range<usize>>,
}

impl MarkedText {
    /// One in which every special token counts.
    fn plain(text: String) -> Self {
        Self { text, literal: vec![] }
    }

    /// `text`, in which there are `marks` or none, without them.
    pub(crate) fn of(text: String, marks: Option<Marks>) -> Self {
        match marks {
            Some(marks) => Self::unmarked(&text, marks),
            None => Self::plain(text),
        }
    }

    /// This text and then `next`, where a special token `across` the two is text.
    pub(crate) fn joined(&self, next: &Self, across: Option<&Across>) -> Self {
        let at = self.text.len();
        // A template may have changed the text there, and what is marked is text already.
        let across = across.filter(|Across { before, after }| {
            let from = self.literal.last().map_or(0, |place| place.end);
            let to = next.literal.first().map_or(next.text.len(), |place| place.start);
            self.text[from..].ends_with(before) && next.text[..to].starts_with(after)
        });
        let across = across.map(|Across { before, after }| at - before.len()..at + after.len());
        let moved = next.literal.iter().map(|place| place.start + at..place.end + at);
        let literal = self.literal.iter().cloned().chain(across).chain(moved).collect();
        Self { text: format!("{}{}", self.text, next.text), literal }
    }

    /// `text` without its marks. A mark without its partner, as a template that cuts a text may leave it, is dropped.
    fn unmarked(text: &str, marks: Marks) -> Self {
        let mut plain = Self::default();
        let mut open = None;
        for piece in text.split_inclusive([marks.open, marks.close]) {
            let mark = piece.chars().next_back().filter(|&c| c == marks.open || c == marks.close);
            plain.text.push_str(&piece[..piece.len() - mark.map_or(0, char::len_utf8)]);
            match mark {
                Some(mark) if mark == marks.open => open = Some(plain.text.len()),
                Some(_) => plain.literal.extend(open.take().map(|start| start..plain.text.len())),
                None => {}
            }
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{Across, AhoCorasick, ControlTokens, MarkedText, Marks};
    use crate::hf::folder::FolderText;
    use crate::hf::json;

    /// The tokens are those of transformers 5.24, `tests/reference/control_tokens.py` made them.
    #[test]
    fn text_that_reads_as_special_tokens_is_tokenised_as_transformers_does() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/control_tokens.json");
        let golden = json::read(&path).unwrap();
        let config = json!({"bos_token": "<s>", "eos_token": "</s>", "chat_template": golden["template"]});
        for case in golden["cases"].as_array().unwrap() {
            let folder = tempfile::tempdir().unwrap();
            let write = |file: &str, json: &Value| {
                std::fs::write(folder.path().join(file), json.to_string()).unwrap();
            };
            write("tokenizer.json", &golden["vocabularies"][case["vocabulary"].as_str().unwrap()]);
            write("tokenizer_config.json", &config);
            let text = FolderText::read(folder.path()).unwrap();
            let template = text.chat_template(folder.path()).unwrap().unwrap();
            let controls = ControlTokens::new(&text.tokenizer, Some(&template)).unwrap();
            let message = case["message"].as_str().unwrap();
            for (marks, expected) in [(None, "parse"), (Marks::absent_from(&[message]), "text")] {
                let rendered = template.render(&controls.read(message, marks)).unwrap();
                let ids = text.tokenizer.encode_marked(&MarkedText::of(rendered, marks)).unwrap();
                assert_eq!(json!(ids), case[expected], "{expected} {case}");
            }
            assert_eq!(controls.count(message) > 0, case["parse"] != case["text"], "{case}");
        }
    }

    #[test]
    fn a_special_token_across_two_texts_is_found_and_marked() {
        let tokens = ControlTokens(Some(AhoCorasick::new(["<|end|>", "<s>"]).unwrap()));
        let across = |context, question| tokens.across(context, question);
        let found = across("é<s><|en", "d|>é").unwrap();
        assert_eq!(found, Across { before: "<|en".into(), after: "d|>".into() });
        for (context, question) in [("<|end|>", "d|>"), ("<|en", "d"), ("", "<s>"), ("<s>", ""), ("é", "é")]
        {
            assert_eq!(across(context, question), None, "{context} {question}");
        }
        let (context, question) = (unmarked("[<s>]<|en"), unmarked("d|>é[<s>]"));
        let joined = context.joined(&question, Some(&found));
        assert_eq!(joined.text, "<s><|end|>é<s>");
        assert_eq!(joined.literal, [0..3, 3..10, 12..15]);
        // Where a template changed the text, there is none.
        assert_eq!(context.joined(&unmarked(" d|>"), Some(&found)).literal, context.literal);
    }

    fn unmarked(text: &str) -> MarkedText {
        MarkedText::unmarked(text, Marks { open: '[', close: ']' })
    }

    #[test]
    fn marks_are_characters_that_the_texts_have_not() {
        let marks = Marks::absent_from(&["a\u{e000}", "\u{e002}"]).unwrap();
        assert_eq!(marks, Marks { open: '\u{e001}', close: '\u{e003}' });
        let all: String = ('\u{e000}'..='\u{f8ff}').collect();
        assert_eq!(Marks::absent_from(&[&all]), None);
    }

    #[test]
    fn a_marked_text_knows_the_places_of_its_marks() {
        let both = unmarked("a[bé]c[d]");
        assert_eq!(both, MarkedText { text: "abécd".into(), literal: vec![1..4, 5..6] });
        // A template that trims can take a mark away.
        assert_eq!(unmarked("a]b[c"), MarkedText::plain("abc".into()));
    }
}
