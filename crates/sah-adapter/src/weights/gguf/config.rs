//! The metadata of a GGUF file in the shape of Hugging Face's `config.json`.

use serde_json::{Map, Value as Json, json};

use super::reader::Gguf;
use super::value::Value;
use crate::Error;

/// Architectures whose tensor names and layout this crate knows.
const SUPPORTED: &str = "llama";

/// Typed access to the metadata of a file, with errors that name the key.
pub(crate) struct Metadata<'a>(pub(crate) &'a Gguf);

impl<'a> Metadata<'a> {
    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.0.metadata.get(key) else { return Ok(None) };
        convert(value).map(Some).ok_or_else(|| self.wrong(key, expected, &value.describe()))
    }

    /// An error about the value of `key`.
    pub(crate) fn wrong(&self, key: &str, expected: &str, found: &str) -> Error {
        Error::Field {
            path: self.0.path.clone(),
            field: key.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(&self, key: &str, expected: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.wrong(key, expected, "nothing"))
    }

    pub(crate) fn integer(&self, key: &str) -> Result<Option<u64>, Error> {
        self.typed(key, "a whole number that is not negative", Value::as_u64)
    }

    pub(crate) fn token_id(&self, key: &str) -> Result<Option<u32>, Error> {
        self.typed(key, "a token number", |value| u32::try_from(value.as_u64()?).ok())
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        self.typed(key, "a finite number", Value::as_f64)
    }

    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>, Error> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        self.typed(key, "a text", Value::as_str)
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, Error> {
        self.typed(key, "an array of texts", |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<u64>>, Error> {
        self.typed(key, "an array of whole numbers", |value| {
            value.as_array()?.iter().map(Value::as_u64).collect()
        })
    }
}

/// The architecture the file says it has, if this crate knows it.
pub(crate) fn architecture(gguf: &Gguf) -> Result<&str, Error> {
    let metadata = Metadata(gguf);
    let key = "general.architecture";
    let architecture = metadata.required(key, "the name of an architecture", metadata.text(key)?)?;
    let unsupported = |field: &str, found: String, supported: &str| Error::Unsupported {
        path: gguf.path.clone(),
        field: field.into(),
        found,
        supported: supported.into(),
    };
    if architecture != SUPPORTED {
        return Err(unsupported(key, architecture.into(), SUPPORTED));
    }
    if let Some(parts) = metadata.integer("split.count")?.filter(|&parts| parts > 1) {
        return Err(unsupported(
            "split.count",
            parts.to_string(),
            "one file; join it with llama-gguf-split --merge",
        ));
    }
    let key = format!("{architecture}.expert_count");
    if let Some(experts) = metadata.integer(&key)?.filter(|&experts| experts > 0) {
        return Err(unsupported(&key, experts.to_string(), "models without experts"));
    }
    Ok(architecture)
}

/// `config.json` of the file. Numbers that Hugging Face derives (such as `head_dim`) are written out.
pub(crate) fn hf_config(gguf: &Gguf) -> Result<Json, Error> {
    let arch = architecture(gguf)?;
    let metadata = Metadata(gguf);
    let key = |name: &str| format!("{arch}.{name}");
    let integer = |name: &str| metadata.integer(&key(name));
    let positive = |name: &str| {
        let expected = "a whole number above 0";
        match integer(name)? {
            Some(0) => Err(metadata.wrong(&key(name), expected, "0")),
            value => metadata.required(&key(name), expected, value),
        }
    };

    let hidden = positive("embedding_length")?;
    let heads = positive("attention.head_count")?;
    let kv_heads = integer("attention.head_count_kv")?.unwrap_or(heads);
    let head_dim = integer("attention.key_length")?.unwrap_or(hidden / heads);
    if let Some(value_length) = integer("attention.value_length")?.filter(|&length| length != head_dim) {
        let expected = format!("the length of a key, {head_dim}");
        return Err(metadata.wrong(&key("attention.value_length"), &expected, &value_length.to_string()));
    }
    if head_dim == 0 || head_dim % 2 == 1 {
        return Err(metadata.wrong(
            &key("attention.key_length"),
            "an even number above 0",
            &head_dim.to_string(),
        ));
    }
    if kv_heads == 0 || heads % kv_heads != 0 {
        let expected = format!("a divisor of the {heads} query heads");
        return Err(metadata.wrong(&key("attention.head_count_kv"), &expected, &kv_heads.to_string()));
    }
    let epsilon = key("attention.layer_norm_rms_epsilon");
    let mut config = Map::from_iter([
        ("model_type".to_owned(), json!(arch)),
        ("hidden_act".to_owned(), json!("silu")),
        ("hidden_size".to_owned(), json!(hidden)),
        ("intermediate_size".to_owned(), json!(positive("feed_forward_length")?)),
        ("num_hidden_layers".to_owned(), json!(positive("block_count")?)),
        ("num_attention_heads".to_owned(), json!(heads)),
        ("num_key_value_heads".to_owned(), json!(kv_heads)),
        ("head_dim".to_owned(), json!(head_dim)),
        ("max_position_embeddings".to_owned(), json!(positive("context_length")?)),
        (
            "rms_norm_eps".to_owned(),
            json!(metadata.required(&epsilon, "a number", metadata.number(&epsilon)?)?),
        ),
        ("rope_theta".to_owned(), json!(metadata.number(&key("rope.freq_base"))?.unwrap_or(10_000.0))),
        ("rope_scaling".to_owned(), rope_scaling(gguf, arch)?),
        ("vocab_size".to_owned(), json!(vocabulary(gguf, arch)?)),
        ("tie_word_embeddings".to_owned(), json!(!gguf.tensors.contains_key("output.weight"))),
        ("attention_bias".to_owned(), json!(gguf.tensors.contains_key("blk.0.attn_q.bias"))),
        ("mlp_bias".to_owned(), json!(gguf.tensors.contains_key("blk.0.ffn_up.bias"))),
    ]);
    if let Some(rotary) = integer("rope.dimension_count")?.filter(|&rotary| rotary != head_dim) {
        config.insert("partial_rotary_factor".into(), json!(rotary as f64 / head_dim as f64));
    }
    if let Some(window) = integer("attention.sliding_window")? {
        config.insert("sliding_window".into(), json!(window));
    }
    for (ours, theirs) in [
        ("bos_token_id", "tokenizer.ggml.bos_token_id"),
        ("eos_token_id", "tokenizer.ggml.eos_token_id"),
        ("pad_token_id", "tokenizer.ggml.padding_token_id"),
    ] {
        if let Some(id) = metadata.token_id(theirs)? {
            config.insert(ours.into(), json!(id));
        }
    }
    Ok(Json::Object(config))
}

/// Rows of the embedding table, which may have more than there are tokens.
fn vocabulary(gguf: &Gguf, arch: &str) -> Result<u64, Error> {
    if let Some(&rows) = gguf.tensors.get("token_embd.weight").and_then(|info| info.shape.first()) {
        return Ok(rows as u64);
    }
    let metadata = Metadata(gguf);
    let key = format!("{arch}.vocab_size");
    metadata.required(&key, "a whole number above 0", metadata.integer(&key)?)
}

/// `rope_scaling` from the metadata. The frequency factors that converters store as the tensor `rope_freqs` (Llama
/// 3.1 and later) become `{"rope_type": "frequency_factors"}`: each rotary frequency is to be divided by its factor.
fn rope_scaling(gguf: &Gguf, arch: &str) -> Result<Json, Error> {
    let metadata = Metadata(gguf);
    let key = |name: &str| format!("{arch}.rope.scaling.{name}");
    if let Some(info) = gguf.tensors.get("rope_freqs.weight") {
        let factors = super::values(gguf, "rope_freqs.weight", info)?;
        if factors != vec![1.0; factors.len()] {
            return Ok(json!({ "rope_type": "frequency_factors", "factors": factors }));
        }
    }
    let factor = match metadata.number(&key("factor"))? {
        None => metadata.number(&format!("{arch}.rope.scale_linear"))?,
        factor => factor,
    };
    let kind = match metadata.text(&key("type"))? {
        // Old files give the linear factor alone.
        None if factor.is_some_and(|factor| factor > 1.0) => "linear",
        None | Some("none") => return Ok(Json::Null),
        Some(kind) => kind,
    };
    let factor = metadata.required(&key("factor"), "a number", factor)?;
    let mut scaling = json!({ "rope_type": kind, "factor": factor });
    match kind {
        "linear" => {}
        "yarn" => {
            let key = key("original_context_length");
            let original = metadata.required(&key, "a whole number", metadata.integer(&key)?)?;
            scaling["original_max_position_embeddings"] = json!(original);
        }
        other => {
            return Err(Error::Unsupported {
                path: gguf.path.clone(),
                field: key("type"),
                found: other.into(),
                supported: "none, linear, yarn".into(),
            });
        }
    }
    Ok(scaling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::{Builder, open};

    fn llama() -> Builder {
        Builder::new()
            .string("general.architecture", "llama")
            .u32("llama.block_count", 2)
            .u32("llama.context_length", 128)
            .u32("llama.embedding_length", 16)
            .u32("llama.feed_forward_length", 32)
            .u32("llama.attention.head_count", 4)
            .u32("llama.attention.head_count_kv", 2)
            .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
            .u32("llama.vocab_size", 7)
    }

    #[test]
    fn the_metadata_reads_like_a_config_json() {
        let config = hf_config(&open(llama().f32("llama.rope.freq_base", 1e5)).1).unwrap();
        for (key, expected) in [
            ("model_type", json!("llama")),
            ("head_dim", json!(4)),
            ("num_key_value_heads", json!(2)),
            ("rms_norm_eps", json!(1e-5)),
            ("rope_theta", json!(1e5)),
            ("rope_scaling", Json::Null),
            ("vocab_size", json!(7)),
            ("tie_word_embeddings", json!(true)),
            ("attention_bias", json!(false)),
        ] {
            assert_eq!(config[key], expected, "{key}");
        }
        assert!(config.get("partial_rotary_factor").is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_names_its_key() {
        let problem = |builder: Builder| hf_config(&open(builder).1).unwrap_err().to_string();
        assert!(problem(Builder::new()).contains("`general.architecture`: expected the name"));
        let bare = || Builder::new().string("general.architecture", "llama");
        assert!(
            problem(bare())
                .contains("`llama.embedding_length`: expected a whole number above 0, found nothing")
        );
        assert!(problem(Builder::new().string("general.architecture", "mamba")).contains("`mamba`"));
        assert!(problem(llama().string("llama.rope.freq_base", "x")).contains("found text `x`"));
        assert!(problem(llama().u32("llama.expert_count", 8)).contains("without experts"));
        assert!(problem(llama().u32("split.count", 2)).contains("--merge"));
        assert!(problem(llama().u32("llama.attention.key_length", 3)).contains("an even number"));
    }

    #[test]
    fn rope_scaling_is_kept_in_words_or_in_numbers() {
        let scaling = |builder: Builder| rope_scaling(&open(builder).1, "llama");
        let factors = [1.0_f32, 8.0].map(f32::to_le_bytes).concat();
        assert_eq!(
            scaling(llama().tensor("rope_freqs.weight", 0, &[2], &factors)).unwrap(),
            json!({ "rope_type": "frequency_factors", "factors": [1.0_f32, 8.0_f32] })
        );
        assert_eq!(
            scaling(
                llama().string("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 2.0)
            )
            .unwrap(),
            json!({ "rope_type": "linear", "factor": 2.0 })
        );
        let unknown =
            llama().string("llama.rope.scaling.type", "spiral").f32("llama.rope.scaling.factor", 2.0);
        assert!(scaling(unknown).unwrap_err().to_string().contains("`spiral`"));
    }
}
