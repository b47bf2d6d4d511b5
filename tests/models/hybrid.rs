//! A model with layers that keep a memory instead of keys: each question goes on from where the context ended, whoever asks, and however.

use std::rc::Rc;

use sah_adapter::{GenerationParams, HfAdapter, LoadedModel, PromptForm, Request, RequestLimits};
use sah_attention::{LocalMasker, ResearchAttention, Size};
use tch::Kind;

use super::together::{assert_same_together_and_alone_however, tiny_model};

fn model() -> Rc<LoadedModel> {
    tiny_model("qwen3-5", Kind::Float)
}

#[test]
fn questions_of_a_batch_and_alone_go_on_from_the_same_memory() {
    assert_same_together_and_alone_however(&model());
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
