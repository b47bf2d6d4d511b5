//! What an answer is worth.

use sah_metrics::{FinalInteger, final_integer};

/// The answers that there are.
const LARGEST: u64 = 999;

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the right one.
    pub is_right: bool,
    /// Whether it stands in a box, `\boxed{..}`.
    pub is_boxed: bool,
    /// Whether an integer was found in it, right or not.
    pub is_extracted: bool,
}

impl Verdict {
    /// Of the text `prediction`, where `reference` is right.
    #[must_use]
    pub fn new(prediction: &str, reference: u64) -> Self {
        let FinalInteger { value, is_boxed } = final_integer(prediction);
        Self { is_right: value == Some(reference), is_boxed, is_extracted: value.is_some() }
    }

    /// 1 if it is right, otherwise 0.
    #[must_use]
    pub fn score(self) -> f64 {
        f64::from(u8::from(self.is_right))
    }
}

/// What a right answer must be, in words.
pub(crate) const EXPECTED: &str = "an integer from 0 to 999";

/// The right answer as data have it: `33` or `033`.
pub(crate) fn reference(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= LARGEST)
}

#[cfg(test)]
mod tests {
    use super::{Verdict, reference};

    #[test]
    fn references_are_integers_from_0_to_999() {
        for (text, number) in [("33", Some(33)), ("033", Some(33)), (" 0\n", Some(0)), ("999", Some(999))] {
            assert_eq!(reference(text), number, "{text:?}");
        }
        for text in ["1000", "-1", "+1", "1.0", "", "x", r"\boxed{1}"] {
            assert_eq!(reference(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_answer_is_right_boxed_and_found_or_not() {
        let verdict = |text| {
            let Verdict { is_right, is_boxed, is_extracted } = Verdict::new(text, 25);
            (is_right, is_boxed, is_extracted)
        };
        assert_eq!(verdict(r"\boxed{25}"), (true, true, true));
        assert_eq!(verdict("It is 25."), (true, false, true));
        assert_eq!(verdict(r"\boxed{26}"), (false, true, true));
        assert_eq!(verdict(r"\boxed{x}"), (false, true, false));
        assert_eq!(verdict(""), (false, false, false));
    }
}
