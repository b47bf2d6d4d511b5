//! Which of four options an answer names, in a fixed sentence.

use std::sync::LazyLock;

use regex::Regex;

/// The letter, A to D, that `answer` says to be the correct answer; `None` where it names none.
///
/// All asterisks are dropped. Then the first "The correct answer is (B)" counts, wherever it stands, and only without one the first
/// "The correct answer is B". Letters are capital, blanks are single, and nothing stands between: "the correct answer is: (B)"
/// names none. A bare letter may begin a word, so "The correct answer is Because .." names B.
///
/// The rule is `extract_answer` of the `pred.py` that THUDM published with four-option questions about long texts (commit 2e00731).
///
/// ```
/// assert_eq!(sah_metrics::stated_choice("**The correct answer is (B)**, for .."), Some('B'));
/// assert_eq!(sah_metrics::stated_choice("B"), None);
/// ```
#[must_use]
pub fn stated_choice(answer: &str) -> Option<char> {
    static IN_BRACKETS: LazyLock<Regex> = LazyLock::new(|| pattern(r"The correct answer is \(([A-D])\)"));
    static BARE: LazyLock<Regex> = LazyLock::new(|| pattern("The correct answer is ([A-D])"));
    let answer = answer.replace('*', "");
    let found = IN_BRACKETS.captures(&answer).or_else(|| BARE.captures(&answer))?;
    found[1].chars().next()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

#[cfg(test)]
mod tests {
    use super::stated_choice;

    #[test]
    fn the_sentence_counts_and_nothing_else() {
        for (answer, letter) in [
            ("The correct answer is (C).", Some('C')),
            ("I think so.\n**The correct answer is (A)** for two reasons.", Some('A')),
            ("The correct answer is (*D*)", Some('D')),
            ("The correct answer is D", Some('D')),
            // In brackets before bare, then the first.
            ("The correct answer is A, no: The correct answer is (C)", Some('C')),
            ("The correct answer is (A). The correct answer is (C)", Some('A')),
            ("The correct answer is C. The correct answer is A", Some('C')),
            // The letter may begin a word.
            ("The correct answer is Because of it, (D)", Some('B')),
            ("The correct answer is (c)", None),
            ("the correct answer is (C)", None),
            ("The correct answer is: (C)", None),
            ("The correct answer is  (C)", None),
            ("The correct answer is\n(C)", None),
            ("The correct answer is (E)", None),
            ("The correct answer is （C）", None),
            ("C", None),
            ("", None),
        ] {
            assert_eq!(stated_choice(answer), letter, "{answer:?}");
        }
    }
}
