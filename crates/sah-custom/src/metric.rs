//! The metrics that a row can be scored by.

use sah_metrics::{
    WordNet, bleu, char_f1_zh, concordance_index, final_integer, fuzz_ratio, matching_ratio, meteor,
    normalise_answer, percentage_similarity, python, qa_f1, qa_f1_unidecode, qa_f1_zh, rouge_l, rouge_l_zh,
    rouge_n, rouge_score, stated_choice, string_match_all, string_match_part,
};

/// How an answer is compared with the references of its row. All but [`Metric::ContainsAll`] take the best over these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// [`qa_f1`].
    F1,
    /// [`qa_f1_unidecode`].
    F1Ascii,
    /// [`qa_f1_zh`].
    F1Zh,
    /// [`char_f1_zh`].
    CharF1Zh,
    /// Equal words after [`normalise_answer`].
    ExactMatch,
    /// [`string_match_part`].
    Contains,
    /// [`string_match_all`].
    ContainsAll,
    /// F of [`rouge_n`] over words.
    Rouge1,
    /// F of [`rouge_n`] over pairs of words.
    Rouge2,
    /// [`rouge_l`].
    RougeL,
    /// [`rouge_l_zh`].
    RougeLZh,
    /// F of [`rouge_score::rouge_n`] over words.
    RougeScore1,
    /// F of [`rouge_score::rouge_n`] over pairs of words.
    RougeScore2,
    /// F of [`rouge_score::rouge_l`].
    RougeScoreL,
    /// F of [`rouge_score::rouge_lsum`].
    RougeScoreLsum,
    /// [`bleu`] with four equal weights, over words at white space.
    Bleu,
    /// [`meteor`] over words at white space. Needs a [`WordNet`].
    Meteor,
    /// [`fuzz_ratio`].
    EditSimilarity,
    /// [`matching_ratio`].
    MatchingRatio,
    /// [`percentage_similarity`].
    Percentage,
    /// [`concordance_index`].
    Order,
    /// Whether [`stated_choice`] is the reference.
    Choice,
    /// Whether [`final_integer`] is the reference.
    Integer,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::F1,
        Self::F1Ascii,
        Self::F1Zh,
        Self::CharF1Zh,
        Self::ExactMatch,
        Self::Contains,
        Self::ContainsAll,
        Self::Rouge1,
        Self::Rouge2,
        Self::RougeL,
        Self::RougeLZh,
        Self::RougeScore1,
        Self::RougeScore2,
        Self::RougeScoreL,
        Self::RougeScoreLsum,
        Self::Bleu,
        Self::Meteor,
        Self::EditSimilarity,
        Self::MatchingRatio,
        Self::Percentage,
        Self::Order,
        Self::Choice,
        Self::Integer,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F1 => "f1",
            Self::F1Ascii => "f1_ascii",
            Self::F1Zh => "f1_zh",
            Self::CharF1Zh => "char_f1_zh",
            Self::ExactMatch => "exact_match",
            Self::Contains => "contains",
            Self::ContainsAll => "contains_all",
            Self::Rouge1 => "rouge_1",
            Self::Rouge2 => "rouge_2",
            Self::RougeL => "rouge_l",
            Self::RougeLZh => "rouge_l_zh",
            Self::RougeScore1 => "rouge_score_1",
            Self::RougeScore2 => "rouge_score_2",
            Self::RougeScoreL => "rouge_score_l",
            Self::RougeScoreLsum => "rouge_score_lsum",
            Self::Bleu => "bleu",
            Self::Meteor => "meteor",
            Self::EditSimilarity => "edit_similarity",
            Self::MatchingRatio => "matching_ratio",
            Self::Percentage => "percentage",
            Self::Order => "order",
            Self::Choice => "choice",
            Self::Integer => "integer",
        }
    }

    /// The metric of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether it looks words up in a [`WordNet`].
    #[must_use]
    pub const fn needs_wordnet(self) -> bool {
        matches!(self, Self::Meteor)
    }

    /// The score of `answer`, from 0 to 100; 0 without references. `None` where the metric needs a [`WordNet`] and there is none.
    #[must_use]
    pub fn score(self, answer: &str, references: &[String], wordnet: Option<&WordNet>) -> Option<f64> {
        if self.needs_wordnet() && wordnet.is_none() {
            return None;
        }
        let mut share: f64 = 0.0;
        match self {
            Self::ContainsAll => share = string_match_all(answer, references),
            _ => {
                for reference in references {
                    share = share.max(self.compare(answer, reference, wordnet)?);
                }
            }
        }
        Some(100.0 * share)
    }

    /// From 0 to 1. `None` as for [`Metric::score`].
    fn compare(self, answer: &str, reference: &str, wordnet: Option<&WordNet>) -> Option<f64> {
        let one_if = |is_right: bool| f64::from(u8::from(is_right));
        let words = |text| python::split_whitespace(text).collect::<Vec<_>>();
        Some(match self {
            Self::F1 => qa_f1(answer, reference),
            Self::F1Ascii => qa_f1_unidecode(answer, reference),
            Self::F1Zh => qa_f1_zh(answer, reference),
            Self::CharF1Zh => char_f1_zh(answer, reference),
            Self::ExactMatch => {
                let [answer, reference] = [answer, reference].map(normalise_answer);
                one_if(python::split_whitespace(&answer).eq(python::split_whitespace(&reference)))
            }
            Self::Contains => string_match_part(answer, &[reference]),
            Self::ContainsAll => string_match_all(answer, &[reference]),
            Self::Rouge1 => rouge_n(answer, reference, 1).map_or(0.0, |rouge| rouge.f),
            Self::Rouge2 => rouge_n(answer, reference, 2).map_or(0.0, |rouge| rouge.f),
            Self::RougeL => rouge_l(answer, reference),
            Self::RougeLZh => rouge_l_zh(answer, reference),
            Self::RougeScore1 => rouge_score::rouge_n(answer, reference, 1).f,
            Self::RougeScore2 => rouge_score::rouge_n(answer, reference, 2).f,
            Self::RougeScoreL => rouge_score::rouge_l(answer, reference).f,
            Self::RougeScoreLsum => rouge_score::rouge_lsum(answer, reference).f,
            Self::Bleu => bleu(&words(answer), &words(reference), &[0.25; 4]),
            Self::Meteor => meteor(&words(answer), &words(reference), wordnet?),
            Self::EditSimilarity => f64::from(fuzz_ratio(answer, reference)) / 100.0,
            Self::MatchingRatio => matching_ratio(answer, reference),
            Self::Percentage => percentage_similarity(answer, reference),
            Self::Order => concordance_index(answer, reference),
            Self::Choice => {
                one_if(stated_choice(answer).is_some_and(|choice| reference.chars().eq([choice])))
            }
            Self::Integer => {
                one_if(final_integer(answer).value.is_some_and(|value| Some(value) == integer(reference)))
            }
        })
    }

    /// What is wrong with `reference`: what it should be, in words. `None` where nothing is.
    #[must_use]
    pub fn misfit(self, reference: &str) -> Option<&'static str> {
        let (is_fit, expected) = match self {
            Self::Choice => (matches!(reference, "A" | "B" | "C" | "D"), "a letter, A to D"),
            Self::Integer => (integer(reference).is_some(), "an integer that is not negative"),
            Self::Percentage => {
                (percentage_similarity(reference, reference) > 0.0, "a percentage such as 40%")
            }
            Self::Order => (concordance_index(reference, reference) > 0.0, "an order such as 3, 1, 2"),
            _ => return None,
        };
        (!is_fit).then_some(expected)
    }
}

