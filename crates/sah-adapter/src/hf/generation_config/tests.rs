//! Against transformers' logits processors (`tests/reference/logits_processors.py` writes the golden), and files with mistakes.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::engine::{AnswerLimits, Processors};
use crate::weights::gguf::testing::{Builder, open};

#[derive(Deserialize)]
struct Golden {
    eos: Vec<u32>,
    max_new_tokens: usize,
    logits: Vec<Vec<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    /// Which of the logits.
    logits: usize,
    /// What a `generation_config.json` says.
    fields: Value,
    sequence: Vec<u32>,
    /// How many of the last tokens are new.
    answer: usize,
    /// Logits afterwards; null is minus infinity.
    scores: Vec<Option<f32>>,
}

fn parse(json: &Value) -> Result<GenerationConfig, Error> {
    GenerationConfig::parse(Path::new("m/generation_config.json"), json, Some(64))
}

#[test]
fn every_field_does_what_it_does_in_transformers() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/reference/logits_processors.json")).unwrap();
    assert!(golden.cases.len() >= 150, "{}", golden.cases.len());
    let limits = AnswerLimits { eos: &golden.eos, max_new_tokens: golden.max_new_tokens };
    for Case { logits, fields, sequence, answer, scores } in golden.cases {
        let rules = parse(&fields).unwrap().rules;
        let (prompt, answer) = sequence.split_at(sequence.len() - answer);
        let mut processors = Processors::new(&rules, limits, prompt.iter().copied());
        let mut found = golden.logits[logits].clone();
        for &token in answer {
            // As at each step before this one.
            processors.process(&mut found.clone());
            processors.push(token);
        }
        processors.process(&mut found);
        for (token, (found, expected)) in found.into_iter().zip(scores).enumerate() {
            let expected = expected.unwrap_or(f32::NEG_INFINITY);
            let close =
                found.total_cmp(&expected).is_eq() || (found - expected).abs() <= 1e-6 * expected.abs();
            assert!(close, "{fields} after {sequence:?}, token {token}: {found}, not {expected}");
        }
    }
}

#[test]
fn fields_that_do_nothing_are_not_named() {
    let idle = json!({"eos_token_id": [2], "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_length": 0,
        "num_beams": 1, "suppress_tokens": [], "guidance_scale": 1.0, "temperature": 0.7, "penalty_alpha": 0.6, "top_k": 1,
        "cache_implementation": "static", "prompt_lookup_num_tokens": 3, "do_sample": false, "stop_strings": null});
    let found = parse(&idle).unwrap();
    assert_eq!(found.rules, LogitRules::default());
    assert!(
        found.applied.is_empty() && found.not_applied.is_empty() && !found.asks_for_sampling,
        "{found:?}"
    );
}

#[test]
fn what_is_applied_and_what_is_not_is_named_with_its_value() {
    let json = json!({"repetition_penalty": 1.1, "suppress_tokens": [3], "num_beams": 4, "penalty_alpha": 0.6,
        "stop_strings": ["\n"], "do_sample": true, "temperature": 0.7});
    let found = parse(&json).unwrap();
    assert_eq!(Value::from(found.applied), json!({"repetition_penalty": 1.1, "suppress_tokens": [3]}));
    let expected = json!({"num_beams": 4, "penalty_alpha": 0.6, "stop_strings": ["\n"]});
    assert_eq!(Value::from(found.not_applied), expected);
    assert!(found.asks_for_sampling);
    assert_eq!(found.file.as_deref(), Some("generation_config.json"));
}

#[test]
fn a_value_that_is_impossible_is_an_error_that_names_it() {
    for (json, words) in [
        (json!({"repetition_penalty": 0}), "`repetition_penalty`: expected a number above 0, found 0"),
        (
            json!({"repetition_penalty": "1.1"}),
            "`repetition_penalty`: expected a number above 0, found \"1.1\"",
        ),
        (json!({"no_repeat_ngram_size": -1}), "expected a number of tokens, 0 or more, found -1"),
        (json!({"bad_words_ids": [7]}), "`bad_words_ids`: expected a list of lists of tokens, found [7]"),
        (json!({"bad_words_ids": [[7], []]}), "expected sequences of one token at least"),
        (
            json!({"sequence_bias": [[[64], 1.0]]}),
            "expected tokens below 64, which is the model's vocab_size",
        ),
        (json!({"forced_eos_token_id": 70}), "`forced_eos_token_id`: expected tokens below 64"),
        (
            json!({"exponential_decay_length_penalty": [1]}),
            "expected a number of tokens and a factor, found [1]",
        ),
        (json!({"remove_invalid_values": 1}), "`remove_invalid_values`: expected true or false, found 1"),
    ] {
        let error = parse(&json).unwrap_err().to_string();
        assert!(error.contains("generation_config.json: field ") && error.contains(words), "{error}");
    }
}

#[test]
fn config_json_counts_where_there_is_no_generation_config() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"model_type": "llama", "vocab_size": 64, "repetition_penalty": 1.2});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let read = || {
        let config = FolderConfig::read(folder.path()).unwrap();
        let found = GenerationConfig::of_folder(folder.path(), &config).unwrap();
        (found.file.unwrap(), found.applied.len())
    };
    assert_eq!(read(), ("config.json".to_owned(), 1));
    std::fs::write(folder.path().join(FILE), "{}").unwrap();
    assert_eq!(read(), (FILE.to_owned(), 0));
}

#[test]
fn what_llama_cpp_would_sample_with_is_named() {
    let of = |builder: Builder| GenerationConfig::of_gguf(&open(builder).1).unwrap();
    assert_eq!(of(Builder::new()), GenerationConfig::default());
    let builder =
        Builder::new().f32("general.sampling.penalty_repeat", 1.5).f32("general.sampling.temp", 0.7);
    let found = of(builder);
    assert_eq!(Value::from(found.not_applied), json!({"general.sampling.penalty_repeat": 1.5}));
    assert!(found.asks_for_sampling && found.rules == LogitRules::default());
}
