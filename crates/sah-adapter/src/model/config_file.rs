//! `config.json` as the architectures read it: errors name the file and the field.

use std::fmt::Display;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// A config in the form of Hugging Face's `config.json`, and the file to name where it is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConfigFile<'a> {
    pub(super) json: &'a Value,
    pub(super) path: &'a Path,
}

const UNQUANTISED: &str = "weights in F32, F16 or BF16, or a GGUF file";
const NO_EXPERTS: &str = "models without experts";
const TEXT_ONLY: &str = "text-only checkpoints";
const DECODER_ONLY: &str = "decoder-only models";

/// Fields that change what a model computes, in a way that no architecture here does, and what is done instead. A field
/// that is absent, null, false, 0 or empty asks for nothing.
const REFUSED: [(&str, &str); 16] = [
    ("quantization_config", UNQUANTISED),
    ("compression_config", UNQUANTISED),
    ("num_experts", NO_EXPERTS),
    ("num_local_experts", NO_EXPERTS),
    ("n_routed_experts", NO_EXPERTS),
    ("num_experts_per_tok", NO_EXPERTS),
    ("moe_intermediate_size", NO_EXPERTS),
    ("text_config", TEXT_ONLY),
    ("vision_config", TEXT_ONLY),
    ("audio_config", TEXT_ONLY),
    ("is_encoder_decoder", DECODER_ONLY),
    ("add_cross_attention", DECODER_ONLY),
    ("use_bidirectional_attention", "causal attention"),
    ("lm_head_bias", "false"),
    ("pruned_heads", "models with all their heads"),
    ("attention_chunk_size", "attention without chunks"),
];

impl<'a> ConfigFile<'a> {
    /// Fails for what no architecture here does.
    pub(super) fn refuse_unsupported(&self) -> Result<(), Error> {
        for (field, supported) in REFUSED {
            let Some(value) = self.json.get(field).filter(|value| asks_for_something(value)) else {
                continue;
            };
            // An object says best by its method what it asks for.
            let found = value.get("quant_method").unwrap_or(value);
            return Err(self.unsupported(field, shortened(found), supported));
        }
        Ok(())
    }

    /// The fields that an architecture reads.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(self.json).map_err(|error| Error::BadFile {
            path: self.path.to_owned(),
            problem: error.to_string(),
            remedy: "compare it with the config.json of the model's source".to_owned(),
        })
    }

    /// The object in `field`; `None` where it is absent or null.
    pub(super) fn object(&self, field: &'static str) -> Result<Option<ConfigObject<'a>>, Error> {
        let file = *self;
        match self.json.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(ConfigObject { file, name: field.to_owned(), fields })),
            Some(other) => Err(self.field(field, "an object", shortened(other))),
        }
    }

    /// A field that is missing or has an impossible value.
    pub(super) fn field(&self, field: &str, expected: impl Display, found: impl Display) -> Error {
        Error::Field {
            path: self.path.to_owned(),
            field: field.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// A field that asks for something that is not done here.
    pub(super) fn unsupported(&self, field: &str, found: impl Display, supported: impl Display) -> Error {
        Error::Unsupported {
            path: self.path.to_owned(),
            field: field.to_owned(),
            found: found.to_string(),
            supported: supported.to_string(),
        }
    }
}

/// An object inside a config, whose fields are all to be understood.
#[derive(Clone, Debug)]
pub(super) struct ConfigObject<'a> {
    pub(super) file: ConfigFile<'a>,
    name: String,
    fields: &'a serde_json::Map<String, Value>,
}

impl<'a> ConfigObject<'a> {
    /// An object inside this one.
    pub(super) fn object(&self, field: &str) -> Option<Self> {
        let fields = self.fields.get(field)?.as_object()?;
        Some(Self { file: self.file, name: self.full_name(field), fields })
    }

