//! Tensor names of llama-architecture GGUF files beside those of Hugging Face.

/// Names outside the layers: Hugging Face, GGUF.
const GLOBAL: [(&str, &str); 3] =
    [("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

/// Names inside a layer: Hugging Face below `model.layers.N`, GGUF below `blk.N`.
const LAYER: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// The GGUF name of a tensor that Hugging Face calls `name`; `None` where GGUF has no such tensor.
pub(crate) fn gguf_name(name: &str) -> Option<String> {
    let (module, parameter) = name.rsplit_once('.')?;
    let find = |table: &[(&str, &'static str)], module: &str| {
        table.iter().find(|(ours, _)| *ours == module).map(|(_, theirs)| *theirs)
    };
    let Some(rest) = module.strip_prefix("model.layers.") else {
        return Some(format!("{}.{parameter}", find(&GLOBAL, module)?));
    };
    let (layer, module) = rest.split_once('.')?;
    layer.parse::<usize>().ok()?;
    Some(format!("blk.{layer}.{}.{parameter}", find(&LAYER, module)?))
}

/// Which heads' rows a tensor has in the order of the original Llama code, by its Hugging Face name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permuted {
    No,
    /// Rows of the query heads.
    Query,
    /// Rows of the key heads.
    Key,
}

/// Converters store the query and key projections of llama-architecture models so that rotary pairs are neighbours.
pub(crate) fn permuted(name: &str) -> Permuted {
    let module = name.rsplit_once('.').map_or(name, |(module, _)| module);
    if module.ends_with("self_attn.q_proj") {
        Permuted::Query
    } else if module.ends_with("self_attn.k_proj") {
        Permuted::Key
    } else {
        Permuted::No
    }
}

/// The row of the stored projection that holds row `row` of the Hugging Face one, for heads of `head_dim` rows.
///
/// Hugging Face rotates `(j, j + D/2)` of a head together, the stored form `(2j, 2j + 1)`: row `i D/2 + j` of a head,
/// with `i` 0 or 1, is stored as row `2j + i`.
pub(crate) fn stored_row(row: usize, head_dim: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let (i, j) = (within / (head_dim / 2), within % (head_dim / 2));
    head * head_dim + 2 * j + i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_translated_level_by_level() {
        for (ours, theirs) in [
            ("model.embed_tokens.weight", Some("token_embd.weight")),
            ("lm_head.weight", Some("output.weight")),
            ("model.layers.11.self_attn.q_proj.bias", Some("blk.11.attn_q.bias")),
            ("model.layers.0.mlp.down_proj.weight", Some("blk.0.ffn_down.weight")),
            ("model.layers.x.mlp.down_proj.weight", None),
            ("model.layers.0.self_attn.rotary_emb.inv_freq", None),
            ("weight", None),
        ] {
            assert_eq!(gguf_name(ours).as_deref(), theirs, "{ours}");
        }
    }

    #[test]
    fn the_permutation_is_the_inverse_of_the_converters() {
        // llama.cpp's converter: rows [heads, 2, D/2] -> swap the last two -> [heads, D/2, 2].
        let (heads, head_dim) = (3, 8);
        let mut stored = vec![];
        for head in 0..heads {
            for j in 0..head_dim / 2 {
                for i in 0..2 {
                    stored.push(head * head_dim + i * head_dim / 2 + j);
                }
            }
        }
        let restored: Vec<usize> =
            (0..heads * head_dim).map(|row| stored[stored_row(row, head_dim)]).collect();
        assert_eq!(restored, (0..heads * head_dim).collect::<Vec<_>>());
    }

    #[test]
    fn only_queries_and_keys_are_permuted() {
        assert_eq!(permuted("model.layers.0.self_attn.q_proj.weight"), Permuted::Query);
        assert_eq!(permuted("model.layers.0.self_attn.k_proj.bias"), Permuted::Key);
        assert_eq!(permuted("model.layers.0.self_attn.v_proj.weight"), Permuted::No);
    }
}
