//! References that stand in an answer, as RULER looks for them.

use crate::python;

/// The share of `references` that occur in `prediction`, whatever the case of letters: from 0 to 1, and 0 without references.
///
/// `sum(r.lower() in prediction.lower() for r in references) / len(references)` of RULER's `string_match_all`, over a prediction as
/// its evaluation prepares it: stripped, every control character up to U+001F a newline, and stripped again. An occurrence
/// within a longer word or number counts, a reference that is given twice counts twice, and other text costs nothing.
#[must_use]
pub fn string_match_all<S: AsRef<str>>(prediction: &str, references: &[S]) -> f64 {
    if references.is_empty() {
        return 0.0;
    }
    matches(prediction, references) as f64 / references.len() as f64
}

/// 1 where any of `references` occurs in `prediction`, otherwise 0: RULER's `string_match_part`, which its questions over
/// documents are scored with. The prediction is prepared as for [`string_match_all`].
#[must_use]
pub fn string_match_part<S: AsRef<str>>(prediction: &str, references: &[S]) -> f64 {
    if matches(prediction, references) > 0 { 1.0 } else { 0.0 }
}

fn matches<S: AsRef<str>>(prediction: &str, references: &[S]) -> usize {
    let prediction = prepared(prediction).to_lowercase();
    references.iter().filter(|reference| prediction.contains(&reference.as_ref().to_lowercase())).count()
}

fn prepared(prediction: &str) -> String {
    let text: String =
        python::strip(prediction).chars().map(|c| if c <= '\u{1f}' { '\n' } else { c }).collect();
    python::strip(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{string_match_all, string_match_part};

    #[test]
    fn shares_of_references() {
        for (prediction, references, all, part) in [
            ("It is 4217.", &["4217"][..], 1.0, 1.0),
            ("421 7", &["4217"], 0.0, 0.0),
            ("142178", &["4217"], 1.0, 1.0),
            ("KELP and reed", &["reed", "Kelp", "moss"], 2.0 / 3.0, 1.0),
            ("kelp", &["kelp", "kelp", "moss"], 2.0 / 3.0, 1.0),
            ("", &["kelp"], 0.0, 0.0),
            ("kelp", &[], 0.0, 0.0),
            ("kelp", &[""], 1.0, 1.0),
        ] {
            assert_eq!(string_match_all(prediction, references), all, "{prediction:?}");
            assert_eq!(string_match_part(prediction, references), part, "{prediction:?}");
        }
    }

    #[test]
    fn a_control_character_parts_what_stands_around_it() {
        assert_eq!(string_match_all("42\u{0}17", &["4217"]), 0.0);
        assert_eq!(string_match_all("a\tb", &["a\nb"]), 1.0);
        assert_eq!(string_match_all("\u{1f}4217\u{7f}", &["4217\u{7f}"]), 1.0);
        assert_eq!(string_match_all("x \u{0}", &["x "]), 0.0, "what is stripped at the end is gone");
    }
}
