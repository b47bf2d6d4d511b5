//! The integer that a solution of a mathematical problem ends in, where the answer is known to be one.
//!
//! There is no official scorer. Four published harnesses (`MathArena`, math-verify 0.9.0, inspect-evals 0.28.0, lm-eval 0.4.13)
//! call very different answers right; the rule here says right where at least three of the four do, and wrong where at least
//! three say so. Where two stand against two it takes the reading that is the plainer one. One case is read more kindly than three of
//! them do: a box that has dollars of its own and stands within dollars (`$\boxed{$70$}$`), which is no LaTeX.

use std::sync::LazyLock;

use regex::Regex;

use crate::python;

/// The answer that a text ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalInteger {
    /// The number; `None` where the text has none, or one that is no integer that is not negative.
    pub value: Option<u64>,
    /// Whether it was looked for in a box.
    pub is_boxed: bool,
}

/// The integer in the last `\boxed{..}` of `text`, or, where it has no box, its last number.
///
/// **A box** reaches to the brace that matches its own; one without an end is none. Of what is in it, boxes, outer
/// brackets and braces, dollars, `\text{..}` with its contents, blanks and sizes of LaTeX, degrees and percent signs are taken off,
/// then everything up to the last `=`, unless that is a list. What is left must be an integer, which may have a plus sign,
/// leading zeros, thousands commas, a decimal point with zeros, and a unit of one word behind a blank. So `070`, `70.0`, `n = 70`,
/// `70\text{ cm}` and `70^\circ` are 70; `-70`, `70\pi`, `\frac{140}{2}`, `70, 71`, `\mathbf{70}` and `\text{70}` are none.
///
/// **Without a box** the last number of the text counts that no letter touches. It is the answer if it stands at the start or after
/// white space or `=`, opening marks such as `$`, `**`, `(` and quotes aside: `ANSWER: **70**.` is 70, `-70` and `12-70` are none.
///
/// ```
/// use sah_metrics::final_integer;
///
/// assert_eq!(final_integer(r"So $m + n = \boxed{070}$.").value, Some(70));
/// assert_eq!(final_integer("12 + 58 = 70.").value, Some(70));
/// ```
#[must_use]
pub fn final_integer(text: &str) -> FinalInteger {
    match last_box(text) {
        Some(content) => FinalInteger { value: integer_of_box(content), is_boxed: true },
        None => FinalInteger { value: last_integer(text), is_boxed: false },
    }
}

/// What is in the last box that is in no other, and has an end.
fn last_box(text: &str) -> Option<&str> {
    let mut last = None;
    let mut rest = text;
    while let Some(opening) = BOX.find(rest) {
        let inside = &rest[opening.end()..];
        match closing_brace(inside) {
            Some(end) => {
                last = Some(&inside[..end]);
                rest = &inside[end..];
            }
            None => rest = inside,
        }
    }
    last
}

static BOX: LazyLock<Regex> = LazyLock::new(|| pattern(r"\\boxed\s*\{"));

/// Where the brace is closed that was opened before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

fn integer_of_box(content: &str) -> Option<u64> {
    static NOTHING: LazyLock<Regex> = LazyLock::new(|| pattern(r"\\text\{[^}]*\}|\\[,;:!%$]|\$"));
    static BLANK: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\\(?:left|right|displaystyle|[lL]arge|bf|rm|q?quad)(?-u:\b)|\\(?:\s|$)|\^\\circ|\^\{\\circ\}",
        )
    });
    static INTEGER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^\+?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.0*)?(?:\s+([A-Za-z]{2,}))?$")
    });
    let content = without_inner_boxes(content);
    let content = NOTHING.replace_all(&content, "");
    let content = BLANK.replace_all(&content, " ");
    let mut content = match content.rsplit_once('=') {
        Some((left, _)) if left.contains([',', ';']) => return None,
        Some((_, right)) => right.trim(),
        None => content.trim(),
    };
    while let Some(inside) = without_brackets(content) {
        content = inside.trim();
    }
    let found = INTEGER.captures(content)?;
    if found.get(2).is_some_and(|unit| unit.as_str() == "pi") {
        return None;
    }
    found[1].replace(',', "").parse().ok()
}

fn without_inner_boxes(content: &str) -> String {
    let mut text = content.to_owned();
    while let Some(opening) = BOX.find(&text) {
        let (start, inside) = (opening.start(), opening.end());
        let Some(end) = closing_brace(&text[inside..]) else { break };
        text = [&text[..start], &text[inside..inside + end], &text[inside + end + 1..]].concat();
    }
    text
}

fn without_brackets(text: &str) -> Option<&str> {
    [('(', ')'), ('[', ']'), ('{', '}')]
        .iter()
        .find_map(|&(open, close)| text.strip_prefix(open)?.strip_suffix(close))
}

