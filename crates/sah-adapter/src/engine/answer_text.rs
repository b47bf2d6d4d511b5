//! The text of an answer while its tokens come, apart from the thoughts before it.

use super::text::TextStream;
use super::{Detokenizer, ThoughtMarks};
use crate::{Error, SplitText, ThoughtTags, Thoughts, split_thoughts};

/// What a model is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// So little that it may be the beginning of an opening tag.
    Undecided,
    Thinking,
    Answering,
}

/// Takes the tokens of an answer one by one. Stop strings are looked for in the answer alone.
pub(super) struct AnswerText<'a> {
    detokenizer: &'a dyn Detokenizer,
    stop: &'a [String],
    marks: ThoughtMarks,
    stage: Stage,
    /// All tokens so far.
    ids: Vec<u32>,
    /// Tokens of the thoughts, tags included.
    thinking_tokens: usize,
    /// What the model thinks, tags included.
    thoughts: Option<TextStream<'a>>,
    answer: TextStream<'a>,
    /// What the token that closed the thoughts had behind the tag.
    lead: String,
    /// Whether any of the answer was handed out: white space between thoughts and answer is no part of either.
    has_begun: bool,
}

/// The text of a whole answer.
pub(super) struct FinishedText {
    /// What was not handed out yet.
    pub(super) last: String,
    /// Whether that is of the thoughts.
    pub(super) last_is_thought: bool,
    pub(super) text: String,
    pub(super) thoughts: Option<Thoughts>,
    pub(super) thinking_tokens: usize,
}

