//! The default model against transformers on the same weights.

use std::rc::Rc;

use sah_adapter::{LoadedModel, ModelSource};
use sah_tests::golden::Golden;
use sah_tests::project_root;
use tch::{Device, Kind};

/// Largest difference of the first token's logits that rounding may make; the best two tokens of every golden are
/// further apart.
const LOGIT_TOLERANCE: f32 = 1e-3;

fn check(file: &str) {
    let source = ModelSource::Gguf(sah_tests::default_model());
    let model: Rc<LoadedModel> = LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap();
    let golden = Golden::read(&project_root().join("tests/fixtures/transformers").join(file)).unwrap();
    let outcomes = golden.compare(&model).unwrap();
    assert!(outcomes.len() >= 7, "{} questions", outcomes.len());
    for outcome in outcomes {
        assert!(outcome.same_prompt, "{}: other tokens", outcome.name);
        assert!(outcome.logit_difference < LOGIT_TOLERANCE, "{}: {}", outcome.name, outcome.logit_difference);
        assert_eq!(outcome.found, outcome.expected, "{}", outcome.name);
        assert!(outcome.same_text, "{}: other tokens in an equal text", outcome.name);
    }
}

#[test]
fn dense_answers_are_those_of_transformers() {
    check("dense.json");
}

#[test]
fn answers_to_context_and_question_apart_are_those_of_transformers() {
    check("apart.json");
}

#[test]
fn streaming_llm_answers_are_those_of_a_masked_softmax() {
    check("streaming_llm.json");
}
