//! What becomes of many answers.

use serde::Serialize;

use crate::Verdict;

/// Shares of answers, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Those that are right.
    pub accuracy: f64,
    /// Those that stand in a box.
    pub boxed_rate: f64,
    /// Those in which an integer was found.
    pub extracted_rate: f64,
}

impl Rates {
    /// Of `verdicts`; `None` where there are none.
    #[must_use]
    pub fn of(verdicts: &[Verdict]) -> Option<Self> {
        let rate = |is: fn(&Verdict) -> bool| {
            verdicts.iter().filter(|verdict| is(verdict)).count() as f64 / verdicts.len() as f64
        };
        (!verdicts.is_empty()).then(|| Self {
            accuracy: rate(|verdict| verdict.is_right),
            boxed_rate: rate(|verdict| verdict.is_boxed),
            extracted_rate: rate(|verdict| verdict.is_extracted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Rates;
    use crate::Verdict;

    #[test]
    fn rates_are_shares_of_all_answers() {
        let verdicts = ["25", r"\boxed{25}", r"\boxed{1}", ""].map(|text| Verdict::new(text, 25));
        let rates = Rates { accuracy: 0.5, boxed_rate: 0.5, extracted_rate: 0.75 };
        assert_eq!(Rates::of(&verdicts), Some(rates));
        assert_eq!(Rates::of(&[]), None);
    }
}
