//! Named configurations.

use serde_json::{Value, json};

/// Each preset's name and configuration. Files, which some of them need, are missing.
pub(super) fn builtin() -> Vec<(&'static str, Value)> {
    let heavy = || json!({"fraction": 0.1});
    let short = json!({"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 64}]});
    vec![
        ("streaming_llm", short),
        ("oracle_top_k", with_window(json!([{"type": "oracle_top_k", "heavy_size": heavy()}]))),
        ("oracle_top_p", with_window(json!([{"type": "oracle_top_p", "top_p": 0.9}]))),
        (
            "hashattention",
            with_window(json!([{"type": "hash_attention_top_k", "heavy_size": heavy(), "hat_bits": 32}])),
        ),
        (
            "double_sparsity",
            with_window(json!([{
                "type": "double_sparsity_top_k", "heavy_size": heavy(), "group_factor": 8, "label_bits": 8
            }])),
        ),
        ("quest", with_window(json!([{"type": "quest_top_k", "heavy_size": heavy(), "page_size": 16}]))),
        (
            "pqcache",
            with_window(json!([{
                "type": "pq_cache", "heavy_size": heavy(), "pq_group_factor": 2, "pq_bits": 6, "kmeans_iter": 10,
                "init_offset": 128, "metric": "euclidean"
            }])),
        ),
        ("socket", with_window(json!([{"type": "socket_top_k", "heavy_size": heavy(), "K": 8, "L": 60}]))),
        ("magicpig", with_window(json!([{"type": "magic_pig", "lsh_l": 75, "lsh_k": 8}]))),
        (
            "vattention",
            with_window(json!([
                {"type": "oracle_top_k", "heavy_size": {"fraction": 0.02}},
                {
                    "type": "adaptive_sampling", "base_rate_sampling": {"fraction": 0.02}, "epsilon": 0.1, "delta": 0.1,
                    "init_offset": 128, "local_offset": 128
                }
            ])),
        ),
        ("tri_shape", json!({"maskers": [{"type": "tri_shape", "sink": 128, "local": 3968, "last": 100}]})),
        (
            "oracle_top_k_blocks",
            json!({"maskers": [{"type": "oracle_top_k_blocks", "heavy_size": heavy(), "block_size": 128}]}),
        ),
        (
            "xattention",
            json!({"maskers": [{"type": "xattention", "threshold": 0.9, "stride": 8, "block_size": 128}]}),
        ),
        (
            "flexprefill",
            json!({"maskers": [
                {"type": "flexprefill", "gamma": 0.95, "tau": 0.1, "min_budget": 1024, "block_size": 128}
            ]}),
        ),
        ("minference", json!({"maskers": [{"type": "minference", "vertical": 1000, "slash": 6096}]})),
    ]
}

/// 128 first and 128 last keys, and what `added` selects.
fn with_window(added: Value) -> Value {
    let mut maskers = vec![json!({"type": "sink", "size": 128}), json!({"type": "local", "size": 128})];
    if let Value::Array(added) = added {
        maskers.extend(added);
    }
    json!({ "maskers": maskers })
}
