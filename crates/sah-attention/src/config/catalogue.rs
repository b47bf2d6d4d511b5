//! What maskers there are, for lists and help texts.

/// A masker that a configuration can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskerInfo {
    /// Its `type`.
    pub name: &'static str,
    /// What it selects.
    pub about: &'static str,
    /// Its fields, in the order of its documentation.
    pub fields: &'static [FieldInfo],
    /// Where the rule comes from.
    pub source: &'static str,
    /// What selecting costs for each head and query row; `k`, `m`, `n` as in its documentation.
    pub cost: &'static str,
    /// What it remembers for each key, and for which heads.
    pub state: &'static str,
}

/// A field of a masker's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// The valid range.
    pub range: &'static str,
    /// What it is where it is not given; `None` where it must be given.
    pub default: Option<&'static str>,
}

const fn required(name: &'static str, range: &'static str) -> FieldInfo {
    FieldInfo { name, range, default: None }
}

const fn optional(name: &'static str, range: &'static str, default: &'static str) -> FieldInfo {
    FieldInfo { name, range, default: Some(default) }
}

const SIZE: &str = "a count from 1, or {\"fraction\": f} with f in (0, 1]";
const SIZE_OR_ZERO: &str = "a count from 0, or {\"fraction\": f} with f in [0, 1]";
const HEAVY_SIZE: FieldInfo = required("heavy_size", SIZE);

