//! The sizes that every architecture has.

use super::ConfigFile;

/// Sizes of a decoder, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dims {
    /// Width of the residual stream.
    pub(super) hidden: i64,
    /// Width inside the MLP.
    pub(super) intermediate: i64,
    pub(super) layers: usize,
    pub(super) heads: HeadDims,
    pub(super) vocabulary: i64,
}

/// Query and key/value heads of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadDims {
    /// H.
    pub(super) query: i64,
    /// Hkv, a divisor of H.
    pub(super) kv: i64,
    /// D.
    pub(super) dim: i64,
}

/// What transformers takes for fields that a config leaves out; those inside a wrapper's leave out most.
#[derive(Clone, Copy, Debug)]
pub(super) struct DefaultDims {
    pub(super) vocabulary: i64,
    pub(super) hidden: i64,
    pub(super) intermediate: i64,
    pub(super) layers: i64,
    pub(super) heads: i64,
    /// `None` for as many as there are query heads.
    pub(super) kv_heads: Option<i64>,
    /// `None` for the share of a head in the residual stream.
    pub(super) head_dim: Option<i64>,
}

impl Dims {
    /// The sizes by the names that most configs give them.
    pub(super) fn read(file: &ConfigFile<'_>, defaults: &DefaultDims) -> Self {
        let hidden = file.size("hidden_size", defaults.hidden);
        let query = file.size("num_attention_heads", defaults.heads);
        let kv = match (file.get("num_key_value_heads"), defaults.kv_heads) {
            (None, Some(kv)) => Some(file.size("num_key_value_heads", kv)),
            _ => file.optional_size("num_key_value_heads"),
        };
        let dim = match (file.get("head_dim"), defaults.head_dim) {
            (None, Some(dim)) => Some(file.size("head_dim", dim)),
            _ => file.optional_size("head_dim"),
        };
        Self {
            hidden,
            intermediate: file.size("intermediate_size", defaults.intermediate),
            layers: Self::layers(file, "num_hidden_layers", defaults.layers),
            heads: HeadDims::checked(file, hidden, query, kv, dim),
            vocabulary: file.size("vocab_size", defaults.vocabulary),
        }
    }
}

/// No model has more layers: a list of them fits into memory.
const MOST_LAYERS: i64 = 1 << 14;

impl Dims {
    /// The number of layers in `field`.
    pub(super) fn layers(file: &ConfigFile<'_>, field: &str, default: i64) -> usize {
        let layers = file.size(field, default);
        if layers > MOST_LAYERS {
            file.wrong(field, format!("1 to {MOST_LAYERS}"), layers);
            return 1;
        }
        layers as usize
    }
}

impl HeadDims {
    /// `kv` is `query` where a config has no number of its own, and `dim` its share of `hidden`.
    fn checked(file: &ConfigFile<'_>, hidden: i64, query: i64, kv: Option<i64>, dim: Option<i64>) -> Self {
        let mut kv = kv.unwrap_or(query);
        if query % kv != 0 {
            file.wrong("num_key_value_heads", format!("a divisor of {query}"), kv);
            kv = query;
        }
        let dim = dim.unwrap_or(hidden / query);
        if dim < 1 {
            file.wrong("num_attention_heads", format!("at most hidden_size, {hidden}"), query);
        }
        Self { query, kv, dim: dim.max(1) }
    }

    /// As many query heads of `dim` with other KV heads, where a field gives them.
    pub(super) fn other(&self, file: &ConfigFile<'_>, (field, kv): (&str, Option<i64>), dim: i64) -> Self {
        let kv = kv.unwrap_or(self.kv);
        if self.query % kv == 0 {
            return Self { kv, dim, ..*self };
        }
        file.wrong(field, format!("a divisor of {}", self.query), kv);
        Self { dim, ..*self }
    }

    /// Width of all query heads, `H D`.
    pub(super) fn query_width(&self) -> i64 {
        self.query * self.dim
    }

    /// Width of all key heads, `Hkv D`; that of all value heads too.
    pub(super) fn kv_width(&self) -> i64 {
        self.kv * self.dim
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    const DEFAULTS: DefaultDims = DefaultDims {
        vocabulary: 5,
        hidden: 8,
        intermediate: 16,
        layers: 1,
        heads: 4,
        kv_heads: Some(2),
        head_dim: None,
    };

    fn read(json: &Value) -> (Dims, Result<Vec<String>, String>) {
        let file = ConfigFile::new(json.as_object().unwrap(), Path::new("config.json"));
        let dims = Dims::read(&file, &DEFAULTS);
        (dims, file.finish().map(|findings| findings.defaults).map_err(|error| error.to_string()))
    }

    #[test]
    fn what_a_config_leaves_out_is_as_in_transformers() {
        let (dims, defaults) = read(&json!({"hidden_size": 12}));
        assert_eq!((dims.hidden, dims.heads.query, dims.heads.kv, dims.heads.dim), (12, 4, 2, 3));
        assert_eq!(defaults.unwrap().len(), 5);
        let (dims, _) = read(&json!({"num_key_value_heads": null, "head_dim": 6}));
        assert_eq!((dims.heads.kv, dims.heads.dim), (4, 6), "null is as many as there are query heads");
    }

    #[test]
    fn impossible_sizes_name_the_field() {
        for (config, field) in [
            (json!({"hidden_size": -1}), "hidden_size"),
            (json!({"num_hidden_layers": 0}), "num_hidden_layers"),
            (json!({"vocab_size": i64::MAX}), "vocab_size"),
            (json!({"num_attention_heads": 0}), "num_attention_heads"),
            (json!({"num_attention_heads": 16}), "num_attention_heads"),
            (json!({"num_key_value_heads": 3}), "num_key_value_heads"),
            (json!({"num_key_value_heads": 0}), "num_key_value_heads"),
        ] {
            let error = read(&config).1.unwrap_err();
            assert!(error.contains(&format!("field `{field}`")), "{error}");
        }
    }
}
