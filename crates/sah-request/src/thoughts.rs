//! Thoughts: what a model writes to itself before it answers.
//!
//! Models put them between tags. They are no part of an answer and are never scored.

use serde::{Deserialize, Serialize};

/// What a model wrote to itself before it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thoughts {
    /// The text between the tags, without white space at its ends.
    pub text: String,
    /// Whether the closing tag was there. Where it was not, nothing is known of the answer.
    pub is_finished: bool,
}

/// The texts between which a model writes its thoughts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThoughtTags {
    /// Begins them. A chat template may have written it already.
    pub open: &'static str,
    /// Ends them; the answer follows.
    pub close: &'static str,
}

impl ThoughtTags {
    /// Those of most models.
    pub const THINK: Self = Self { open: "<think>", close: "</think>" };

    /// Those of published models: Qwen3, DeepSeek, GLM, SmolLM3, Granite 3.3 and most others; Seed-OSS; EXAONE Deep; Magistral;
    /// Kimi-VL; Apertus; Gemma 4; gpt-oss, whose answer is in a channel of its own; Granite 3.2.
    pub const ALL: [Self; 9] = [
        Self::THINK,
        Self { open: "<seed:think>", close: "</seed:think>" },
        Self { open: "<thought>", close: "</thought>" },
        Self { open: "[THINK]", close: "[/THINK]" },
        Self { open: "\u{25c1}think\u{25b7}", close: "\u{25c1}/think\u{25b7}" },
        Self { open: "<|inner_prefix|>", close: "<|inner_suffix|>" },
        Self { open: "<|channel>thought", close: "<channel|>" },
        Self { open: "<|channel|>analysis<|message|>", close: "<|channel|>final<|message|>" },
        Self { open: "Here is my thought process:", close: "Here is my response:" },
    ];
}

/// What is done with thoughts in answers that something else wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThoughtsInAnswers {
    /// They are no part of the answer.
    #[default]
    LeftOut,
    /// They are taken for a part of it.
    Kept,
}

impl ThoughtsInAnswers {
    /// What fits answers that something else wrote: they are left out unless more than half of the answers with thoughts have
    /// nothing but their beginning. Whoever made those counted thoughts as answers, and so do scores published for them.
    #[must_use]
    pub fn of_answers(with_thoughts: usize, unfinished: usize) -> Self {
        if unfinished * 2 > with_thoughts { Self::Kept } else { Self::LeftOut }
    }

    /// The answer in `text`, and the thoughts that are left out.
    #[must_use]
    pub fn split(self, text: &str) -> SplitText<'_> {
        match self {
            Self::LeftOut => split_thoughts(text),
            Self::Kept => SplitText { answer: text, thoughts: None },
        }
    }
}

/// A text that a model wrote, apart from its thoughts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitText<'a> {
    /// What is left of it: what follows the last closing tag, up to an opening tag without an end. Without thoughts the whole
    /// text.
    pub answer: &'a str,
    /// Those that it had, tags aside; `None` where it had no tag.
    pub thoughts: Option<Thoughts>,
}

/// Parts `text` from the thoughts in it, by the tags of any published model.
///
/// As chat templates do with earlier turns, everything before the last closing tag counts as thoughts: the opening tag is not in
/// the text where the template wrote it. White space after the closing tag goes with it. Thoughts without a closing tag reach to
/// the end of the text.
#[must_use]
pub fn split_thoughts(text: &str) -> SplitText<'_> {
    let ends = ThoughtTags::ALL.iter().filter_map(|tags| Some((text.rfind(tags.close)?, tags)));
    let last_end = ends.max_by_key(|(at, tags)| at + tags.close.len());
    let (before, rest) = match last_end {
        Some((at, tags)) => (Some((&text[..at], tags)), text[at + tags.close.len()..].trim_start()),
        None => (None, text),
    };
    let opened = ThoughtTags::ALL.iter().filter_map(|tags| Some((rest.find(tags.open)?, tags.open))).min();
    let (answer, after) = match opened {
        Some((at, open)) => (&rest[..at], Some(&rest[at + open.len()..])),
        None => (rest, None),
    };
    let before = before.map(|(thoughts, tags)| {
        let thoughts = thoughts.trim();
        thoughts.strip_prefix(tags.open).unwrap_or(thoughts).trim()
    });
    let parts: Vec<&str> = before.into_iter().chain(after.map(str::trim)).collect();
    let thoughts = (!parts.is_empty())
        .then(|| Thoughts { text: parts.join("\n").trim().to_owned(), is_finished: after.is_none() });
    SplitText { answer, thoughts }
}

#[cfg(test)]
mod tests {
    use super::{ThoughtTags, split_thoughts};

    /// Answer, thoughts, and whether these have an end.
    fn split(text: &str) -> (&str, Option<(String, bool)>) {
        let split = split_thoughts(text);
        (split.answer, split.thoughts.map(|thoughts| (thoughts.text, thoughts.is_finished)))
    }

    #[test]
    fn the_answer_is_what_follows_the_last_closing_tag() {
        let thoughts = |text: &str| Some((text.to_owned(), true));
        for (text, answer, expected) in [
            ("Norway", "Norway", None),
            (" a < b \n", " a < b \n", None),
            ("<think>\nIn Norway.\n</think>\n\nNorway", "Norway", thoughts("In Norway.")),
            ("<think>\n\n</think>\n\nLocation", "Location", thoughts("")),
            // The template wrote the opening tag.
            ("In Norway.\n</think>\n\nNorway\n", "Norway\n", thoughts("In Norway.")),
            ("  <think>a</think>b<think>c</think> d", "d", thoughts("a</think>b<think>c")),
            ("[THINK]a[/THINK]b", "b", thoughts("a")),
            ("<seed:think>a</seed:think>b", "b", thoughts("a")),
            ("\u{25c1}think\u{25b7}a\u{25c1}/think\u{25b7}b", "b", thoughts("a")),
            (
                "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b",
                "b",
                thoughts("a<|end|><|start|>assistant"),
            ),
            ("Here is my thought process:\na\nHere is my response:\nb", "b", thoughts("a")),
        ] {
            assert_eq!(split(text), (answer, expected), "{text:?}");
        }
    }

    #[test]
    fn thoughts_without_an_end_leave_no_answer() {
        let unfinished = |text: &str| Some((text.to_owned(), false));
        for (text, answer, expected) in [
            ("<think>\nThe passage says Norway", "", unfinished("The passage says Norway")),
            ("<think>", "", unfinished("")),
            ("\n<think>a", "\n", unfinished("a")),
            ("<think>a</think>\nNorway <think>b", "Norway ", unfinished("a\nb")),
        ] {
            assert_eq!(split(text), (answer, expected), "{text:?}");
        }
        for tags in ThoughtTags::ALL {
            assert_eq!(split(&format!("{}x", tags.open)), ("", unfinished("x")), "{tags:?}");
            assert_eq!(split(&format!("x{}y", tags.close)), ("y", Some(("x".to_owned(), true))), "{tags:?}");
        }
    }
}
