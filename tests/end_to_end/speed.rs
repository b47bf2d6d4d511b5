//! `cargo xtask bench speed`.

use serde_json::Value;

use crate::command::{run, xtask};

#[test]
fn a_tiny_run_measures_every_side_and_writes_it_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("speed.json");
    let measured =
        ["--measure", "prefill,decode,shared", "--context", "64", "--new-tokens", "2", "--rounds", "1"];
    let written = ["--device", "cpu", "--json", path.to_str().unwrap()];
    let (code, tables, log) = run(&mut xtask(&[&["bench", "speed"], &measured[..], &written].concat()));
    assert_eq!(code, 0, "{log}");
    assert!(tables.contains("| f32 streaming_llm "), "{tables}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(report["schema_version"], 1);

    // Of SmolLM2-135M: every value of products and head, in f32; the cache of 64 tokens.
    let (weights, cache) = (4.0 * (106_168_320.0 + 49_152.0 * 576.0), 64.0 * 30.0 * 2.0 * 3.0 * 64.0 * 4.0);
    assert_eq!(report["sizes"]["f32"]["weight_bytes"].as_f64(), Some(weights));
    let bandwidth = report["speeds"][0]["memory_bandwidth"].as_f64().unwrap();
    let flops = report["speeds"][0]["product_flops"]["f32"].as_f64().unwrap();
    let operations =
        2.0 * 106_168_320.0 * 64.0 + 2.0 * 49_152.0 * 576.0 + 4.0 * 30.0 * 9.0 * 64.0 * 64.0 * 64.0 / 2.0;

    let figures = report["figures"].as_array().unwrap();
    let find = |measure: &str, side: &str| {
        let figure = figures.iter().find(|figure| figure["measure"] == measure && figure["side"] == side);
        let figure = figure.unwrap_or_else(|| panic!("no {measure} of {side} in {report}"));
        assert_eq!(figure["context"], 64);
        assert_eq!(figure["rounds"].as_array().unwrap().len(), 1);
        (figure["rounds"][0].as_f64().unwrap(), figure["limits"][0].as_f64())
    };
    let close = |found: Option<f64>, expected: f64| {
        let found = found.expect("a limit");
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, not {expected}");
    };
    let (prefill, limit) = find("prefill", "f32 dense");
    close(limit, operations / flops);
    let (decode, limit) = find("decode", "f32 dense");
    close(limit, (weights + cache) / bandwidth);
    let (_, sparse_limit) = find("decode", "f32 streaming_llm");
    assert!((weights / bandwidth..limit.unwrap()).contains(&sparse_limit.unwrap()), "{sparse_limit:?}");
    let (shared, limit) = find("shared", "f32 dense");
    close(limit, operations / flops + 2.0 * (weights + cache) / bandwidth);
    assert!(shared > prefill && decode > 0.0, "{report}");
    find("shared", "f32 streaming_llm");
    // Four requests read the context four times.
    assert!(find("shared", "f32 dense, one by one").0 > prefill, "{report}");
    let (memory, limit) = find("memory", "f32 dense");
    close(limit, weights + cache);
    assert!(memory > weights + cache, "{memory} bytes");
    assert_eq!(figures.len(), 7, "{report}");
}

#[test]
fn what_cannot_be_measured_is_said_before_anything_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/speed.json");
    for (arguments, code, words) in [
        (&["--plot", "speed.svg"][..], 2, "--plot needs two lengths"),
        (&["--dtype", "f32,f32"], 2, "names one twice"),
        (&["--peers", "llama.cpp", "--model", "other.gguf"], 2, "leave --model out"),
        (&["--context", "4k"], 2, "must be a number from 16"),
        (&["--json", missing.to_str().unwrap()], 1, "cannot be written"),
    ] {
        let (found, _, log) = run(&mut xtask(&[&["bench", "speed"], arguments].concat()));
        assert_eq!(found, code, "{log}");
        assert!(log.contains(words) && !log.contains("loaded in"), "{log}");
    }
}