    /// A text.
    pub(super) fn text(&self, field: &str) -> Result<Option<&'a str>, Error> {
        self.typed(field, "a text", Value::as_str)
    }

    /// A finite number above 0.
    pub(super) fn number(&self, field: &str) -> Result<Option<f64>, Error> {
        self.typed(field, "a number above 0", |value| value.as_f64().filter(|number| *number > 0.0))
    }

    /// A number above 0 that must be there.
    pub(super) fn required(&self, field: &str) -> Result<f64, Error> {
        self.number(field)?.ok_or_else(|| self.wrong(field, "a number above 0", "nothing"))
    }

    /// True or false.
    pub(super) fn bool(&self, field: &str) -> Result<Option<bool>, Error> {
        self.typed(field, "true or false", Value::as_bool)
    }

    /// `count` numbers above 0.
    pub(super) fn numbers(&self, field: &str, count: usize) -> Result<Vec<f32>, Error> {
        let expected = format!("{count} numbers above 0");
        let number =
            |value: &Value| value.as_f64().map(|number| number as f32).filter(|number| *number > 0.0);
        let list = self.typed(field, &expected, Value::as_array)?;
        let list = list.ok_or_else(|| self.wrong(field, &expected, "nothing"))?;
        if list.len() != count {
            return Err(self.wrong(field, &expected, format!("{} numbers", list.len())));
        }
        let numbers: Option<Vec<f32>> = list.iter().map(number).collect();
        numbers.ok_or_else(|| self.wrong(field, &expected, "something else among them"))
    }

    /// Fails for a field that is none of `known`, unless it is null.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let unknown = |(name, value): &(&String, &Value)| !value.is_null() && !known.contains(&name.as_str());
        match self.fields.iter().find(unknown) {
            None => Ok(()),
            Some((name, value)) => {
                let supported = format!("the fields {}", known.join(", "));
                Err(self.file.unsupported(&self.full_name(name), shortened(value), supported))
            }
        }
    }

    /// A field that is missing or has an impossible value.
    pub(super) fn wrong(&self, field: &str, expected: impl Display, found: impl Display) -> Error {
        self.file.field(&self.full_name(field), expected, found)
    }

    /// The field with its parents.
    pub(super) fn full_name(&self, field: &str) -> String {
        format!("{}.{field}", self.name)
    }

    fn typed<T>(
        &self,
        field: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                convert(value).map(Some).ok_or_else(|| self.wrong(field, expected, shortened(value)))
            }
        }
    }
}

fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(asked) => *asked,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// A value for an error message, which is one short line.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that were written down, not computed")]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(json: &Value) -> ConfigFile<'_> {
        ConfigFile { json, path: Path::new("config.json") }
    }

    #[test]
    fn what_no_architecture_does_is_refused_by_name() {
        let refusal = |json: Value| file(&json).refuse_unsupported().unwrap_err().to_string();
        let quantised = refusal(json!({"quantization_config": {"quant_method": "awq", "bits": 4}}));
        assert!(quantised.contains("`quantization_config` is `\"awq\"`"), "{quantised}");
        assert!(refusal(json!({"num_local_experts": 8})).contains("`num_local_experts` is `8`"));
        let long = refusal(json!({"text_config": {"model_type": "x".repeat(100)}}));
        assert!(long.contains("...`") && long.contains("text-only"), "{long}");
        let harmless = json!({"quantization_config": null, "num_experts": 0, "pruned_heads": {},
                              "is_encoder_decoder": false, "vocab_size": 3});
        file(&harmless).refuse_unsupported().unwrap();
    }

    #[test]
    fn objects_are_understood_whole_or_refused() {
        let json =
            json!({"rope": {"factor": 2, "list": [1, 2.5], "type": "x", "on": true, "gone": null}, "no": 3});
        let rope = file(&json).object("rope").unwrap().unwrap();
        assert_eq!(rope.required("factor").unwrap(), 2.0);
        assert_eq!(rope.numbers("list", 2).unwrap(), [1.0, 2.5]);
        assert_eq!(rope.text("type").unwrap(), Some("x"));
        assert_eq!(rope.bool("on").unwrap(), Some(true));
        rope.only(&["factor", "list", "type", "on"]).unwrap();
        assert!(file(&json).object("absent").unwrap().is_none());

        let check = |error: Error, part: &str| assert!(error.to_string().contains(part), "{error}");
        check(
            rope.only(&["factor", "list", "type"]).unwrap_err(),
            "`rope.on` is `true`, which is not supported",
        );
        check(
            rope.numbers("list", 3).unwrap_err(),
            "`rope.list`: expected 3 numbers above 0, found 2 numbers",
        );
        check(rope.required("gone").unwrap_err(), "`rope.gone`: expected a number above 0, found nothing");
        check(rope.required("type").unwrap_err(), "`rope.type`: expected a number above 0, found \"x\"");
        check(file(&json).object("no").unwrap_err(), "`no`: expected an object, found 3");
    }
}
