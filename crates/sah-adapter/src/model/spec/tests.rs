//! Configs of published models, as hubs have them and as transformers 5 saves them.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::model::overrides::Given;

/// A config of `published.json`.
#[derive(Debug, Deserialize)]
struct Published {
    name: String,
    config: Value,
    /// What the one error names, all of it; nothing where the model is supported.
    #[serde(default)]
    refused: Vec<String>,
    /// What the notes say.
    #[serde(default)]
    notes: Vec<String>,
}

fn published() -> Vec<Published> {
    serde_json::from_str(include_str!("../../../tests/configs/published.json")).unwrap()
}

fn read(config: &Value) -> Result<ModelSpec, Error> {
    ModelSpec::read(config, Path::new("config.json"), &ConfigOverrides::default())
}

#[test]
fn published_configs_are_supported_or_refused_with_every_reason() {
    let published = published();
    assert!(published.len() >= 30);
    for Published { name, config, refused, notes } in published {
        match read(&config) {
            Ok(spec) => {
                assert!(refused.is_empty(), "{name} was read");
                let found = spec.notes.join("; ");
                assert_eq!(spec.notes.len(), notes.len(), "{name}: {found}");
                for note in notes {
                    assert!(found.contains(&note), "{name}: {found}");
                }
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains('\n') && !refused.is_empty(), "{name}: {text}");
                for reason in &refused {
                    assert!(text.contains(reason), "{name}: {reason} is not in {text}");
                }
                let reasons = if let Error::Several(all) = &error { all.len() } else { 1 };
                assert_eq!(reasons, refused.len(), "{name}: {text}");
            }
        }
    }
}

#[test]
fn positions_are_those_that_scaling_gives() {
    let positions = |name: &str| {
        let published = published().into_iter().find(|published| published.name.starts_with(name)).unwrap();
        read(&published.config).unwrap().positions()
    };
    // Before scaling in the first two, after it in the third.
    assert_eq!(positions("Qwen/Qwen2.5-7B-Instruct, for long"), 131_072);
    assert_eq!(positions("Qwen/Qwen3-8B, for long"), 131_072);
    assert_eq!(positions("deepseek-ai/DeepSeek-R1-0528"), 131_072);
    assert_eq!(positions("Qwen/Qwen3-8B"), 40_960);
    assert_eq!(positions("meta-llama/Llama-3.1"), 131_072);
    assert_eq!(positions("openai-community/gpt2"), 1024);
    assert_eq!(
        positions("google/gemma-3-4b-it"),
        131_072,
        "as transformers has it for what the file leaves out"
    );
}

/// What one version of transformers makes of a config.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    /// Not there where it is that of `published.json`.
    config: Option<Value>,
    #[serde(default)]
    tables: Vec<Table>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Table {
    layer_type: Option<String>,
    length: usize,
    /// Bits of f32.
    frequencies: String,
    attention_factor: f64,
}

#[derive(Debug, Deserialize)]
struct Golden<T> {
    cases: Vec<T>,
}

/// How far two numbers are apart, in units of the last place.
fn distance(found: f32, bits: &str) -> u32 {
    let expected = u32::from_str_radix(bits, 16).unwrap();
    found.to_bits().abs_diff(expected)
}

/// The library's power differs in the last place from one processor to another.
const LARGEST_DISTANCE: u32 = 2;

/// What one of the two versions fails on, so that the other is the measure: the first is a bug of version 4, for a config
/// without `head_dim`; the second is a name that version 5 does not know any more.
const ERRORS: [&str; 2] = ["NousResearch/Yarn-Mistral-7b-128k", "longrope of Phi-3's first files"];

fn check_tables(golden: &str) -> usize {
    let golden: Golden<Case> = serde_json::from_str(golden).unwrap();
    let published = published();
    let mut checked = 0;
    for Case { name, config, tables, error } in golden.cases {
        let of_model = || published.iter().find(|published| published.name == name).unwrap().config.clone();
        let spec = read(&config.unwrap_or_else(of_model)).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(error) = error {
            assert!(ERRORS.contains(&name.as_str()) && tables.is_empty(), "{name}: {error}");
            continue;
        }
        assert!(!tables.is_empty(), "{name}");
        for table in tables {
            let rope = usize::from(table.layer_type.as_deref() == Some("sliding_attention"));
            let (frequencies, factor) = spec.model.ropes()[rope].table(table.length);
            let expected =
                table.frequencies.as_bytes().chunks(8).map(|bits| std::str::from_utf8(bits).unwrap());
            assert_eq!(frequencies.len(), expected.len(), "{name}");
            let apart = frequencies.iter().zip(expected).map(|(found, bits)| distance(*found, bits)).max();
            assert!(apart.unwrap() <= LARGEST_DISTANCE, "{name}, {}: {apart:?} units apart", table.length);
            let difference = (factor / table.attention_factor - 1.0).abs();
            assert!(difference < 1e-12, "{name}: {factor}, not {}", table.attention_factor);
            checked += 1;
        }
    }
    checked
}