impl<'a> AnswerText<'a> {
    /// `in_thoughts`: whether the prompt has opened them already.
    pub(super) fn new(
        detokenizer: &'a dyn Detokenizer,
        stop: &'a [String],
        marks: ThoughtMarks,
        in_thoughts: bool,
    ) -> Self {
        Self {
            detokenizer,
            stop,
            marks,
            stage: if in_thoughts { Stage::Thinking } else { Stage::Undecided },
            ids: Vec::new(),
            thinking_tokens: 0,
            thoughts: in_thoughts.then(|| TextStream::new(detokenizer, &[])),
            answer: TextStream::new(detokenizer, stop),
            lead: String::new(),
            has_begun: false,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Tokens of the thoughts so far.
    pub(super) fn thinking_tokens(&self) -> usize {
        if self.stage == Stage::Thinking { self.ids.len() } else { self.thinking_tokens }
    }

    /// Adds a token. True where the answer now has a stop string in it.
    pub(super) fn push(&mut self, id: u32) -> Result<bool, Error> {
        self.ids.push(id);
        if self.stage == Stage::Thinking {
            self.think(id)?;
            return Ok(false);
        }
        if self.marks.close.end(&self.ids) && self.thoughts.is_none() {
            // They began without the opening tag, or there are none.
            self.begin_thoughts()?;
            self.end_thoughts(String::new());
            return Ok(false);
        }
        let stopped = self.answer.push(id)?;
        if self.stage == Stage::Undecided {
            let written = self.answer.text().trim_start();
            let ThoughtMarks { tags, open, close } = self.marks;
            if open.end(&self.ids) || written.starts_with(tags.open) {
                self.begin_thoughts()?;
                return Ok(false);
            }
            let begins = open.begin_with(&self.ids) || close.begin_with(&self.ids);
            if !begins && !tags.open.starts_with(written) {
                self.stage = Stage::Answering;
            }
        }
        Ok(stopped)
    }

    /// What was taken for an answer were thoughts.
    fn begin_thoughts(&mut self) -> Result<(), Error> {
        self.stage = Stage::Thinking;
        self.answer = TextStream::new(self.detokenizer, self.stop);
        let mut thoughts = TextStream::new(self.detokenizer, &[]);
        for &id in &self.ids {
            thoughts.push(id)?;
        }
        self.thoughts = Some(thoughts);
        Ok(())
    }

    /// Adds a token to the thoughts, which it may close.
    fn think(&mut self, id: u32) -> Result<(), Error> {
        let Some(thoughts) = &mut self.thoughts else { return Ok(()) };
        let searched = thoughts.text().len().saturating_sub(self.marks.tags.close.len());
        thoughts.push(id)?;
        let text = thoughts.text();
        let from = (0..=searched).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let close = self.marks.tags.close;
        let behind = match text[from..].find(close) {
            Some(at) => &text[from + at + close.len()..],
            None if self.marks.close.end(&self.ids) => "",
            None => return Ok(()),
        };
        let lead = behind.trim_start().to_owned();
        self.end_thoughts(lead);
        Ok(())
    }

    /// The answer begins with `lead`.
    fn end_thoughts(&mut self, lead: String) {
        self.lead = lead;
        self.thinking_tokens = self.ids.len();
        self.stage = Stage::Answering;
    }

    /// What has become certain since the last call, and whether it is of the thoughts.
    pub(super) fn piece(&mut self) -> (String, bool) {
        if self.stage == Stage::Undecided {
            return (String::new(), false);
        }
        let is_thought = self.thinking_tokens() == self.ids.len();
        if let Some(thoughts) = self.thoughts.as_mut().filter(|_| is_thought) {
            return (thoughts.piece().to_owned(), true);
        }
        let piece = self.answer.piece().to_owned();
        (self.after_thoughts(piece), false)
    }

    /// A piece of the answer: behind thoughts, without the white space before the answer.
    fn after_thoughts(&mut self, piece: String) -> String {
        if self.thoughts.is_none() || self.has_begun {
            return piece;
        }
        let piece = self.lead.clone() + &piece;
        let piece = piece.trim_start();
        self.has_begun = !piece.is_empty();
        piece.to_owned()
    }

    /// The whole text. `stopped` by a stop string: it ends before that.
    pub(super) fn finish(mut self, stopped: bool) -> Result<FinishedText, Error> {
        if self.stage == Stage::Thinking {
            self.thinking_tokens = self.ids.len();
        }
        let Some(thoughts) = self.thoughts.take() else {
            let (last, text) = self.answer.finish(stopped)?;
            let (last_is_thought, thoughts, thinking_tokens) = (false, None, 0);
            let finished = FinishedText { last, last_is_thought, text, thoughts, thinking_tokens };
            return Ok(finished.without_late_thoughts(self.marks));
        };
        let is_finished = self.stage == Stage::Answering;
        let (last_thought, text) = thoughts.finish(false)?;
        let thoughts = Some(Thoughts { text: self.marks.without_tags(&text).to_owned(), is_finished });
        let lead = self.lead;
        let (last, answer) = self.answer.finish(stopped)?;
        let text = (lead.clone() + &answer).trim_start().to_owned();
        let last = if self.has_begun { last } else { (lead + &last).trim_start().to_owned() };
        let last_is_thought = last.is_empty() && self.thinking_tokens == self.ids.len();
        let last = if last_is_thought { last_thought } else { last };
        let thinking_tokens = self.thinking_tokens;
        let finished = FinishedText { last, last_is_thought, text, thoughts, thinking_tokens };
        Ok(finished.without_late_thoughts(self.marks))
    }
}

impl FinishedText {
    /// Takes thoughts out that began without the opening tag, or after a part of the answer.
    fn without_late_thoughts(mut self, marks: ThoughtMarks) -> Self {
        let ThoughtTags { open, close } = marks.tags;
        let thinks_again = self.thoughts.is_some() && self.text.contains(open);
        if !thinks_again && !self.text.contains(close) {
            return self;
        }
        let SplitText { answer, thoughts: late } = split_thoughts(&self.text);
        let parts = self.thoughts.into_iter().chain(late);
        let joined = parts.reduce(|one, other| Thoughts {
            text: format!("{}\n{}", one.text, other.text),
            is_finished: other.is_finished,
        });
        self.text = answer.to_owned();
        self.thoughts = joined;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerText, Stage};
    use crate::engine::text::testing::Bytes;
    use crate::engine::{Detokenizer, TagTokens, ThoughtMarks};
    use crate::{Error, ThoughtTags};

    /// What a text of one token a byte comes to.
    #[derive(Debug, PartialEq)]
    struct Read {
        thoughts: Option<(String, bool)>,
        text: String,
        /// Tokens of the thoughts.
        thinking: usize,
        /// The pieces of thoughts and of the answer, each joined.
        pieces: [String; 2],
        stopped: bool,
    }

    fn read_with(detokenizer: &dyn Detokenizer, marks: ThoughtMarks, ids: &[u32], stop: &[&str]) -> Read {
        let stop: Vec<String> = stop.iter().map(|&stop| stop.to_owned()).collect();
        let mut answer = AnswerText::new(detokenizer, &stop, marks, false);
        let mut pieces = [String::new(), String::new()];
        let mut stopped = false;
        for &id in ids {
            stopped = answer.push(id).unwrap();
            if stopped {
                break;
            }
            let (piece, is_thought) = answer.piece();
            pieces[usize::from(!is_thought)].push_str(&piece);
        }
        let finished = answer.finish(stopped).unwrap();
        pieces[usize::from(!finished.last_is_thought)].push_str(&finished.last);
        Read {
            thoughts: finished.thoughts.map(|thoughts| (thoughts.text, thoughts.is_finished)),
            text: finished.text,
            thinking: finished.thinking_tokens,
            pieces,
            stopped,
        }
    }

    fn read(text: &str, stop: &[&str]) -> Read {
        read_with(&Bytes, ThoughtMarks::of(ThoughtTags::THINK), &Bytes::encode(text), stop)
    }

    #[test]
    fn thoughts_are_parted_from_the_answer() {
        let whole = read("<think>\nIn Norway.\n</think>\n\nNorway\n", &[]);
        let expected = Read {
            thoughts: Some(("In Norway.".to_owned(), true)),
            text: "Norway\n".to_owned(),
            thinking: "<think>\nIn Norway.\n</think>".len(),
            pieces: ["<think>\nIn Norway.\n</think>".to_owned(), "Norway\n".to_owned()],
            stopped: false,
        };
        assert_eq!(whole, expected);
    }

    #[test]
    fn an_answer_without_thoughts_stays_as_it_is() {
        for text in ["Norway", " \n Norway", "<b>", "<thin", "", "a <think> b"] {
            let read = read(text, &[]);
            assert_eq!((read.thoughts, &*read.text, read.thinking), (None, text, 0), "{text:?}");
            assert_eq!(read.pieces, [String::new(), text.to_owned()], "{text:?}");
        }
    }

    #[test]
    fn thoughts_without_an_end_leave_an_empty_answer() {
        for text in ["<think>", " <think>a", "<think>a</thin"] {
            let read = read(text, &[]);
            assert_eq!((&*read.text, read.thinking), ("", text.len()), "{text:?}");
            assert!(!read.thoughts.unwrap().1 && read.pieces[1].is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_stop_string_in_thoughts_is_none() {
        let read = read("<think>a.b</think>c.d", &["."]);
        assert_eq!((&*read.text, read.stopped), ("c", true));
        assert_eq!(read.thoughts, Some(("a.b".to_owned(), true)));
    }

    #[test]
    fn thoughts_in_the_middle_are_no_answer_either() {
        let read = |text: &str| {
            let read = read(text, &[]);
            (read.text, read.thoughts)
        };
        let thoughts = |text: &str, is_finished| Some((text.to_owned(), is_finished));
        assert_eq!(read("In Norway.</think> Norway"), ("Norway".to_owned(), thoughts("In Norway.", true)));
        let twice = read("<think>a</think>b<think>c</think>d");
        assert_eq!(twice, ("d".to_owned(), thoughts("a\nb<think>c", true)));
        assert_eq!(read("<think>a</think>b<think>c"), ("b".to_owned(), thoughts("a\nc", false)));
    }

    /// Tokens 300 and 301 are tags that are not decoded, as special tokens are not.
    #[derive(Debug)]
    struct Special;

    impl Detokenizer for Special {
        fn decode(&self, ids: &[u32]) -> Result<String, Error> {
            Bytes.decode(&ids.iter().copied().filter(|&id| id < 256).collect::<Vec<_>>())
        }
    }

    #[test]
    fn tags_that_are_special_tokens_are_found_by_their_numbers() {
        let marks =
            ThoughtMarks { open: tag(&[300]), close: tag(&[301]), ..ThoughtMarks::of(ThoughtTags::ALL[3]) };
        let ids = [&[300], &Bytes::encode("ab")[..], &[301], &Bytes::encode("\nc")].concat();
        let read = read_with(&Special, marks, &ids, &[]);
        assert_eq!((read.thoughts, &*read.text, read.thinking), (Some(("ab".to_owned(), true)), "c", 4));
        let without_open = read_with(&Special, marks, &ids[1..], &[]);
        assert_eq!((without_open.thoughts, &*without_open.text), (Some(("ab".to_owned(), true)), "c"));
    }

    fn tag(ids: &[u32]) -> TagTokens {
        TagTokens::new(ids).unwrap()
    }

    /// gpt-oss: `<|channel|>analysis<|message|>ab<|end|><|start|>assistant<|channel|>final<|message|>cd`, with words of one token.
    #[test]
    fn channels_are_told_by_their_tokens() {
        #[derive(Debug)]
        struct Words;
        impl Detokenizer for Words {
            fn decode(&self, ids: &[u32]) -> Result<String, Error> {
                let word =
                    |id: &u32| ["analysis", "final", "assistant", "ab", "cd", "e"].get(*id as usize).copied();
                Ok(ids.iter().filter_map(word).collect())
            }
        }
        let (channel, message, end, start) = (10, 11, 12, 13);
        let marks = ThoughtMarks {
            tags: ThoughtTags::ALL[7],
            open: tag(&[channel, 0, message]),
            close: tag(&[channel, 1, message]),
        };
        let thinks = [channel, 0, message, 3, end, start, 2, channel, 1, message, 4, 5];
        let read = |ids: &[u32]| read_with(&Words, marks, ids, &[]);
        let whole = read(&thinks);
        assert_eq!(
            (whole.thoughts, &*whole.text, whole.thinking),
            (Some(("ab".to_owned(), true)), "cde", 10)
        );
        assert_eq!(whole.pieces[1], "cde");
        let at_once = read(&[channel, 1, message, 4]);
        assert_eq!((at_once.thoughts, &*at_once.text), (Some((String::new(), true)), "cd"));
        let cut = read(&thinks[..6]);
        assert_eq!((cut.thoughts, &*cut.text), (Some(("ab".to_owned(), false)), ""));
        let plain = read(&[4, 5]);
        assert_eq!((plain.thoughts, &*plain.text), (None, "cde"));
    }

    #[test]
    fn the_prompt_may_have_opened_them() {
        let mut answer = AnswerText::new(&Bytes, &[], ThoughtMarks::of(ThoughtTags::THINK), true);
        for id in Bytes::encode("a</think>b") {
            answer.push(id).unwrap();
        }
        assert_eq!(answer.stage(), Stage::Answering);
        let finished = answer.finish(false).unwrap();
        assert_eq!((finished.thoughts.unwrap().text.as_str(), &*finished.text), ("a", "b"));
    }
}
