//! How the next token is chosen, as a value.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the next token is chosen from the logits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// The most likely token; the first of several.
    #[default]
    Greedy,
    /// A token drawn at random by its probability.
    Random(RandomSampling),
}

/// Which tokens can be drawn, and how likely each is. The steps are taken in the order of the fields, as in Hugging Face
/// transformers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomSampling {
    /// Logits are divided by it: below 1 likely tokens become likelier, above 1 all become more alike.
    pub temperature: Temperature,
    /// Only the k most likely tokens can be drawn.
    pub top_k: Option<NonZeroUsize>,
    /// Only the most likely tokens can be drawn that together reach this probability (Holtzman et al. 2020, arXiv
    /// 1904.09751).
    pub top_p: Option<Share>,
    /// Only tokens can be drawn that are at least this share as likely as the most likely one (Nguyen et al. 2024, arXiv
    /// 2407.01082).
    pub min_p: Option<Share>,
    /// Where the random numbers start. Question n of a request draws from stream n, unless it [says](crate::Draws) from which,
    /// whatever the other questions draw.
    pub seed: u64,
}

/// A number above 0 that divides logits; 1 by default.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// A number above 0, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

/// A number above 0 by which the logits of tokens that were seen already are made smaller: positive ones divided,
/// negative ones multiplied (Keskar et al. 2019, arXiv 1909.05858). 1 changes nothing, below 1 favours repetition.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct RepetitionPenalty(f64);

/// A number outside the range of its type.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("expected a number {expected}, found {found}")]
pub struct OutOfRange {
    /// The range, in words.
    pub expected: &'static str,
    /// The number.
    pub found: f64,
}

impl RepetitionPenalty {
    /// The one that changes nothing.
    pub const NONE: Self = Self(1.0);
}

const ABOVE_ZERO: &str = "above 0";

macro_rules! number {
    ($name:ident, $expected:expr, $test:expr) => {
        impl TryFrom<f64> for $name {
            type Error = OutOfRange;

            fn try_from(number: f64) -> Result<Self, OutOfRange> {
                let test: fn(f64) -> bool = $test;
                if test(number) {
                    Ok(Self(number))
                } else {
                    Err(OutOfRange { expected: $expected, found: number })
                }
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let wrong =
                    |found: &dyn fmt::Display| format!("expected a number {}, found {found}", $expected);
                let number: f64 = text.parse().map_err(|_| wrong(&text))?;
                Self::try_from(number).map_err(|error| wrong(&error.found))
            }
        }
    };
}

number!(Temperature, ABOVE_ZERO, |number| number > 0.0 && number.is_finite());
number!(Share, "above 0 and at most 1", |number| number > 0.0 && number <= 1.0);
number!(RepetitionPenalty, ABOVE_ZERO, |number| number > 0.0 && number.is_finite());

impl Default for Temperature {
    fn default() -> Self {
        Self(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{RandomSampling, RepetitionPenalty, Sampling, Share, Temperature};

    #[test]
    fn numbers_out_of_range_cannot_be_made() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Temperature::try_from(wrong).is_err(), "{wrong}");
            assert!(RepetitionPenalty::try_from(wrong).is_err(), "{wrong}");
            assert!(Share::try_from(wrong).is_err(), "{wrong}");
        }
        assert!(Share::try_from(1.5).is_err() && Share::try_from(1.0).is_ok());
        assert_eq!("2".parse::<Share>().unwrap_err(), "expected a number above 0 and at most 1, found 2");
        assert_eq!("warm".parse::<Temperature>().unwrap_err(), "expected a number above 0, found warm");
    }

    #[test]
    fn it_is_written_as_json_and_read_back() {
        assert_eq!(serde_json::to_string(&Sampling::Greedy).unwrap(), r#""greedy""#);
        let random = Sampling::Random(RandomSampling {
            top_p: Some(Share::try_from(0.9).unwrap()),
            seed: 7,
            ..RandomSampling::default()
        });
        let json = serde_json::to_string(&random).unwrap();
        assert_eq!(json, r#"{"random":{"temperature":1.0,"top_k":null,"top_p":0.9,"min_p":null,"seed":7}}"#);
        assert_eq!(serde_json::from_str::<Sampling>(&json).unwrap(), random);
        for wrong in
            [r#"{"random":{"top_p":1.5}}"#, r#"{"random":{"top_k":0}}"#, r#"{"random":{"warmth":1}}"#]
        {
            assert!(serde_json::from_str::<Sampling>(wrong).is_err(), "{wrong}");
        }
    }
}
