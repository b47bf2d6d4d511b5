//! F1 of short answers.

use crate::{python, segment, token_f1, unidecode};

/// F1 over the words of both texts after [`normalise_answer`].
#[must_use]
pub fn qa_f1(prediction: &str, reference: &str) -> f64 {
    let prediction = normalise_answer(prediction);
    let reference = normalise_answer(reference);
    let words = |text| python::split_whitespace(text).collect::<Vec<_>>();
    token_f1(&words(&prediction), &words(&reference))
}

/// F1 over the words of both texts after [`normalise_answer`] and then [`unidecode`](crate::unidecode): letters with and without
/// accents are the same, and so is a name in two scripts. The order is that of the SCROLLS and `ZeroSCROLLS` scorers, where
/// punctuation that comes of the transliteration stays.
#[must_use]
pub fn qa_f1_unidecode(prediction: &str, reference: &str) -> f64 {
    let [prediction, reference] = [prediction, reference].map(|text| unidecode(&normalise_answer(text)));
    let words = |text| python::split_whitespace(text).collect::<Vec<_>>();
    token_f1(&words(&prediction), &words(&reference))
}

/// F1 over the words that jieba cuts the texts into, each in lower case and without white space and ASCII or Chinese
/// punctuation; words of which nothing is left do not count.
#[must_use]
pub fn qa_f1_zh(prediction: &str, reference: &str) -> f64 {
    token_f1(&words_zh(prediction), &words_zh(reference))
}

/// F1 over the characters of both texts in lower case, without white space and ASCII or Chinese punctuation.
///
/// ```
/// // Three of four characters are right, and they are the whole reference.
/// assert_eq!(sah_metrics::char_f1_zh("三十年。吧", "三十年"), 6.0 / 7.0);
/// ```
#[must_use]
pub fn char_f1_zh(prediction: &str, reference: &str) -> f64 {
    let characters = |text| normalised_zh(text).chars().map(String::from).collect::<Vec<_>>();
    token_f1(&characters(prediction), &characters(reference))
}

/// The normalisation of `SQuAD`: lower case, without ASCII punctuation, and a blank for each of the articles a, an and the. What is
/// left is meant to be split at white space ([`python::split_whitespace`]).
///
/// ```
/// assert_eq!(sah_metrics::normalise_answer("The Eiffel-Tower!"), "  eiffeltower");
/// ```
#[must_use]
pub fn normalise_answer(text: &str) -> String {
    let mut lower = text.to_lowercase();
    lower.retain(|c| !c.is_ascii_punctuation());
    python::articles_to_spaces(&lower)
}

fn words_zh(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    segment::cut(text, |word| {
        let word = normalised_zh(word);
        if !word.is_empty() {
            words.push(word);
        }
    });
    words
}

/// In lower case, without white space and punctuation.
fn normalised_zh(text: &str) -> String {
    let mut text = text.to_lowercase();
    text.retain(|c| !c.is_ascii_punctuation() && !CHINESE_PUNCTUATION.contains(c));
    python::without_whitespace(&text)
}

/// The punctuation that published scorers of Chinese answers drop: they list the closing bracket 》 and not the opening one.
const CHINESE_PUNCTUATION: &str = "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙\
                                   〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_and_articles_do_not_matter() {
        for (prediction, reference, score) in [
            ("The Eiffel-Tower!", "eiffeltower", 1.0),
            ("a cat", "The cat.", 1.0),
            ("", "cat", 0.0),
            ("cat", "", 0.0),
            ("the", "a", 0.0),
            ("", "", 0.0),
            ("cat cat dog", "cat", 0.5),
            ("北京 市", "北京", 2.0 / 3.0),
        ] {
            assert_eq!(qa_f1(prediction, reference), score, "{prediction:?} against {reference:?}");
        }
    }

    #[test]
    fn chinese_words_lose_their_punctuation() {
        assert_eq!(words_zh("《厦门大学》，“ABC”。\n"), ["《", "厦门大学", "abc"]);
        assert_eq!(qa_f1_zh("厦门大学", "厦门大学。"), 1.0);
        assert_eq!(qa_f1_zh("", "厦门大学。"), 0.0);
    }
}
