//! Contexts that are packed in groups of codes, on a tiny checkpoint: whoever asks, and however, reads the same.

use std::rc::Rc;

use sah_adapter::{Error, GenerationParams, HfAdapter, LoadedModel, Precision, RetentionSees};
use sah_attention::{AttentionConfig, KiviBits, KvFormat, ResearchAttention, Size};
use serde_json::{Value, json};
use tch::Kind;

use super::together::{assert_same_together_and_alone, run, tiny_model, with_retention};

fn model(format: KvFormat) -> Rc<LoadedModel> {
    tiny_model("qwen3", Precision::from(Kind::Float).with_cache(format))
}

fn int4() -> Rc<LoadedModel> {
    model(KvFormat::Kivi { bits: KiviBits::Four, plain: Kind::Float })
}

fn nine_tokens() -> GenerationParams {
    GenerationParams { max_new_tokens: Some(9), ..GenerationParams::default() }
}

fn streaming() -> ResearchAttention {
    let config = AttentionConfig::streaming_llm(Size::Count(40), Size::Count(160));
    ResearchAttention::from_config(&config).unwrap()
}

#[test]
fn questions_of_a_batch_and_alone_read_the_same_codes() {
    let model = int4();
    let evicting =
        |rules: Value| with_retention(&model, json!({"ratio": 0.2, "rules": rules}), RetentionSees::Context);
    let adapters = [
        ("dense", HfAdapter::new(Rc::clone(&model), None, 0)),
        ("a masker", HfAdapter::new(Rc::clone(&model), Some(streaming()), 0)),
        ("heads alike", evicting(json!([{"type": "streaming_llm"}]))),
        ("heads differ", evicting(json!([{"type": "knorm"}, {"type": "adakv"}]))),
    ];
    assert_same_together_and_alone(&model, &adapters, &nine_tokens());
}

#[test]
fn a_packed_context_takes_less_memory_and_changes_logits_little() {
    let [exact, packed] = [model(KvFormat::Plain(Kind::Float)), int4()]
        .map(|model| run(&HfAdapter::new(model, None, 0), &["Who went?"], &nine_tokens()));
    assert_eq!(exact.1.context_ids, packed.1.context_ids);
    assert!(exact.1.context_ids.len() > 200, "{}", exact.1.context_ids.len());
    assert!(packed.0.context.cache_bytes < exact.0.context.cache_bytes * 4 / 5);
    let pairs = exact.1.answers[0].first_logits.iter().zip(&packed.1.answers[0].first_logits);
    let largest = pairs.map(|(exact, packed)| (exact - packed).abs()).fold(0.0, f32::max);
    assert!(largest > 0.0 && largest < 0.5, "{largest}");
}

#[test]
fn groups_are_not_evicted() {
    let error = HfAdapter::new(int4(), Some(streaming()), 0).with_eviction().unwrap_err();
    assert!(matches!(error, Error::EvictionOfGroups { .. }), "{error}");
    assert!(error.to_string().contains("int4 in groups"), "{error}");
}
