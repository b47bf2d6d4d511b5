//! Numbers in an answer.

use std::sync::LazyLock;

use regex::Regex;
use sah_metrics::python;

/// A label that is a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    /// By its digits.
    Integer(String),
    Fraction(f64),
}

impl Number {
    /// An integer where it is written as one, else a fraction: `5` is an integer, `5.0` is not.
    pub(super) fn read(text: &str) -> Option<Self> {
        let fraction = || text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        python::int(text).map(Self::Integer).or_else(|| fraction().map(Self::Fraction))
    }
}

/// Whether the last word is the integer `label`. Line ends, full stops, colons and quotes
/// of all kinds part words.
pub(super) fn last_integer(answer: &str, label: &str) -> bool {
    let answer = answer.replace(['\n', '.', '`', '\'', '"', ':'], " ");
    let last = python::split_whitespace(&answer).last();
    last.and_then(python::int).is_some_and(|value| Some(value) == python::int(label))
}

/// Whether the first number, digits or digits with a full stop between, has the value of `label`. Signs do not count. A fraction
/// is never an integer label, even `5.0`: there the official scorer raises.
pub(super) fn first_number(answer: &str, label: &str) -> bool {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d+\.\d+|\d+").expect("a constant pattern"));
    let Some(found) = NUMBER.find(answer) else { return false };
    match Number::read(label) {
        Some(Number::Integer(label)) => python::int(found.as_str()) == Some(label),
        Some(Number::Fraction(label)) => float(found.as_str()) == Some(label),
        None => false,
    }
}

/// `float(text)` of digits of any script, which may have a full stop between them.
fn float(text: &str) -> Option<f64> {
    let ascii = |c| if c == '.' { Some('.') } else { char::from_digit(python::digit_value(c)?, 10) };
    text.chars().map(ascii).collect::<Option<String>>()?.parse().ok()
}

/// The runs of ASCII digits as integers, by their digits.
pub(super) fn integers(answer: &str) -> Vec<String> {
    answer.split(|c: char| !c.is_ascii_digit()).filter_map(python::int).collect()
}

/// The share of `label` that `found` begins with.
pub(super) fn prefix(found: &[String], label: &[String]) -> f64 {
    let right =
        label.iter().zip(found).take_while(|(label, found)| python::int(label).as_ref() == Some(found));
    right.count() as f64 / label.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_read_as_python_reads_integers() {
        for (answer, is_right) in [
            ("-7", true),
            ("The value is: -7.", true),
            ("-07 ", true),
            ("7", false),
            ("-7 is it", false),
            ("= -7)", false),
            ("3.-7", true),
            ("－7", false),
            ("", false),
        ] {
            assert_eq!(last_integer(answer, "-7"), is_right, "{answer:?}");
        }
        assert!(last_integer("１２", "12") && last_integer("1_2", "12") && last_integer("+12", "12"));
    }

    #[test]
    fn the_first_number_has_its_label_s_kind() {
        for (answer, label, is_right) in [
            ("88", "88", true),
            ("It is -088, or 3", "88", true),
            ("88.", "88", true),
            ("88.0", "88", false),
            ("88.0", "88.0", true),
            ("88", "88.0", true),
            ("4.50", "4.5", true),
            ("٤.٥", "4.5", true),
            ("none", "88", false),
        ] {
            assert_eq!(first_number(answer, label), is_right, "{answer:?} against {label}");
        }
    }

    #[test]
    fn results_count_until_the_first_wrong_one() {
        let label = ["34", "2", "-5", "7"].map(str::to_owned);
        for (answer, score) in
            [("[34, 002, 9, 7]", 0.5), ("34 2 5 7", 0.5), ("2", 0.0), ("", 0.0), ("34", 0.25)]
        {
            assert_eq!(prefix(&integers(answer), &label), score, "{answer:?}");
        }
    }
}
