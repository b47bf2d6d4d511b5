//! A model with layers that keep a memory instead of keys: each question goes on from where the context ended, whoever asks, and however.

use std::rc::Rc;

use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, PromptForm, Question, Request, RequestLimits,
    RequestResponse, RetentionSees, Trace,
};
use sah_attention::{
    AttentionConfig, LocalMasker, ResearchAttention, RetentionConfig, RetentionRegistry, Size,
};
use sah_tests::tiny;
use serde_json::{Value, json};
use tch::{Device, Kind};

fn model() -> Rc<LoadedModel> {
    tch::set_num_threads(1);
    let source = ModelSource::Folder(tiny::folder("qwen3-5"));
    LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap()
}

fn streaming() -> ResearchAttention {
    let config = AttentionConfig::streaming_llm(Size::Count(40), Size::Count(100));
    ResearchAttention::from_config(&config).unwrap()
}

fn with_retention(model: &Rc<LoadedModel>, config: Value, sees: RetentionSees) -> HfAdapter {
    let retention = RetentionConfig::read(&RetentionRegistry::builtin(), config).unwrap().build().unwrap();
    HfAdapter::new(Rc::clone(model), None, 0).with_retention(retention, sees).unwrap()
}

fn run(adapter: &HfAdapter, questions: &[&str]) -> (RequestResponse, Trace) {
    let request = Request {
        context: "The fox went to the lake, and the lake was dry. ".repeat(15),
        questions: questions.iter().map(|&text| Question::from(text)).collect(),
        form: PromptForm::Plain,
        ..Request::default()
    };
    let params =
        GenerationParams { max_new_tokens: Some(12), ignore_eos: true, ..GenerationParams::default() };
    adapter.process_traced(&request, &params, &RequestLimits::default()).unwrap()
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
    let questions = ["Who went?", "and who was dry?", "When?", "why?"];
    for kept in [0, 1 << 24] {
        model.keep_contexts(kept);
        for (name, adapter) in &adapters {
            let (_, traced) = run(adapter, &questions);
            for (number, question) in questions.iter().enumerate() {
                let (_, trace) = run(adapter, &[question]);
                let (one, other) = (&trace.answers[0], &traced.answers[number]);
                assert_eq!(one.generated_ids, other.generated_ids, "{name}: {question}, {kept} bytes kept");
            }
        }
    }
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
