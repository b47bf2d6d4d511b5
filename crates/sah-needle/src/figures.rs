//! What an answer is worth.

use sah_metrics::{Rouge, rouge_l_figures, rouge_n, string_match_part};
use serde_json::{Value, json};

/// The figures of an answer, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Whether the answer contains what was hidden, upper or lower case: 1 or 0.
    pub contains: f64,
    /// ROUGE-1, ROUGE-2 and ROUGE-L of `rouge` 1.0.1; 0 for an empty answer.
    pub rouge: [Rouge; 3],
}

/// What kvpress calls the figures of [`Figures::rouge`].
pub(crate) const NAMES: [&str; 3] = ["rouge-1", "rouge-2", "rouge-l"];

/// ROUGE-1, ROUGE-2 and ROUGE-L as kvpress gives them: the needle is the hypothesis and the answer the reference, so that `r` is the
/// share of the answer's words, and `p` that of the needle's. `None` for an empty answer or needle, where the Python package raises.
#[must_use]
pub(crate) fn rouge(answer: &str, needle: &str) -> Option<[Rouge; 3]> {
    Some([rouge_n(needle, answer, 1)?, rouge_n(needle, answer, 2)?, rouge_l_figures(needle, answer)?])
}

/// The figures with kvpress's names.
pub(crate) fn to_json(rouge: &[Rouge; 3]) -> Value {
    let figure = |rouge: &Rouge| json!({"r": rouge.recall, "p": rouge.precision, "f": rouge.f});
    NAMES.into_iter().zip(rouge).map(|(name, rouge)| (name.to_owned(), figure(rouge))).collect()
}

impl Figures {
    /// Of one answer.
    #[must_use]
    pub fn new(answer: &str, needle: &str, value: &str) -> Self {
        Self {
            contains: string_match_part(answer, &[value]),
            rouge: rouge(answer, needle).unwrap_or_default(),
        }
    }

    /// The means; `None` where there are none.
    #[must_use]
    pub fn mean(all: &[Self]) -> Option<Self> {
        let mean = |figure: &dyn Fn(&Self) -> f64| all.iter().map(figure).sum::<f64>() / all.len() as f64;
        let rouge = |n: usize| Rouge {
            precision: mean(&|figures| figures.rouge[n].precision),
            recall: mean(&|figures| figures.rouge[n].recall),
            f: mean(&|figures| figures.rouge[n].f),
        };
        (!all.is_empty())
            .then(|| Self { contains: mean(&|figures| figures.contains), rouge: [0, 1, 2].map(rouge) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, rouge, to_json};

    /// Figures of `Rouge().get_scores(needle, answer)` of rouge 1.0.1.
    #[test]
    fn figures_are_those_of_kvpress() {
        let needle = "The key is kept in a blue teapot.";
        let figures = to_json(&rouge("in a teapot", needle).unwrap());
        let expected = serde_json::json!({
            "rouge-1": {"r": 1.0, "p": 0.375, "f": 0.545_454_541_487_603_3},
            "rouge-2": {"r": 0.5, "p": 0.142_857_142_857_142_85, "f": 0.222_222_218_765_432_13},
            "rouge-l": {"r": 1.0, "p": 0.375, "f": 0.545_454_541_487_603_3},
        });
        assert_eq!(figures, expected);
        assert_eq!(rouge("", needle), None);
    }

    #[test]
    fn an_answer_that_has_the_place_contains_it() {
        let of = |answer| Figures::new(answer, "The key is in a teapot.", "in a teapot");
        let all = [of("It is IN A TEAPOT!"), of("in the teapot"), of("")];
        assert_eq!(all.map(|figures| figures.contains.to_bits()), [1.0_f64, 0.0, 0.0].map(f64::to_bits));
        let mean = Figures::mean(&all).unwrap();
        assert!((mean.contains - 1.0 / 3.0).abs() < 1e-12 && mean.rouge[0].f > 0.0);
        assert_eq!(Figures::mean(&[]), None);
    }
}
