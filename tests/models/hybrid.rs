//! A model with layers that keep a memory instead of keys: each question goes on from where the context ended, whoever asks, and however.

use std::rc::Rc;

use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, PromptForm, Request, RequestLimits, RetentionSees,
};
use sah_attention::{AttentionConfig, LocalMasker, ResearchAttention, Size};
use sah_tests::tiny;
use serde_json::{Value, json};
use tch::{Device, Kind};

use super::together::{assert_same_together_and_alone, with_retention};

fn model() -> Rc<LoadedModel> {
    tch::set_num_threads(1);
    let source = ModelSource::Folder(tiny::folder("qwen3-5"));
    LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap()
}

fn streaming() -> ResearchAttention {
    let config = AttentionConfig::streaming_llm(Size::Count(40), Size::Count(100));
    ResearchAttention::from_config(&config).unwrap()
}

#[test]
fn questions_of_a_batch_and_alone_go_on_from_the_same_memory() {
    let model = model();
    let attending = |attention| HfAdapter::new(Rc::clone(&model), attention, 0);
    let rules = |rules: Value| json!({"ratio": 0.4, "rules": rules});
    let growing = json!({"keys": 60, "every": 4, "rules": [{"type": "tova"}]});
    let adapters = [
        ("dense", attending(None)),
        ("a masker", attending(Some(streaming()))),
        ("read sparsely", attending(Some(streaming())).with_sparse_prefill().unwrap()),
        ("evicting", attending(Some(streaming())).with_eviction().unwrap()),
        (
            "heads alike",
            with_retention(&model, rules(json!([{"type": "streaming_llm"}])), RetentionSees::Context),
        ),
        (
            "heads differ",
            with_retention(
                &model,
                rules(json!([{"type": "knorm"}, {"type": "adakv"}])),
                RetentionSees::Context,
            ),
        ),
        ("repeated", with_retention(&model, rules(json!([{"type": "kvzip"}])), RetentionSees::Context)),
        (
            "with the question",
            with_retention(&model, rules(json!([{"type": "snapkv"}])), RetentionSees::Question),
        ),
        ("growing", with_retention(&model, growing, RetentionSees::Context)),
    ];
    let params =
        GenerationParams { max_new_tokens: Some(12), ignore_eos: true, ..GenerationParams::default() };
    assert_same_together_and_alone(&model, &adapters, &params);
}

/// Whatever is read of the context before a question changes its answer: by attention, and by memory where attention sees nothing of it.
#[test]
fn the_memory_of_a_context_reaches_the_answer() {
    let model = model();
    let own_key = ResearchAttention::new(vec![Box::new(LocalMasker::new(Size::Count(1)).unwrap())]).unwrap();
    let adapter = HfAdapter::new(model, Some(own_key), 0).with_sparse_prefill().unwrap();
    let logits = |context: &str| {
        let request = Request { form: PromptForm::Plain, ..Request::new(context, "Who went?") };
        let params = GenerationParams { max_new_tokens: Some(1), ..GenerationParams::default() };
        let (_, trace) = adapter.process_traced(&request, &params, &RequestLimits::default()).unwrap();
        trace.answers[0].first_logits.clone()
    };
    assert_ne!(logits("The fox went to the lake. "), logits("The lake was dry today. "));
}
