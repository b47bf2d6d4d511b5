//! What is read, and everything that is wrong at once.
#![expect(clippy::float_cmp, reason = "numbers that were written down, not computed")]

use serde_json::json;

use super::*;

fn file(json: &Value) -> ConfigFile<'_> {
    ConfigFile::new(json.as_object().unwrap(), Path::new("config.json"))
}

fn problems(file: ConfigFile<'_>) -> String {
    file.finish().unwrap_err().to_string()
}

#[test]
fn what_no_architecture_does_is_refused_by_name() {
    let refusal = |json: Value| {
        let file = file(&json);
        file.refuse_unsupported(&[]);
        problems(file)
    };
    let quantised = refusal(json!({"compression_config": {"quant_method": "awq", "bits": 4}}));
    assert!(quantised.contains("`compression_config` is `\"awq\"`"), "{quantised}");
    assert!(refusal(json!({"num_local_experts": 8})).contains("`num_local_experts` is `8`"));
    let long = refusal(json!({"text_config": {"model_type": "x".repeat(100)}}));
    assert!(long.contains("...`") && long.contains("text-only"), "{long}");
    let harmless = json!({"compression_config": null, "num_experts": 0, "pruned_heads": {},
                          "is_encoder_decoder": false, "vocab_size": 3});
    let harmless = file(&harmless);
    harmless.refuse_unsupported(&[]);
    harmless.finish().unwrap();
}

#[test]
fn everything_that_is_wrong_is_said_once_and_at_once() {
    let json =
        json!({"num_experts": 4, "hidden_size": "x", "eps": {"__float__": "NaN"}, "act": 3, "bias": "no"});
    let file = file(&json);
    file.refuse_unsupported(&[]);
    assert_eq!((file.size("hidden_size", 7), file.size("hidden_size", 7)), (7, 7));
    assert_eq!((file.number("eps", 0.5), file.text("act", "a"), file.bool("bias", true)), (0.5, "a", true));
    assert_eq!(
        problems(file),
        "config.json: `num_experts` is `4`, which is not supported; supported: models without experts; also \
         field `hidden_size`: expected 1 to 16777216, found \"x\"; also field `eps`: expected a number \
         above 0, found NaN; also field `act`: expected a text, found 3; also field `bias`: expected true or false, \
         found \"no\""
    );
}

#[test]
fn the_config_inside_another_is_named_with_it() {
    let json = json!({"text_config": {"hidden_size": 0}, "vision_config": {"model_type": "x"},
                      "compression_config": {"quant_method": "fp8"}, "tie": true});
    let file = file(&json).within("text_config", json["text_config"].as_object().unwrap());
    file.refuse_unsupported(&[]);
    assert_eq!(file.size("hidden_size", 7), 7);
    assert_eq!(file.outer("tie"), Some(&json!(true)));
    let found = problems(file);
    for part in ["`compression_config` is `\"fp8\"`", "field `text_config.hidden_size`"] {
        assert!(found.contains(part), "{found}");
    }
    assert!(!found.contains("vision_config"), "{found}");
}

#[test]
fn a_default_is_kept_where_it_is_a_size() {
    let json = json!({"layers": null});
    let file = file(&json);
    assert_eq!(
        (file.size("vocab_size", 9), file.optional_size("layers"), file.number("eps", 0.5)),
        (9, None, 0.5)
    );
    assert_eq!(file.finish().unwrap().defaults, ["vocab_size 9"]);
}

#[test]
fn objects_are_understood_whole_or_refused() {
    let json = json!({"rope": {"factor": 2, "list": [1, 2.5], "type": "x", "on": true, "gone": null, "zero": 0}, "no": 3});
    let file = file(&json);
    let rope = file.object("rope").unwrap();
    assert_eq!(rope.required("factor"), 2.0);
    assert_eq!(rope.numbers("list", 2), [1.0, 2.5]);
    assert_eq!(
        (rope.text("type"), rope.bool("on"), rope.number_or_zero("zero")),
        (Some("x"), Some(true), None)
    );
    rope.only(&["factor", "list", "type", "on", "zero"]);
    assert!(file.object("absent").is_none());
    assert!(file.findings.borrow().problems.is_empty());

    rope.only(&["factor", "list", "type", "zero"]);
    rope.numbers("list", 3);
    rope.required("gone");
    rope.required("type");
    assert!(file.object("no").is_none());
    let found = problems(file);
    for part in [
        "`rope.on` is `true`, which is not supported",
        "`rope.list`: expected 3 numbers above 0, found 2 numbers",
        "`rope.gone`: expected a number above 0, found nothing",
        "`rope.type`: expected a number above 0, found \"x\"",
        "`no`: expected an object, found 3",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}
