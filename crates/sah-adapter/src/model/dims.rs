//! The sizes that every architecture has.

use super::ConfigFile;
use crate::Error;

/// No size of a model is larger; products of two or three stay far from overflowing.
const LARGEST: i64 = 1 << 24;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadDims {
    /// H.
    pub(super) query: i64,
    /// Hkv, a divisor of H.
    pub(super) kv: i64,
    /// D.
    pub(super) dim: i64,
}

impl Dims {
    /// Fails for sizes that no model has, by the names that `config.json` gives them.
    pub(super) fn checked(self, file: ConfigFile<'_>) -> Result<Self, Error> {
        for (field, size) in [
            ("hidden_size", self.hidden),
            ("intermediate_size", self.intermediate),
            ("num_hidden_layers", self.layers as i64),
            ("num_attention_heads", self.heads.query),
            ("head_dim", self.heads.dim),
            ("vocab_size", self.vocabulary),
        ] {
            if !(1..=LARGEST).contains(&size) {
                return Err(file.field(field, format!("1 to {LARGEST}"), size));
            }
        }
        let (query, kv) = (self.heads.query, self.heads.kv);
        if kv < 1 || query % kv != 0 {
            return Err(file.field("num_key_value_heads", format!("a divisor of {query}"), kv));
        }
        Ok(self)
    }
}

impl HeadDims {
    /// `kv` is `query` where a config has no number of its own, and `dim` its share of `hidden`.
    pub(super) fn new(hidden: i64, query: i64, kv: Option<i64>, dim: Option<i64>) -> Self {
        Self {
            query,
            kv: kv.unwrap_or(query),
            dim: dim.unwrap_or(if query > 0 { hidden / query } else { 0 }),
        }
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

    use super::*;

    #[test]
    fn impossible_sizes_name_the_field() {
        let file = ConfigFile { json: &serde_json::Value::Null, path: Path::new("config.json") };
        let good = Dims {
            hidden: 8,
            intermediate: 16,
            layers: 1,
            heads: HeadDims::new(8, 4, Some(2), None),
            vocabulary: 5,
        };
        assert_eq!(good.checked(file).unwrap().heads.dim, 2);
        let check = |dims: Dims, field: &str| {
            let error = dims.checked(file).unwrap_err().to_string();
            assert!(error.contains(&format!("field `{field}`")), "{error}");
        };
        check(Dims { hidden: -1, ..good }, "hidden_size");
        check(Dims { layers: 0, ..good }, "num_hidden_layers");
        check(Dims { vocabulary: i64::MAX, ..good }, "vocab_size");
        check(Dims { heads: HeadDims::new(8, 0, None, None), ..good }, "num_attention_heads");
        check(Dims { heads: HeadDims::new(8, 16, None, None), ..good }, "head_dim");
        check(Dims { heads: HeadDims::new(8, 4, Some(3), None), ..good }, "num_key_value_heads");
        check(Dims { heads: HeadDims::new(8, 4, Some(0), None), ..good }, "num_key_value_heads");
    }
}
