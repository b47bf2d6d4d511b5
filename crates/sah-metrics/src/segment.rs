//! Chinese word segmentation, token for token that of the Python package jieba 0.42.1 in its default mode.
//!
//! The dictionary and the hidden Markov model are those of the crate `jieba-rs`. It differs from the Python package in
//! three places, which are corrected here:
//! - its idea of a block that is looked up in the dictionary takes in rare characters beyond U+9FD5;
//! - it does not cut unknown words such as `1.2.3` and `GPT-4`, which the Python package does;
//! - its dictionary has one entry once that the Python package has, and counts, twice.

use std::sync::LazyLock;

use jieba_rs::Jieba;

/// The dictionary: loaded when first needed, for it takes a while.
static JIEBA: LazyLock<Jieba> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    // The Python package adds up the counts of all lines of its dictionary, one of which is there twice, with a count
    // of 3. A word that no block can contain makes the sum the same.
    jieba.add_word(" ", Some(3), None);
    jieba
});

/// The words of `text`, which concatenated give the text back: those of the Python package jieba 0.42.1 in its default mode.
///
/// ```
/// assert_eq!(sah_metrics::chinese_words("我来到北京"), ["我", "来到", "北京"]);
/// ```
#[must_use]
pub fn chinese_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    cut(text, |word| words.push(word));
    words
}

/// Cuts `text` into words, which concatenated give the text back.
pub(crate) fn cut<'a>(text: &'a str, mut emit: impl FnMut(&'a str)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_block = is_block(first);
        let end = rest.find(|c| is_block(c) != in_block).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if in_block {
            cut_block(run, &mut emit);
        } else {
            cut_rest(run, &mut emit);
        }
        rest = after;
    }
}

/// Characters that words are made of.
fn is_block(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fd5}' | '+' | '#' | '&' | '.' | '_' | '%' | '-')
        || c.is_ascii_alphanumeric()
}

fn cut_block<'a>(block: &'a str, emit: &mut impl FnMut(&'a str)) {
    for token in JIEBA.cut(block, true) {
        // No word of the dictionary has one of these, so such a token was made by rule.
        if token.word.contains(['.', '_', '-']) { cut_unknown(token.word, emit) } else { emit(token.word) }
    }
}

/// Splits at the matches of `[a-zA-Z0-9]+(?:\.\d+)?%?`; matches and what is between them are words.
fn cut_unknown<'a>(token: &'a str, emit: &mut impl FnMut(&'a str)) {
    let mut rest = token;
    while !rest.is_empty() {
        let gap = leading(rest, |b| !b.is_ascii_alphanumeric());
        let mut end = gap;
        if gap == 0 {
            end = leading(rest, |b| b.is_ascii_alphanumeric());
            if let Some(after_dot) = rest[end..].strip_prefix('.') {
                let digits = leading(after_dot, |b| b.is_ascii_digit());
                end += if digits > 0 { 1 + digits } else { 0 };
            }
            end += usize::from(rest[end..].starts_with('%'));
        }
        let (word, after) = rest.split_at(end);
        emit(word);
        rest = after;
    }
}

/// How many bytes at the start of `text`, which is ASCII, are so.
fn leading(text: &str, is_so: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&b| is_so(b)).count()
}

/// Each character is a word, but CR LF is one.
fn cut_rest<'a>(run: &'a str, emit: &mut impl FnMut(&'a str)) {
    let mut rest = run;
    while let Some(c) = rest.chars().next() {
        let end = if rest.starts_with("\r\n") { 2 } else { c.len_utf8() };
        let (word, after) = rest.split_at(end);
        emit(word);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::chinese_words;

    /// The expected cuts are those of jieba 0.42.1; more of them are in the golden file.
    #[test]
    fn words_are_those_of_the_python_package() {
        for (text, words) in [
            ("", vec![]),
            ("我来到北京清华大学", vec!["我", "来到", "北京", "清华大学"]),
            ("小明硕士毕业于中国科学院计算所", vec!["小明", "硕士", "毕业", "于", "中国科学院", "计算所"]),
            (
                "版本1.2.3，GPT-4 a_b 3.5%\r\n",
                vec!["版本", "1.2", ".", "3", "，", "GPT", "-", "4", " ", "a", "_", "b", " ", "3.5%", "\r\n"],
            ),
            ("\r\r\n。…", vec!["\r", "\r\n", "。", "…"]),
        ] {
            assert_eq!(chinese_words(text), words, "{text:?}");
        }
    }
}