/// Every masker, in the order in which they are usually listed.
pub const MASKERS: &[MaskerInfo] = &[
    MaskerInfo {
        name: "sink",
        about: "the first keys",
        fields: &[required("size", SIZE)],
        source: "StreamingLLM, arXiv 2309.17453",
        cost: "none",
        state: "none",
    },
    MaskerInfo {
        name: "local",
        about: "the last keys before each row",
        fields: &[required("size", SIZE)],
        source: "StreamingLLM, arXiv 2309.17453",
        cost: "none",
        state: "none",
    },
    MaskerInfo {
        name: "oracle_top_k",
        about: "the keys with the largest exact scores",
        fields: &[HEAVY_SIZE],
        source: "what top-k methods approximate",
        cost: "K D multiplications: an oracle, which saves nothing",
        state: "none",
    },
    MaskerInfo {
        name: "oracle_top_p",
        about: "the fewest keys that hold a share of the attention",
        fields: &[required("top_p", "in [0, 1]")],
        source: "Twilight, arXiv 2502.02770, with exact scores",
        cost: "K D multiplications and a sort: an oracle, which saves nothing",
        state: "none",
    },
    MaskerInfo {
        name: "hash_attention_top_k",
        about: "the keys whose trained signatures share the most bits with the query's",
        fields: &[
            HEAVY_SIZE,
            required("hat_bits", "from 1 to 1024"),
            optional("hat_mlp_layers", "the number of matrices in the file", "not checked"),
            optional("hat_mlp_hidden_size", "their outputs before the last", "not checked"),
            optional("hat_mlp_activation", "relu, silu, gelu, tanh; needed from 2 matrices on", "none"),
            optional("hat_weights", "random: untrained; without hat_weight_file", "hat_weight_file"),
            optional(
                "hat_weight_file",
                "a safetensors file; exactly one of this and hat_weights",
                "hat_weights",
            ),
        ],
        source: "HashAttention, arXiv 2412.14468",
        cost: "K words of 32 bits for each 32 hat_bits",
        state: "hat_bits bits, in words of 32, for each head with a network",
    },
    MaskerInfo {
        name: "double_sparsity_top_k",
        about: "the keys with the largest scores over a few channels",
        fields: &[
            HEAVY_SIZE,
            required("sorted_channel_file", "a JSON file of the authors' form"),
            optional("group_factor", "at least 1, at most D", "16"),
            optional("label_bits", "from 1 to 16", "4"),
            optional("channel_selection", "k_proj, q_proj, qk_proj", "qk_proj"),
        ],
        source: "Double Sparsity, arXiv 2408.07092",
        cost: "K D / group_factor multiplications",
        state: "D / group_factor codes of label_bits bits and 8 bytes, for each list of channels",
    },
    MaskerInfo {
        name: "quest_top_k",
        about: "the pages of keys with the largest bounds of their scores",
        fields: &[
            HEAVY_SIZE,
            required("page_size", "at least 1"),
            optional("label_bits", "from 1 to 16", "16"),
        ],
        source: "Quest, arXiv 2406.10774",
        cost: "2 K D / page_size multiplications",
        state: "2 D / page_size elements, for each key/value head",
    },
    MaskerInfo {
        name: "pq_cache",
        about: "the keys with the largest product-quantised scores",
        fields: &[
            HEAVY_SIZE,
            required("pq_group_factor", "a divisor of D"),
            required("pq_bits", "from 1 to 8"),
            required("kmeans_iter", "at least 1"),
            required("init_offset", "at least 0"),
            required("metric", "euclidean, ip"),
        ],
        source: "PQCache, arXiv 2407.12820",
        cost: "K pq_group_factor additions; k-means once",
        state: "pq_group_factor bytes for each key/value head, and the centroids",
    },
    MaskerInfo {
        name: "socket_top_k",
        about: "the keys in whose buckets the query most likely falls, times the length of their values",
        fields: &[
            HEAVY_SIZE,
            optional("K", "from 1 to 12", "4"),
            optional("L", "at least 1", "1"),
            optional("tau", "above 0", "0.3"),
        ],
        source: "SOCKET, arXiv 2602.06283",
        cost: "K L additions (K keys, L tables)",
        state: "L bytes (2 L above 8 planes) and 4 bytes, for each key/value head",
    },
    MaskerInfo {
        name: "random_sampling",
        about: "a share of the remaining keys at random",
        fields: &[required("sampling_rate", "in (0, 1]")],
        source: "the plain baseline of sampling",
        cost: "m random numbers",
        state: "none",
    },
    MaskerInfo {
        name: "adaptive_sampling",
        about: "as many random keys as a promised accuracy of the denominator needs",
        fields: &[
            required("base_rate_sampling", "a count from 0, or {\"fraction\": f} with f in [0, 1)"),
            required("epsilon", "in (0, 1)"),
            required("delta", "in (0, 1)"),
            required("init_offset", SIZE_OR_ZERO),
            required("local_offset", SIZE_OR_ZERO),
        ],
        source: "vAttention, arXiv 2510.05688",
        cost: "(selected keys + m) D multiplications",
        state: "none",
    },
    MaskerInfo {
        name: "magic_pig",
        about: "the keys that share a bucket with the query, with the probability of that",
        fields: &[
            required("lsh_l", "at least 1"),
            required("lsh_k", "from 1 to 64"),
            optional("center", "true, false", "true"),
            optional("seed", "at least 0", "42"),
        ],
        source: "MagicPIG, arXiv 2410.16179",
        cost: "K lsh_l comparisons of codes, n D multiplications for n sampled keys",
        state: "lsh_l codes of 1 byte (2 above 8 bits, 4 above 15, 8 above 31), for each key/value head",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MaskerConfig;

    /// What serde expects is what is listed: maskers, their fields, and which of these may be missing.
    #[test]
    fn the_catalogue_is_what_configurations_accept() {
        let error = |text: String| serde_json::from_str::<MaskerConfig>(&text).unwrap_err().to_string();
        let quoted = |names: Vec<&str>| match names.as_slice() {
            [one] => format!("expected `{one}`"),
            [one, two] => format!("expected `{one}` or `{two}`"),
            many => format!("expected one of `{}`", many.join("`, `")),
        };
        let unknown = error(r#"{"type": "?"}"#.to_owned());
        let names = quoted(MASKERS.iter().map(|masker| masker.name).collect());
        assert!(unknown.contains(&names), "{unknown}, {names}");
        for masker in MASKERS {
            let unknown = error(format!(r#"{{"type": "{}", "?": 1}}"#, masker.name));
            let fields = quoted(masker.fields.iter().map(|field| field.name).collect());
            assert!(unknown.contains(&fields), "{}: {unknown}, {fields}", masker.name);
            let first = masker.fields.iter().find(|field| field.default.is_none());
            let missing = error(format!(r#"{{"type": "{}"}}"#, masker.name));
            assert!(missing.contains(&format!("missing field `{}`", first.unwrap().name)), "{missing}");
        }
    }
}
