//! What is used instead of a model's own config.

use std::str::FromStr;

use clap::Args;
use sah_adapter::{ConfigOverrides, Given};
use serde_json::{Map, Value};

/// Flags that say something else than the model's `config.json`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ModelConfigArgs {
    /// Rotary embeddings instead of the model's own, a JSON object with the fields of `rope_scaling` or `rope_parameters` in a
    /// config.json. Use it as the model's page says for long contexts:
    /// `--rope '{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}'`
    #[arg(long, value_name = "JSON")]
    pub(crate) rope: Option<RopeArg>,

    /// How many positions a prompt and its answer may take, instead of as many as the model was made for: more, where the
    /// rotary embeddings reach further than the config says, or fewer. What is computed does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) positions: Option<u32>,
}

/// `--rope`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RopeArg(Map<String, Value>);

impl FromStr for RopeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = r#"write an object such as {"rope_type":"linear","factor":4.0}"#;
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) if !fields.is_empty() => Ok(Self(fields)),
            Ok(_) => Err(EXAMPLE.to_owned()),
            Err(error) => Err(format!("no JSON: {error}; {EXAMPLE}")),
        }
    }
}

impl ModelConfigArgs {
    /// For the adapter, with the names of the flags.
    pub(crate) fn overrides(&self) -> ConfigOverrides {
        ConfigOverrides {
            rope: self.rope.clone().map(|rope| Given::new(rope.0, "--rope")),
            positions: self.positions.map(|positions| Given::new(positions as usize, "--positions")),
        }
    }

    /// `--rope` as it stands in the config of a run.
    pub(crate) fn rope_json(&self) -> Option<Value> {
        self.rope.clone().map(|rope| Value::Object(rope.0))
    }
}

#[cfg(test)]
mod tests {
    use super::RopeArg;

    #[test]
    fn a_rope_is_an_object() {
        assert!(r#"{"rope_type": "linear", "factor": 2}"#.parse::<RopeArg>().is_ok());
        for text in ["{}", "[]", "yarn", "{\"factor\": NaN}", ""] {
            let error = text.parse::<RopeArg>().unwrap_err();
            assert!(error.contains("write an object such as"), "{text}: {error}");
        }
    }
}
