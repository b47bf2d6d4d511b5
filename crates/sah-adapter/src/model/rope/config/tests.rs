//! Both ways of writing a config, and what is wrong or impossible in one.
#![expect(clippy::float_cmp, reason = "the same formula gives the same number")]

use serde_json::{Map, Value, json};

use super::*;
use crate::Error;
use crate::model::overrides::Given;
use crate::model::rope::testing;

fn read(config: &Value) -> Result<RopeConfig, Error> {
    testing::read(config, 8)
}

fn problem(config: &Value) -> String {
    read(config).unwrap_err().to_string()
}

#[test]
fn both_ways_of_writing_a_config_are_read() {
    let old = read(&json!({"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 2.0}})).unwrap();
    let new = read(&json!({"rope_parameters": {"rope_theta": 500.0, "rope_type": "linear", "factor": 2.0}}));
    for config in [old, new.unwrap()] {
        assert_eq!((config.theta, config.rotary_dim), (500.0, 8));
        assert!(matches!(config.scaling, Scaling::Linear { factor: 2.0 }));
    }
    let plain = read(&json!({"rope_scaling": null, "partial_rotary_factor": 0.5})).unwrap();
    assert_eq!((plain.theta, plain.rotary_dim), (10_000.0, 4));
}

#[test]
fn what_is_unknown_or_impossible_names_the_field() {
    for (config, part) in [
        (json!({"rope_scaling": {"rope_type": "spiral"}}), "`rope_scaling.rope_type` is `spiral`"),
        (json!({"rope_scaling": {"factor": 2}}), "`rope_scaling.rope_type`: expected a text"),
        (json!({"rope_scaling": {"type": "linear"}}), "`rope_scaling.factor`: expected a number"),
        (json!({"rope_scaling": {"type": "linear", "factor": -1}}), "`rope_scaling.factor`"),
        (
            json!({"rope_scaling": {"type": "default", "mrope_section": [1]}}),
            "`rope_scaling.mrope_section` is `[1]`, which is not supported",
        ),
        (
            json!({"rope_scaling": {"type": "frequency_factors", "factors": [1]}}),
            "`rope_scaling.factors`: expected 4 numbers above 0, found 1 numbers",
        ),
        (
            json!({"rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1]}}),
            "`rope_scaling.long_factor`",
        ),
        (json!({"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 0.5}}), "beta_fast"),
        (json!({"partial_rotary_factor": 0.4}), "`partial_rotary_factor`"),
        (json!({"partial_rotary_factor": 2}), "`partial_rotary_factor`"),
        (json!({"rope_theta": -3.0}), "`rope_theta`"),
    ] {
        let found = problem(&config);
        assert!(found.contains(part), "{config}: {found}");
    }
}

#[test]
fn attention_factors_are_those_that_the_papers_suggest() {
    let yarn = |extra: Value| {
        let mut scaling =
            json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 500});
        scaling.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let config = read(&json!({"rope_scaling": scaling})).unwrap();
        assert_eq!(config.positions(), 2000);
        let Scaling::Yarn(yarn) = config.scaling else { panic!("{config:?}") };
        yarn.attention_factor
    };
    let suggested = 0.1 * 4f64.ln() + 1.0;
    assert_eq!(yarn(json!({})), suggested);
    assert_eq!(yarn(json!({"attn_factor": 0.5})), suggested, "transformers does not read it");
    assert_eq!(yarn(json!({"attention_factor": 0.5})), 0.5);
    assert_eq!(yarn(json!({"mscale": 2.0, "mscale_all_dim": 1.0})), (0.2 * 4f64.ln() + 1.0) / suggested);

    let longrope = read(&json!({
        "original_max_position_embeddings": 100,
        "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1, 2, 3, 4]}
    }));
    let Scaling::LongRope { trained: 100, attention_factor, .. } = longrope.unwrap().scaling else {
        panic!()
    };
    assert_eq!(attention_factor, (1.0 + 10f64.ln() / 100f64.ln()).sqrt());
}

#[test]
fn what_is_absent_or_null_is_as_in_transformers() {
    let of = |config: Value| read(&config).unwrap();
    // An object without a type that stretches nothing, and an empty one.
    assert_eq!(of(json!({"rope_parameters": {"rope_theta": 5.0}})).theta, 5.0);
    assert!(matches!(of(json!({"rope_scaling": {}})).scaling, Scaling::Default));
    // The older object comes first, as the argument of that name does.
    let both = json!({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default",
        "rope_theta": 7.0}});
    assert!(matches!(of(both.clone()).scaling, Scaling::Linear { .. }));
    assert_eq!(of(both).theta, 7.0);
    let yarn = |scaling: Value| {
        let Scaling::Yarn(yarn) = of(json!({"rope_scaling": scaling})).scaling else { panic!() };
        (yarn.factor, yarn.trained, yarn.beta_fast, yarn.attention_factor)
    };
    let plain =
        yarn(json!({"type": "yarn", "factor": 4, "mscale": 0.707, "mscale_all_dim": 0, "beta_fast": 0}));
    assert_eq!(plain, (4.0, 1000.0, 32.0, 0.1 * 4f64.ln() + 1.0), "0 is like nothing");
    assert_eq!(yarn(json!({"type": "yarn", "factor": null, "original_max_position_embeddings": 250})).0, 4.0);
    let at_top = json!({"original_max_position_embeddings": 500, "rope_scaling": {"rope_type": "llama3", "factor": 8,
        "low_freq_factor": 1, "high_freq_factor": 4}});
    assert!(matches!(of(at_top).scaling, Scaling::Llama3 { trained: 500.0, .. }));
}

#[test]
fn what_versions_of_transformers_read_differently_is_noted() {
    let notes = |config: Value| {
        let file = ConfigFile::new(config.as_object().unwrap(), Path::new("config.json"));
        RopeConfig::read(&file, 8, &testing::DEFAULT);
        file.finish().unwrap().notes.join(" ")
    };
    let factors = json!({"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1, 2, 3, 4]});
    let with = |field: &str, value: Value| {
        let mut factors = factors.clone();
        factors[field] = value;
        factors
    };
    let at_top = |scaling: Value| json!({"original_max_position_embeddings": 100, "rope_scaling": scaling});
    assert_eq!(notes(at_top(factors.clone())), "");
    assert_eq!(notes(at_top(with("factor", json!(10)))), "", "the same in both");
    assert!(notes(at_top(with("factor", json!(4)))).contains("transformers 4 takes 10"));
    let inside = with("original_max_position_embeddings", json!(100));
    assert!(notes(json!({"rope_scaling": inside})).contains("max_position_embeddings, 1000"));
    let yarn =
        json!({"type": "yarn", "factor": 4, "original_max_position_embeddings": 200, "finetuned": true});
    let said = notes(at_top(yarn));
    assert!(said.contains("transformers 4 takes 200") && said.contains("finetuned has no effect"), "{said}");
}

fn given(value: Value) -> Given<Map<String, Value>> {
    let Value::Object(fields) = value else { panic!("no object: {value}") };
    Given::new(fields, "--rope")
}

#[test]
fn what_is_given_stands_in_for_the_object_of_the_config() {
    let config = json!({"rope_parameters": {"rope_type": "llama3", "factor": 8, "rope_theta": 5.0,
        "partial_rotary_factor": 0.5}});
    let with = |rope: Value| {
        let given = given(rope);
        let file =
            ConfigFile::new(config.as_object().unwrap(), Path::new("config.json")).with_rope(Some(&given));
        let rope = RopeConfig::read(&file, 8, &testing::DEFAULT);
        file.finish().map(|_| rope).map_err(|error| error.to_string())
    };
    let linear = with(json!({"type": "linear", "factor": 2})).unwrap();
    assert!(matches!(linear.scaling, Scaling::Linear { factor: 2.0 }));
    assert_eq!((linear.theta, linear.rotary_dim), (5.0, 4), "those of the config");
    assert_eq!(with(json!({"rope_type": "default", "rope_theta": 9})).unwrap().theta, 9.0);
    assert_eq!(
        with(json!({"rope_type": "yarn", "factor": -1})).unwrap_err(),
        "--rope: field `factor`: expected a number above 0, found -1"
    );
}

#[test]
fn layers_with_a_window_have_embeddings_of_their_own() {
    const LOCAL: DefaultRope = DefaultRope { theta: 100.0, ..testing::DEFAULT };
    let with = |config: Value, rope: Option<Value>| {
        let given = rope.map(given);
        let file =
            ConfigFile::new(config.as_object().unwrap(), Path::new("config.json")).with_rope(given.as_ref());
        let ropes =
            RopeConfig::of_layer_types(&file, [8; 2], &testing::DEFAULT, &LOCAL, "rope_local_base_freq");
        let described = ropes.map(|rope| (rope.theta, matches!(rope.scaling, Scaling::Default)));
        file.finish().map(|_| described).map_err(|error| error.to_string())
    };
    let linear = json!({"rope_type": "linear", "factor": 8.0});
    let old = json!({"rope_theta": 7.0, "rope_local_base_freq": 3.0, "rope_scaling": linear});
    assert_eq!(with(old, None).unwrap(), [(7.0, false), (3.0, true)]);
    let new = json!({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 7.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 3.0}}});
    assert_eq!(with(new.clone(), None).unwrap(), [(7.0, false), (3.0, true)]);
    let partly = json!({"rope_parameters": {"full_attention": null}});
    assert_eq!(with(partly, None).unwrap(), [(10_000.0, true), (100.0, true)]);
    let flat = json!({"rope_parameters": {"rope_type": "default"}});
    assert!(with(flat, None).unwrap_err().contains("the fields full_attention, sliding_attention"));
    // Given for the layers without a window, or for those with one.
    let default = json!({"rope_type": "default"});
    assert_eq!(with(new.clone(), Some(default.clone())).unwrap(), [(7.0, true), (3.0, true)]);
    let nested = json!({"sliding_attention": {"rope_type": "linear", "factor": 2}});
    assert_eq!(with(new, Some(nested)).unwrap(), [(7.0, false), (3.0, false)]);
}
