//! What an answer is worth.

use sah_bench_core::{FurtherFigure, FurtherFigures, Layout, Scale};
use sah_metrics::{Rouge, rouge_l_figures, rouge_n, string_match_part};
use serde_json::{Map, Value, json};

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

/// The figures of [`to_json`] that are kept for each length and depth, as tables: their means over all cells, and a map of the F of
/// ROUGE-L.
pub(crate) fn tables(cells: Option<&Value>, layout: &Layout) -> Vec<FurtherFigures> {
    let empty = Map::new();
    let lengths = cells.and_then(Value::as_object).unwrap_or(&empty);
    let all = || lengths.values().filter_map(Value::as_object).flat_map(Map::values);
    let title = "ROUGE of needle and answer as kvpress gives it, mean over the cells: r is the share of the answer\u{2019}s words, p \
                 that of the needle\u{2019}s";
    let mut means = FurtherFigures::new("rouge", title, Scale::One);
    for name in NAMES {
        for part in ["r", "p", "f"] {
            let values: Vec<f64> = all().filter_map(|cell| cell[name][part].as_f64()).collect();
            let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
            means.figures.push(FurtherFigure::new(name, Some(part), mean, means.scale.digits()));
        }
    }
    let title = "F of ROUGE-L of needle and answer, as kvpress gives it";
    let mut map = FurtherFigures::new("rouge_l", title, Scale::One);
    map.layout = layout.clone();
    for (length, depths) in lengths {
        for (depth, cell) in depths.as_object().into_iter().flatten() {
            map.figures.push(FurtherFigure::new(length, Some(depth), cell["rouge-l"]["f"].as_f64(), 2));
        }
    }
    [means, map].into_iter().filter_map(FurtherFigures::unless_empty).collect()
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
    use sah_bench_core::Layout;

    use super::{Figures, rouge, tables, to_json};

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
    fn tables_have_the_means_over_cells_and_a_map() {
        let cell = |f: f64| {
            let rouge = sah_metrics::Rouge { recall: 1.0, precision: 0.5, f };
            to_json(&[rouge, rouge, rouge])
        };
        let cells =
            serde_json::json!({"256": {"0 %": cell(0.2), "50 %": cell(0.4)}, "512": {"0 %": cell(0.6)}});
        let [means, map] = &tables(Some(&cells), &Layout::List)[..] else { panic!("two tables") };
        let mean = means.find("rouge-2", Some("f")).unwrap().value.unwrap();
        assert!((mean - 0.4).abs() < 1e-12, "{mean}");
        assert_eq!(means.figures.len(), 9);
        assert_eq!(map.find("256", Some("50 %")).unwrap().value, Some(0.4));
        assert_eq!(tables(None, &Layout::List), []);
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
