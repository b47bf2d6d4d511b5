//! Tasks that ask for a paragraph's number.

use sah_metrics::python;

use super::{MetricError, count::share_of_numbers};

/// The share of the numbers in `prediction` that are the one after the first "Paragraph " in `reference`.
pub fn retrieval(prediction: &str, reference: &str) -> Result<f64, MetricError> {
    Ok(share_of_numbers(prediction, paragraph("Paragraph ", reference)?))
}

/// As [`retrieval`], with the Chinese word for paragraph.
pub fn retrieval_zh(prediction: &str, reference: &str) -> Result<f64, MetricError> {
    Ok(share_of_numbers(prediction, paragraph("段落", reference)?))
}

/// The number after the first `cue` that is followed by one.
fn paragraph<'a>(cue: &'static str, reference: &'a str) -> Result<&'a str, MetricError> {
    reference
        .match_indices(cue)
        .find_map(|(start, _)| {
            let rest = &reference[start + cue.len()..];
            python::digit_runs(rest).next().filter(|number| rest.starts_with(number))
        })
        .ok_or_else(|| MetricError::NoParagraph { cue, reference: reference.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_after_the_cue_counts() {
        for (prediction, reference, score) in [
            ("Paragraph 12", "Paragraph 12", 1.0),
            ("12", "Paragraph 12", 1.0),
            ("Paragraph 1 or 12", "Paragraph 12", 0.5),
            ("", "Paragraph 12", 0.0),
            ("3", "Paragraph x 2, Paragraph 3", 1.0),
        ] {
            assert_eq!(retrieval(prediction, reference), Ok(score), "{prediction:?}");
        }
        assert_eq!(retrieval_zh("答案是：段落7", "段落7"), Ok(1.0));
        assert_eq!(retrieval_zh("段落17，段落7", "段落7"), Ok(0.5));
    }

    #[test]
    fn a_reference_without_a_number_is_an_error() {
        let error = MetricError::NoParagraph { cue: "Paragraph ", reference: "12".to_owned() };
        assert_eq!(retrieval("12", "12"), Err(error));
        assert!(retrieval_zh("7", "Paragraph 7").is_err());
    }
}
