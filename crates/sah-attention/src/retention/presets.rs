//! Named retentions.

use serde_json::{Value, json};

/// Each preset's name and configuration.
pub(super) fn builtin() -> Vec<(&'static str, Value)> {
    let one = |name: &'static str| (name, json!({"rules": [{"type": name}]}));
    let two = |name: &'static str, first: &str, second: &str| {
        (name, json!({"rules": [{"type": first}, {"type": second}]}))
    };
    vec![
        one("random"),
        one("streaming_llm"),
        one("knorm"),
        one("keydiff"),
        one("lagkv"),
        one("tova"),
        one("snapkv"),
        one("expected_attention"),
        one("observed_attention"),
        ("h2o", json!({"rules": [{"type": "observed_attention", "average": false, "recent": 0.5}]})),
        one("r_kv"),
        two("pyramidkv", "snapkv", "pyramid"),
        two("adakv_snapkv", "snapkv", "adakv"),
        two("adakv_keydiff", "keydiff", "adakv"),
        (
            "adakv_expected_attention",
            json!({"rules": [{"type": "expected_attention", "epsilon": 0.01}, {"type": "adakv"}]}),
        ),
        two("criticalkv_snapkv", "snapkv", "criticalkv"),
        (
            "critical_adakv_snapkv",
            json!({"rules": [{"type": "snapkv"}, {"type": "adakv"}, {"type": "criticalkv"}]}),
        ),
        two("chunkkv_snapkv", "snapkv", "chunkkv"),
        two("kvzip", "kvzip", "shared_budget"),
        ("kvzip_uniform", json!({"rules": [{"type": "kvzip"}]})),
    ]
}