fn integer(reference: &str) -> Option<u64> {
    let digits = reference.trim();
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sah_metrics::WordNet;

    use super::Metric;

    /// A part of WordNet that has the words of these tests, or none of them.
    fn wordnet() -> WordNet {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sah-metrics/tests/reference/wordnet");
        WordNet::open(Path::new(folder)).unwrap()
    }

    #[test]
    fn names_are_unique_and_found() {
        for metric in Metric::ALL {
            assert_eq!(Metric::find(metric.name()), Some(metric));
        }
        assert_eq!(Metric::find("rouge"), None);
    }

    /// A right answer, a wrong one, and the references.
    #[test]
    fn a_right_answer_scores_more_than_a_wrong_one() {
        let wordnet = wordnet();
        for metric in Metric::ALL {
            let (right, wrong, reference) = match metric {
                Metric::Percentage => ("It is 40%.", "It is 90%.", "40%"),
                Metric::Order => ("3, 1, 2", "1, 2, 3", "3, 1, 2"),
                Metric::Choice => ("The correct answer is (B)", "The correct answer is (A)", "B"),
                Metric::Integer => (r"\boxed{041}", "-41", "41"),
                Metric::F1Zh | Metric::CharF1Zh | Metric::RougeLZh => ("北京大学", "上海", "北京大学"),
                _ => ("over the green hills", "nothing", "over the green hills"),
            };
            let references = ["something else".to_owned(), reference.to_owned()];
            let score = |answer, references| metric.score(answer, references, Some(&wordnet)).unwrap();
            let (high, low) = (score(right, &references[..]), score(wrong, &references));
            assert!(high > low && high <= 100.0 && low >= 0.0, "{}: {high} {low}", metric.name());
            assert_eq!(metric.misfit(reference), None, "{}", metric.name());
            assert_eq!(score(right, &[]), 0.0);
        }
    }

    #[test]
    fn one_metric_wants_all_references_the_others_the_best() {
        let references = ["kelp".to_owned(), "moss".to_owned()];
        assert_eq!(Metric::ContainsAll.score("Kelp!", &references, None), Some(50.0));
        assert_eq!(Metric::Contains.score("Kelp!", &references, None), Some(100.0));
        assert_eq!(Metric::ExactMatch.score("The Kelp!", &references, None), Some(100.0));
        assert_eq!(Metric::ExactMatch.score("kelp and moss", &references, None), Some(0.0));
        assert_eq!(Metric::F1.score("kelp bed mud", &references, None), Some(50.0));
    }

    #[test]
    fn meteor_takes_synonyms_and_has_no_score_without_them() {
        let references = ["The doctor purchased cars .".to_owned()];
        let answer = "the physician bought a car .";
        assert_eq!(Metric::Meteor.score(answer, &references, None), None);
        let score = Metric::Meteor.score(answer, &references, Some(&wordnet()));
        assert_eq!(score, Some(73.529_411_764_705_89));
        assert!(Metric::ALL.iter().filter(|metric| metric.needs_wordnet()).eq([&Metric::Meteor]));
    }

    #[test]
    fn references_must_be_of_the_metric_s_form() {
        assert_eq!(Metric::Choice.misfit("E"), Some("a letter, A to D"));
        assert_eq!(Metric::Integer.misfit("-4"), Some("an integer that is not negative"));
        assert_eq!(Metric::Percentage.misfit("40"), Some("a percentage such as 40%"));
        assert_eq!(Metric::Order.misfit("first"), Some("an order such as 3, 1, 2"));
        assert_eq!(Metric::Bleu.misfit(""), None);
    }
}
