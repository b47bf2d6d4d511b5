//! A model whose keys and values are made of one vector for each token, which alone is kept.

use std::rc::Rc;

use sah_adapter::{GenerationParams, LoadedModel, RetentionSees};
use serde_json::json;
use tch::Kind;

use super::together::{assert_same_together_and_alone_however, run, tiny_model, with_retention};

fn model() -> Rc<LoadedModel> {
    tiny_model("deepseek-v3", Kind::Float)
}

#[test]
fn questions_of_a_batch_and_alone_read_the_same_vectors() {
    assert_same_together_and_alone_however(&model());
}

#[test]
fn the_cache_has_one_vector_and_one_rotated_part_for_each_token() {
    let sizes = model().sizes();
    assert_eq!(sizes.attention.len(), 4);
    for layer in &sizes.attention {
        assert_eq!((layer.query_heads, layer.kv_heads, layer.key_dim, layer.value_dim), (4, 1, 8 + 20, 20));
        assert_eq!(layer.row_bytes, (8 + 20 + 20) * 4);
    }
}

/// Rules that look at queries before they are rotated, at values and at the output projection.
#[test]
fn retentions_read_vectors() {
    let model = model();
    let params =
        GenerationParams { max_new_tokens: Some(1), ignore_eos: true, ..GenerationParams::default() };
    let first_logits = |config| {
        let (response, trace) =
            run(&with_retention(&model, config, RetentionSees::Context), &["Who went?"], &params);
        (response.context.kept.unwrap(), trace.answers[0].first_logits.clone())
    };
    let (_, all) = first_logits(json!({"ratio": 0.0, "rules": [{"type": "knorm"}]}));
    for rules in [
        json!([{"type": "expected_attention"}]),
        json!([{"type": "snapkv"}, {"type": "criticalkv"}]),
        json!([{"type": "observed_attention", "average": false, "recent": 0.5}]),
    ] {
        let (kept, few) = first_logits(json!({"ratio": 0.9, "rules": rules}));
        assert!((kept - 0.1).abs() < 0.01, "{rules}: {kept}");
        assert_ne!(few, all, "{rules}: nine of ten keys are gone");
    }
}
