//! Borders between context and question that are none between tokens, on a tiny checkpoint whose tokenizer joins letters.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, PromptForm, Question, Request, RequestLimits,
    RequestResponse, Tokenisation, Trace,
};
use sah_attention::{AttentionConfig, ResearchAttention, Size};
use sah_tests::tiny;
use serde_json::{Value, json};
use tch::{Device, Kind};

/// The tiny Qwen3, whose tokens from number 100 on are made of letters that stand side by side.
fn model(folder: &Path) -> Rc<LoadedModel> {
    for file in fs::read_dir(tiny::folder("qwen3")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let path = folder.join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let model = &mut tokenizer["model"];
    let count = model["vocab"].as_object().unwrap().len();
    for (number, token) in ["ab", "abc", "bc", "de"].into_iter().enumerate() {
        model["vocab"][token] = json!(count + number);
    }
    model["merges"] = json!(["a b", "ab c", "b c", "d e"]);
    fs::write(path, tokenizer.to_string()).unwrap();
    tch::set_num_threads(1);
    LoadedModel::load(&ModelSource::Folder(folder.to_owned()), Device::Cpu, Kind::Float).unwrap()
}

fn attention() -> ResearchAttention {
    let config = AttentionConfig::streaming_llm(Size::Count(2), Size::Count(6));
    ResearchAttention::from_config(&config).unwrap()
}

fn request(context: &str, questions: &[&str]) -> Request {
    let questions = questions.iter().map(|&text| Question::from(text)).collect();
    Request { context: context.to_owned(), questions, form: PromptForm::Plain, ..Request::default() }
}

fn run(adapter: &HfAdapter, request: &Request, limits: &RequestLimits) -> (RequestResponse, Trace) {
    let params = GenerationParams { max_new_tokens: Some(12), ..GenerationParams::default() };
    adapter.process_traced(request, &params, limits).unwrap()
}

/// Long enough that several questions are one batch.
fn context(end: &str) -> String {
    format!("{}{end}", "The fox went to the lake, and the lake was dry. ".repeat(6))
}

#[test]
fn a_question_reads_the_tokens_that_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let adapter = HfAdapter::new(Rc::clone(&model), None, 0);
    let request = request(&context("a"), &["bc?", "b, b?", "x?", ""]);
    let (response, trace) = run(&adapter, &request, &RequestLimits::default());
    assert_eq!(response.context.border_tokens, 1);
    let whole = HfAdapter::new(Rc::clone(&model), None, 0);
    for (number, question) in request.questions.iter().enumerate() {
        let text = format!("{}{}", request.context, question.text);
        let alone = self::request(&text[..1], &[&text[1..]]);
        let (_, of_whole) = run(&whole, &alone, &RequestLimits::default());
        let prompt = |trace: &Trace, number: usize| {
            [&trace.context_ids[..], &trace.answers[number].question_ids].concat()
        };
        assert_eq!(prompt(&trace, number), prompt(&of_whole, 0), "{:?}", question.text);
        assert_eq!(
            trace.answers[number].generated_ids, of_whole.answers[0].generated_ids,
            "{:?}",
            question.text
        );
    }
    // Apart, the same letters are other tokens, and a question without any is an error.
    let apart = HfAdapter::new(model, None, 0).with_tokenisation(Tokenisation::Apart);
    let (response, of_apart) =
        run(&apart, &self::request(&request.context, &["bc?"]), &RequestLimits::default());
    assert_eq!(response.context.border_tokens, 0);
    assert_eq!(response.context.tokens, trace.context_ids.len() + 1);
    assert_ne!(of_apart.answers[0].question_ids, trace.answers[0].question_ids);
    let params = GenerationParams::default();
    assert!(apart.process_traced(&request, &params, &RequestLimits::default()).is_err());
}

/// The context is what all questions share, so one question answers as among others that end it at the same token, whatever
/// attends and however the keys are kept.
#[test]
fn batches_forks_and_single_questions_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let new = || HfAdapter::new(Rc::clone(&model), Some(attention()), 0);
    let adapters = [
        ("dense", HfAdapter::new(Rc::clone(&model), None, 0)),
        ("slots", new()),
        ("forks", new().with_eviction().unwrap()),
        ("sparse prefill", new().with_sparse_prefill().unwrap()),
        ("both", new().with_sparse_prefill().unwrap().with_eviction().unwrap()),
    ];
    let questions = ["bc? Who went?", "b, and who was dry?", "bc. When?", "bcab, why?"];
    let context = context("de, a");
    let mut answers = Vec::new();
    for (name, adapter) in &adapters {
        let (together, traced) = run(adapter, &request(&context, &questions), &RequestLimits::default());
        assert_eq!(together.context.border_tokens, 1, "{name}");
        for (number, question) in questions.iter().enumerate() {
            let (alone, trace) = run(adapter, &request(&context, &[*question]), &RequestLimits::default());
            assert_eq!(alone.context.tokens, together.context.tokens, "{name}");
            assert_eq!(
                trace.answers[0].generated_ids, traced.answers[number].generated_ids,
                "{name} {question}"
            );
            let density =
                [&alone.answers[0], &together.answers[number]].map(|answer| answer.stats.density.unwrap());
            assert!((density[0] - density[1]).abs() < 1e-9, "{name}: {density:?}");
        }
        answers.push(traced.answers.iter().map(|answer| answer.generated_ids.clone()).collect::<Vec<_>>());
    }
    assert_eq!(answers[1], answers[2], "what is evicted is never read again");
    assert_eq!(answers[3], answers[4], "what is evicted is never read again");
    assert_ne!(answers[0], answers[1]);
}

#[test]
fn truncation_cuts_the_context_and_never_the_border() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = HfAdapter::new(model(folder.path()), None, 0);
    let request = request(&context("a"), &["bc?"]);
    let (whole, trace) = run(&adapter, &request, &RequestLimits::default());
    let limits = RequestLimits { max_context_length: Some(20), ..RequestLimits::default() };
    let (cut, of_cut) = run(&adapter, &request, &limits);
    assert_eq!(cut.context.tokens + cut.context.truncated_tokens, whole.context.tokens);
    assert_eq!((cut.context.tokens, cut.context.border_tokens), (20, 1));
    assert_eq!(of_cut.context_ids, trace.context_ids[..20]);
    assert_eq!(of_cut.answers[0].question_ids, trace.answers[0].question_ids);
}