#[test]
fn rotary_tables_are_those_of_both_versions_of_transformers() {
    let of_4 = check_tables(include_str!("../../../tests/reference/rotary-4.json"));
    let of_5 = check_tables(include_str!("../../../tests/reference/rotary-5.json"));
    assert!(of_4 > 60 && of_5 > 60, "{of_4} and {of_5} tables");
}

/// A config as transformers 5 saves it.
#[derive(Debug, Deserialize)]
struct Saved {
    name: String,
    config: Value,
}

#[test]
fn a_config_that_transformers_5_saved_is_the_same_model() {
    let golden = include_str!("../../../tests/reference/published-5.json");
    let golden: Golden<Saved> = serde_json::from_str(golden).unwrap();
    let published = published();
    assert!(golden.cases.len() >= 30);
    for Saved { name, config } in golden.cases {
        let before = published.iter().find(|published| published.name == name).unwrap();
        let [before, after] = [&before.config, &config].map(|config| {
            let spec = read(config).unwrap_or_else(|error| panic!("{name}: {error}"));
            // A wrapper says of its head what it left out before.
            format!("{:?}", spec.model).replace("AsStored", "Separate").replace("Tied", "Separate")
        });
        assert_eq!(before, after, "{name}");
    }
}

fn small() -> Value {
    json!({"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2, "max_position_embeddings": 64})
}

#[test]
fn positions_can_be_more_and_fewer() {
    let overrides = |positions| ConfigOverrides {
        positions: Some(Given::new(positions, "--positions")),
        ..ConfigOverrides::default()
    };
    let read = |config: &Value, positions| {
        ModelSpec::read(config, Path::new("config.json"), &overrides(positions)).map(|spec| spec.positions())
    };
    assert_eq!(read(&small(), 100).unwrap(), 100);
    assert_eq!(read(&small(), 10).unwrap(), 10);
    // Frequencies of `dynamic` go by the positions of the config.
    let mut dynamic = small();
    dynamic["rope_scaling"] = json!({"rope_type": "dynamic", "factor": 2.0});
    let of = |positions| {
        let spec = ModelSpec::read(&dynamic, Path::new("config.json"), &overrides(positions)).unwrap();
        spec.model.ropes()[0].table(200).0
    };
    assert_eq!(of(64), of(1000));
    let learned = json!({"model_type": "gpt2", "n_positions": 64});
    assert_eq!(read(&learned, 64).unwrap(), 64);
    let error = read(&learned, 65).unwrap_err().to_string();
    assert_eq!(error, "--positions asks for 65 positions: those of this model are learned, and there are 64");
}

#[test]
fn a_rope_that_changes_nothing_is_an_error() {
    let rope = json!({"rope_type": "linear", "factor": 2.0}).as_object().unwrap().clone();
    let overrides = ConfigOverrides { rope: Some(Given::new(rope, "--rope")), ..ConfigOverrides::default() };
    let error = ModelSpec::read(&json!({"model_type": "gpt2"}), Path::new("config.json"), &overrides);
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "--rope has no effect: positions of gpt2 are learned, not rotary");
    ModelSpec::read(&small(), Path::new("config.json"), &overrides).unwrap();
}

#[test]
fn a_wrapper_without_its_language_model_says_so() {
    for (config, part) in [
        (
            json!({"model_type": "gemma3"}),
            "`text_config`: expected the config of the language model, found nothing",
        ),
        (
            json!({"model_type": "llava", "text_config": []}),
            "`text_config`: expected the config of the language",
        ),
        (
            json!({"model_type": "llava", "text_config": {"model_type": "mamba"}}),
            "`text_config.model_type` is `mamba`, which is not supported; supported: llama, ",
        ),
        (json!({"text_config": {}}), "`model_type`: expected the name of an architecture, found nothing"),
        (json!([]), "`model_type`: expected the name of an architecture, found nothing"),
    ] {
        let error = read(&config).unwrap_err().to_string();
        assert!(error.contains(part), "{config}: {error}");
    }
}
