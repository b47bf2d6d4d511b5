//! Answers of a tiny checkpoint with a `generation_config.json` beside it, against transformers' `generate`:
//! `tests/reference/generation_configs.py` writes the golden.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use sah_adapter::{
    GenerationConfigUse, GenerationParams, HfAdapter, LoadedModel, ModelSource, PromptForm,
    RepetitionPenalty, Request, RequestLimits,
};
use sah_tests::{project_root, tiny};
use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind};

#[derive(Deserialize)]
struct Golden {
    max_new_tokens: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: Value,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    prompt: String,
    ids: Vec<u32>,
}

fn golden() -> Golden {
    let path = project_root().join("tests/fixtures/generation_configs.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The tiny checkpoint with `config` as its `generation_config.json`.
fn adapter(folder: &Path, config: &Value) -> HfAdapter {
    for file in fs::read_dir(tiny::folder("qwen3")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    fs::write(folder.join("generation_config.json"), config.to_string()).unwrap();
    tch::set_num_threads(1);
    let source = ModelSource::Folder(folder.to_owned());
    HfAdapter::new(LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap(), None, 0)
}

/// The new tokens of the answer to `prompt`, of which the last `question` characters are the question.
fn answer(adapter: &HfAdapter, prompt: &str, question: usize, params: &GenerationParams) -> Vec<u32> {
    let (context, question) = prompt.split_at(prompt.len() - question);
    let request = Request { form: PromptForm::Plain, ..Request::new(context, question) };
    let (_, trace) = adapter.process_traced(&request, params, &RequestLimits::default()).unwrap();
    trace.answers[0].generated_ids.clone()
}

#[test]
fn answers_are_those_of_generate_whatever_the_generation_config_says() {
    let Golden { max_new_tokens, cases } = golden();
    let params = GenerationParams { max_new_tokens: Some(max_new_tokens), ..GenerationParams::default() };
    let plain: HashMap<_, _> =
        cases[0].answers.iter().map(|Answer { prompt, ids }| (prompt.clone(), ids.clone())).collect();
    let (mut changed, mut count) = (0, 0);
    for Case { config, answers } in cases {
        let folder = tempfile::tempdir().unwrap();
        let adapter = adapter(folder.path(), &config);
        for Answer { prompt, ids } in &answers {
            assert_eq!(answer(&adapter, prompt, 1, &params), *ids, "{config} {prompt:?}");
            changed += usize::from(plain.get(prompt) != Some(ids));
            count += 1;
        }
    }
    assert!(count >= 75 && changed * 2 > count, "{changed} of {count} answers depend on the config");
}

#[test]
fn a_generation_config_can_be_ignored_and_a_request_has_the_last_word() {
    let Golden { max_new_tokens, cases } = golden();
    let params = GenerationParams { max_new_tokens: Some(max_new_tokens), ..GenerationParams::default() };
    let of = |penalty: f64| {
        let is_it =
            |case: &&Case| case.config["repetition_penalty"] == penalty && case.config["do_sample"].is_null();
        &cases.iter().find(is_it).unwrap().answers
    };
    let same_prompt = |other: &Answer| {
        of(1.8).iter().find(|answer| answer.prompt == other.prompt && answer.ids != other.ids)
    };
    let (plain, strong) =
        cases[0].answers.iter().find_map(|plain| Some((plain, same_prompt(plain)?))).unwrap();
    let weak = &of(1.1)[0];
    let folder = tempfile::tempdir().unwrap();
    let adapter =
        adapter(folder.path(), &serde_json::json!({"eos_token_id": [3, 1], "repetition_penalty": 1.8}));
    assert_eq!(answer(&adapter, &strong.prompt, 1, &params), strong.ids);
    let with = |penalty: f64| GenerationParams {
        repetition_penalty: Some(RepetitionPenalty::try_from(penalty).unwrap()),
        ..params.clone()
    };
    assert_eq!(answer(&adapter, &plain.prompt, 1, &with(1.0)), plain.ids);
    assert_eq!(answer(&adapter, &weak.prompt, 1, &with(1.1)), weak.ids);
    let adapter = adapter.with_generation_config(GenerationConfigUse::Ignore);
    assert_eq!(answer(&adapter, &plain.prompt, 1, &params), plain.ids);
    assert_eq!(answer(&adapter, &strong.prompt, 1, &with(1.8)), strong.ids);
}
