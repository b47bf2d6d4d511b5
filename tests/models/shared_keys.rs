//! A model whose last layers read the keys of earlier ones.

use std::rc::Rc;

use sah_adapter::{AttentionCall, GenerationParams, LoadedModel, RetentionSees};
use sah_attention::CallSampling;
use serde_json::{Value, json};
use tch::Kind;

use super::together::{assert_same_together_and_alone_however, run, tiny_model, with_retention};

fn model() -> Rc<LoadedModel> {
    tiny_model("gemma4-e2b", Kind::Float)
}

#[test]
fn questions_of_a_batch_and_alone_read_the_same_keys() {
    assert_same_together_and_alone_however(&model());
}

/// Three of six layers keep keys. Errors are those of all six, against all keys of the context.
#[test]
fn layers_without_keys_lose_those_that_they_read() {
    let model = model();
    let params =
        GenerationParams { max_new_tokens: Some(3), ignore_eos: true, ..GenerationParams::default() };
    // The mean density and error of each layer.
    let measured = |config: Value| {
        let adapter = with_retention(&model, config, RetentionSees::Context);
        let adapter = adapter.with_micro_metrics(CallSampling::new(1.0, 0).unwrap());
        let (response, _) = run(&adapter, &["Who went?"], &params);
        let calls = &response.answers[0].micro_metrics.as_ref().unwrap().sampled;
        let of_layer = |layer| {
            let calls: Vec<_> = calls.iter().filter(|call| call.layer == layer).collect();
            let mean = |of: fn(&AttentionCall) -> f64| {
                calls.iter().map(|call| of(call)).sum::<f64>() / calls.len() as f64
            };
            (mean(|call| call.density), mean(|call| call.output_error.unwrap()))
        };
        [0, 1, 2, 3, 4, 5].map(of_layer)
    };
    let half = json!({"ratio": 0.5, "rules": [{"type": "snapkv"}, {"type": "adakv"}]});
    // The layers of even numbers have a window, within which nothing goes.
    for (layer, (density, error)) in measured(half).into_iter().enumerate() {
        if layer % 2 == 0 {
            assert!(density > 1.0 - 1e-9 && error < 1e-5, "{layer}: {density}, {error}");
        } else {
            assert!(density < 0.8 && error > 1e-3, "{layer}: {density}, {error}");
        }
    }
    for (layer, (density, error)) in
        measured(json!({"ratio": 0.0, "rules": [{"type": "knorm"}]})).into_iter().enumerate()
    {
        assert!(density > 1.0 - 1e-9 && error < 1e-5, "{layer}: {density}, {error}");
    }
}
