//! The list of models, and a tiny checkpoint through the command line.

use std::fs;

use sah_adapter::{VERIFIED_AGAINST, families, gguf_forms, quantised_forms};
use sah_tests::tiny;
use serde_json::Value;

use crate::command::{run, xtask};

#[test]
fn a_folder_of_qwen3_layout_runs_longbench_dense_and_sparse() {
    let results = tempfile::tempdir().unwrap();
    let model = tiny::folder("qwen3");
    let mut command = xtask(&["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "2"]);
    command.args(["--max-context-length", "600", "--answer-tokens", "5", "--run-name", "tiny"]);
    command.arg("--model").arg(&model).arg("--result-dir").arg(results.path());
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("qwen3"), "{log}");
    for word in ["qasper", "trec", "dense", "streaming_llm", "overall"] {
        assert!(tables.contains(word), "{word} is not in\n{tables}");
    }
    let read = |file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(results.path().join("tiny").join(file)).unwrap()).unwrap()
    };
    for attention in ["dense", "streaming_llm"] {
        assert_eq!(read(&format!("{attention}/config.json"))["model"]["architecture"], "qwen3");
        assert_eq!(read(&format!("{attention}/metrics.json"))["summary"]["total_samples"], 4);
    }
    let comparison = read("comparison.json");
    assert_eq!(comparison["attentions"]["dense"]["density"].as_f64(), Some(1.0));
    assert!(comparison["attentions"]["streaming_llm"]["density"].as_f64().unwrap() < 0.5);
}

#[test]
fn the_models_command_lists_every_architecture_and_form() {
    let (code, list, log) = run(&mut xtask(&["models"]));
    assert_eq!(code, 0, "{log}");
    for family in families() {
        assert!(list.contains(family.model_type) && list.contains(family.examples[0]), "{list}");
    }
    for form in quantised_forms() {
        assert!(list.contains(&format!("quant_method {}", form.method)), "{list}");
    }
    let (_, gguf) = list.split_once("\nGGUF").expect("a block on GGUF");
    let (gguf, _) = gguf.split_once("\nbuilt in").expect("the built-in model next");
    let words: Vec<&str> = gguf.split([' ', ',', ':', '\n']).collect();
    let forms = gguf_forms();
    let compared = forms.types_verified_against.split(' ').chain(["llama-cpp-python", "0.3.36"]);
    for word in forms.architectures.into_iter().chain(forms.types).chain(compared) {
        assert!(words.contains(&word), "{word} is not in\n{gguf}");
    }
    for word in [VERIFIED_AGAINST[0], VERIFIED_AGAINST[1], "smollm2-135m-instruct", "docs/models.md"] {
        assert!(list.contains(word), "{word} is not in\n{list}");
    }
}

#[test]
fn other_rotary_embeddings_and_positions_are_used_recorded_and_kept() {
    let results = tempfile::tempdir().unwrap();
    let (rope, scaled) = (r#"{"rope_type":"yarn","factor":4.0}"#, r#"{"rope_type":"linear","factor":2.0}"#);
    let start = |name: &str, options: &[&str]| {
        let mut command = xtask(&["bench", "longbench", "--subsets", "qasper", "--attention", "dense"]);
        command.args(["--max-samples", "1", "--max-context-length", "600", "--max-new-tokens", "5"]);
        command.args(["--run-name", name]).args(options);
        command.arg("--model").arg(tiny::folder("qwen3")).arg("--result-dir").arg(results.path());
        run(&mut command)
    };
    let read = |run: &str, file: &str| -> Value {
        let path = results.path().join(run).join("dense").join(file);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    for (name, options) in [("own", &[][..]), ("rope", &["--rope", rope]), ("fewer", &["--positions", "100"])]
    {
        let (code, _, log) = start(name, options);
        assert_eq!(code, if name == "fewer" { 3 } else { 0 }, "{log}");
        assert!(name != "fewer" || log.contains("need more than the model's 100 positions"), "{log}");
    }
    assert_eq!(read("own", "config.json")["model"].get("rope"), None);
    assert_eq!(read("rope", "config.json")["model"]["rope"]["factor"], 4.0);
    assert_eq!(read("fewer", "config.json")["model"]["positions"], 100);
    let resume = |options: &[&str]| {
        let mut command = xtask(&["bench", "longbench", "--resume"]);
        run(command.arg(results.path().join("rope")).args(options))
    };
    let (code, _, log) = resume(&["--rope", scaled]);
    assert!(code == 2 && log.contains("--rope cannot be given with --resume"), "{log}");
    assert_eq!(resume(&[]).0, 0);
    let (code, _, log) = start("wrong", &["--rope", r#"{"rope_type":"yarn","factor":-4}"#]);
    assert!(
        code != 0 && log.contains("--rope: field `factor`: expected a number above 0, found -4"),
        "{log}"
    );
}

#[test]
fn doctor_says_everything_about_a_config_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, r#"{"model_type": "deepseek_v2", "n_routed_experts": 8, "num_experts_per_tok": 2}"#)
        .unwrap();
    let (code, report, log) = run(xtask(&["doctor"]).arg(&path));
    assert_eq!(code, 1, "{log}");
    let line = report.lines().find(|line| line.starts_with("PROBLEM")).unwrap();
    for part in ["`model_type` is `deepseek_v2`", "`n_routed_experts` is `8`", "`num_experts_per_tok` is `2`"]
    {
        assert!(line.contains(part), "{line}");
    }
    let supported = r#"{"model_type": "gpt2", "initializer_range": NaN}"#;
    fs::write(&path, supported).unwrap();
    let (code, report, log) = run(xtask(&["doctor"]).arg(&path));
    assert_eq!(code, 0, "{log}");
    assert!(report.contains("taken as transformers does: n_embd 768, "), "{report}");
    let rope = r#"{"rope_type": "linear", "factor": 2}"#;
    let (code, report, log) = run(xtask(&["doctor", "--rope", rope]).arg(&path));
    assert_eq!(code, 1, "{log}");
    assert!(
        report.contains("--rope has no effect: positions of gpt2 are learned, not rotary; leave --rope out")
    );
}