fn last_integer(text: &str) -> Option<u64> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"[0-9]+(?:\.[0-9]+)?"));
    let is_apart = |number: &regex::Match<'_>| {
        let touches = |c: Option<char>| c.is_some_and(python::is_word);
        !touches(text[..number.start()].chars().next_back()) && !touches(text[number.end()..].chars().next())
    };
    let number = NUMBER.find_iter(text).filter(is_apart).last()?;
    let before = text[..number.start()].trim_end_matches(['$', '*', '=', '"', '\'', '`', '(', '[', '\\']);
    let marks = &text[before.len()..number.start()];
    let begins = before.chars().next_back().is_none_or(python::is_space) || marks.contains('=');
    let (integer, zeros) = number.as_str().split_once('.').unwrap_or((number.as_str(), ""));
    let is_integer = zeros.bytes().all(|digit| digit == b'0');
    if begins && is_integer { integer.parse().ok() } else { None }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

#[cfg(test)]
mod tests {
    use super::{FinalInteger, final_integer};

    fn boxed(content: &str) -> Option<u64> {
        let FinalInteger { value, is_boxed } = final_integer(&format!("So $\\boxed{{{content}}}$."));
        assert!(is_boxed, "{content}");
        value
    }

    #[test]
    fn a_box_with_an_integer_is_one() {
        for content in [
            "41",
            " 41 ",
            "041",
            "0041",
            "41.0",
            "41.",
            "+41",
            "$41$",
            r"\$41",
            "(41)",
            "[41]",
            "{41}",
            r"\left(41\right)",
            r"\boxed{41}",
            "n = 41",
            "AB=41",
            r"20 + 21 = 41",
            r"\text{sum} = 41",
            r"41\text{ cm}",
            "41 cm",
            r"41^\circ",
            r"41^{\circ}",
            r"\,41\;",
            r"\quad 41",
            r"\bf 41",
            r"\ 41",
            r"41 \% ",
        ] {
            assert_eq!(boxed(content), Some(41), "{content}");
        }
        assert_eq!((boxed("000"), boxed("1,041"), boxed("904")), (Some(0), Some(1041), Some(904)));
    }

    #[test]
    fn a_box_with_anything_else_is_none() {
        for content in [
            "",
            " ",
            "x",
            "-41",
            "41.5",
            r"41\pi",
            "41 pi",
            "41x",
            "41 x",
            "41, 42",
            "41 42",
            "41 and 42",
            r"\frac{82}{2}",
            "82/2",
            "20+21",
            r"\text{41}",
            r"\text{41 cm}",
            r"\mathbf{41}",
            "41 = n",
            "k = 3, n = 41",
            "the answer is 41",
            "4 cm 1",
            r"\{41\}",
            "41 years old",
            "99999999999999999999999",
        ] {
            assert_eq!(boxed(content), None, "{content}");
        }
    }

    #[test]
    fn the_last_box_counts() {
        for (text, value) in [
            (r"\boxed{12}, no, \boxed{41}", Some(41)),
            (r"\boxed{41}, no, \boxed{12}", Some(12)),
            (r"\boxed{41} is the answer to 12.", Some(41)),
            (r"\boxed{41}, for \boxed{1", Some(41)),
            (r"\boxed {41}", Some(41)),
            (r"答案是\boxed{41}。", Some(41)),
            (r"\boxed{\frac{1}{2}} or 41", None),
        ] {
            assert_eq!(final_integer(text), FinalInteger { value, is_boxed: true }, "{text}");
        }
    }

    #[test]
    fn without_a_box_the_last_number_counts_if_it_stands_alone() {
        for (text, value) in [
            ("41", Some(41)),
            ("The answer is 41.", Some(41)),
            ("ANSWER: **041**", Some(41)),
            ("the answer is $41$.\n", Some(41)),
            (r"\(41\)", Some(41)),
            ("So 20 + 21 = 41", Some(41)),
            ("n=41", Some(41)),
            ("It is 41.0", Some(41)),
            (r"\boxed 41", Some(41)),
            ("41 of 100", Some(100)),
            ("9 0 2", Some(2)),
            ("-41", None),
            ("12-41", None),
            ("41.5", None),
            ("82/2", None),
            ("x41", None),
            ("答案是41", None),
            (r"\boxed{41", None),
            ("boxed{41}", None),
            (r"\boxed(41)", None),
            (r"\text{41}", None),
            ("<answer>41</answer>", None),
            ("forty-one", None),
            ("", None),
        ] {
            assert_eq!(final_integer(text), FinalInteger { value, is_boxed: false }, "{text}");
        }
    }
}
