//! Questions about one context, as a batch and each alone.

use std::rc::Rc;

use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, Precision, PromptForm, Question, Request,
    RequestLimits, RequestResponse, RetentionSees, Trace,
};
use sah_attention::{AttentionConfig, ResearchAttention, RetentionConfig, RetentionRegistry, Size};
use sah_tests::tiny;
use serde_json::{Value, json};
use tch::Device;

/// A tiny checkpoint in `precision`, on one thread.
pub(super) fn tiny_model(name: &str, precision: impl Into<Precision>) -> Rc<LoadedModel> {
    tch::set_num_threads(1);
    let source = ModelSource::Folder(tiny::folder(name));
    LoadedModel::load(&source, Device::Cpu, precision.into()).unwrap()
}

/// Evicts as the retention `config` says, after what it `sees`.
pub(super) fn with_retention(model: &Rc<LoadedModel>, config: Value, sees: RetentionSees) -> HfAdapter {
    let retention = RetentionConfig::read(&RetentionRegistry::builtin(), config).unwrap().build().unwrap();
    HfAdapter::new(Rc::clone(model), None, 0).with_retention(retention, sees).unwrap()
}

fn streaming() -> ResearchAttention {
    let config = AttentionConfig::streaming_llm(Size::Count(40), Size::Count(100));
    ResearchAttention::from_config(&config).unwrap()
}

/// The same tokens in a batch and alone under dense attention, a masker, and everything that drops keys.
pub(super) fn assert_same_together_and_alone_however(model: &Rc<LoadedModel>) {
    let attending = |attention| HfAdapter::new(Rc::clone(model), attention, 0);
    let retaining = |rules: Value, sees| with_retention(model, json!({"ratio": 0.4, "rules": rules}), sees);
    let growing = json!({"keys": 60, "every": 4, "rules": [{"type": "tova"}]});
    let (context, question) = (RetentionSees::Context, RetentionSees::Question);
    let adapters = [
        ("dense", attending(None)),
        ("a masker", attending(Some(streaming()))),
        ("read sparsely", attending(Some(streaming())).with_sparse_prefill().unwrap()),
        ("evicting", attending(Some(streaming())).with_eviction().unwrap()),
        ("heads alike", retaining(json!([{"type": "streaming_llm"}]), context)),
        ("heads differ", retaining(json!([{"type": "knorm"}, {"type": "adakv"}]), context)),
        ("repeated", retaining(json!([{"type": "kvzip"}]), context)),
        ("with the question", retaining(json!([{"type": "snapkv"}]), question)),
        ("growing", with_retention(model, growing, context)),
    ];
    let params =
        GenerationParams { max_new_tokens: Some(12), ignore_eos: true, ..GenerationParams::default() };
    assert_same_together_and_alone(model, &adapters, &params);
}

/// Asks all questions in one request.
pub(super) fn run(
    adapter: &HfAdapter,
    questions: &[&str],
    params: &GenerationParams,
) -> (RequestResponse, Trace) {
    let request = Request {
        context: "The fox went to the lake, and the lake was dry. ".repeat(15),
        questions: questions.iter().map(|&text| Question::from(text)).collect(),
        form: PromptForm::Plain,
        ..Request::default()
    };
    adapter.process_traced(&request, params, &RequestLimits::default()).unwrap()
}

/// Each adapter gives a question the same tokens in a batch and alone, whether contexts are kept or read again.
pub(super) fn assert_same_together_and_alone(
    model: &LoadedModel,
    adapters: &[(&str, HfAdapter)],
    params: &GenerationParams,
) {
    let questions = ["Who went?", "and who was dry?", "When?", "why?"];
    for kept in [0, 1 << 24] {
        model.keep_contexts(kept);
        for (name, adapter) in adapters {
            let (_, together) = run(adapter, &questions, params);
            for (number, question) in questions.iter().enumerate() {
                let (_, alone) = run(adapter, &[question], params);
                let (one, other) = (&alone.answers[0], &together.answers[number]);
                assert_eq!(one.generated_ids, other.generated_ids, "{name}: {question}, {kept} bytes kept");
            }
        }
    }
}
