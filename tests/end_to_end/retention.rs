//! Keys that are dropped for good: the pages of rules, crates/sah-attention/docs/retentions, and runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use sah_attention::RetentionRegistry;
use sah_tests::project_root;
use serde_json::Value;

use crate::command::{as_in_a_shell, run, xtask};
use crate::fences::blocks;
use crate::masker_pages::check_fields;
use crate::resume::rows;

fn page(name: &str) -> String {
    let path = project_root().join(format!("crates/sah-attention/docs/retentions/{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_rule_has_its_page_with_the_program_s_fields() {
    let overview = fs::read_to_string(project_root().join("docs/retention.md")).unwrap();
    let registry = RetentionRegistry::builtin();
    for rule in registry.infos() {
        let (name, text) = (rule.name, page(rule.name));
        let link = format!("[{name}](../crates/sah-attention/docs/retentions/{name}.md)");
        assert!(overview.contains(&link), "{name} in the overview");
        for heading in ["Formula", "Fields", "Cost", "Differences", "Source", "Example"] {
            assert!(text.contains(&format!("\n## {heading}\n")), "{name}: {heading}");
        }
        assert_eq!(blocks(&text, "rust").len(), 1, "{name}: a doctest");
        check_fields(name, &text, rule.fields);
    }
    let pages = fs::read_dir(project_root().join("crates/sah-attention/docs/retentions")).unwrap().count();
    assert_eq!(pages, registry.infos().count());
}

/// Each command runs with the default model, which answers from less than all keys.
#[test]
fn commands_of_pages_run() {
    for rule in RetentionRegistry::builtin().infos() {
        for command in blocks(&page(rule.name), "sh") {
            let mut shell = Command::new("sh");
            as_in_a_shell(&mut shell).args(["-e", "-c", &command]);
            let (code, answer, log) = run(&mut shell);
            assert_eq!(code, 0, "{command}\n{log}");
            assert!(!answer.trim().is_empty(), "{command}\n{log}");
            if command.contains("generate") {
                assert!(log.contains(" % of its keys kept"), "{command}\n{log}");
                let density: f64 = log.rsplit_once("density ").unwrap().1.trim().parse().unwrap();
                assert!(density > 0.0 && density < 1.0, "{command}\n{log}");
            }
        }
    }
}

/// A short run of the default model.
fn bench(folder: &Path, name: &str, more: &[&str]) -> (i32, String, String) {
    let short = ["--subsets", "qasper,trec", "--max-samples", "1", "--max-context-length", "96"];
    let mut command = xtask(&["bench", "longbench", "--run-name", name]);
    run(command.args(short).arg("--result-dir").arg(folder).args(more))
}

fn answers(folder: &Path) -> Vec<String> {
    rows(folder).iter().map(|row| row["predicted_answer"].as_str().unwrap().to_owned()).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn attentions_are_run_with_each_retention() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let flags = [
        "--answer-tokens",
        "6",
        "--attention",
        "dense,quest",
        "--retention",
        "none,snapkv,adakv_snapkv",
        "--set",
        "retention:ratio=0.75",
        "--set",
        "retention:window=4",
    ];
    let (code, tables, log) = bench(folder, "whole", &flags);
    assert_eq!(code, 0, "{log}");
    for words in ["dense+snapkv", "quest+adakv_snapkv", "context keys kept", "KV cache peak, MB"] {
        assert!(tables.contains(words), "{words} is not in\n{tables}");
    }
    let run_folder = folder.join("whole");
    assert_eq!(json(&run_folder.join("dense/config.json"))["retention"], Value::Null);
    let config = json(&run_folder.join("quest+adakv_snapkv/config.json"));
    assert_eq!(config["retention"]["ratio"], 0.75);
    assert_eq!(config["retention"]["rules"][0]["window"], 4);
    assert_eq!(config["retention"]["rules"][1]["type"], "adakv");
    for attention in ["dense+snapkv", "dense+adakv_snapkv", "quest+snapkv"] {
        let detailed = json(&run_folder.join(attention).join("detailed_results.json"));
        let kept = detailed["total"]["kept"].as_f64().unwrap();
        assert!((0.2..=0.25).contains(&kept), "{attention} kept {kept}");
        let density = detailed["total"]["density"].as_f64().unwrap();
        assert!(density < 0.6, "{attention} read {density}");
        let by_head: Vec<Vec<f64>> = serde_json::from_value(detailed["kept_by_head"].clone()).unwrap();
        let heads: Vec<f64> = by_head.concat();
        assert_eq!((by_head.len(), heads.len()), (30, 90), "{attention}");
        let mean = heads.iter().sum::<f64>() / heads.len() as f64;
        assert!((mean - kept).abs() < 1e-3, "{attention} kept {kept}, and {mean} by its heads");
        // AdaKV's heads share what their layer keeps; those of SnapKV alone keep as many.
        let differs =
            by_head.iter().any(|heads| heads.windows(2).any(|pair| pair[0].to_bits() != pair[1].to_bits()));
        assert_eq!(differs, attention.contains("adakv"), "{attention}");
        // 96 tokens of keys and values of 64 numbers of four bytes, of which a quarter stays.
        let bytes = |side: &Value, key: &str| side["per_row"][key]["max"].as_f64().unwrap();
        let dense = json(&run_folder.join("dense/detailed_results.json"));
        let whole: f64 = 96.0 * 90.0 * 2.0 * 64.0 * 4.0;
        assert_eq!(bytes(&dense, "cache_bytes").to_bits(), whole.to_bits());
        assert!((bytes(&detailed, "cache_bytes") / whole - kept).abs() < 1e-9, "{attention}");
        // The whole cache, and a part of the one that is made of it.
        let peak = bytes(&detailed, "peak_cache_bytes") / whole;
        assert!(peak > 1.0 && peak < 1.2, "{attention} took {peak} of the whole cache");
        let journal = fs::read_to_string(run_folder.join(attention).join("journal.jsonl")).unwrap();
        for line in journal.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["kept_keys"].as_array().unwrap().len(), 30);
        }
    }

    // Nothing is dropped at ratio 0.
    let (code, _, log) = bench(folder, "nothing", &[&flags[..6], &["--set", "retention:ratio=0"]].concat());
    assert_eq!(code, 0, "{log}");
    for attention in ["dense+snapkv", "dense+adakv_snapkv", "quest+snapkv"] {
        let without = attention.split('+').next().unwrap();
        let of = |name: &str| answers(&folder.join("nothing").join(name));
        assert_eq!(of(attention), of(without), "{attention}");
    }

    // What was done stays, and what is left is done alike.
    let journal = run_folder.join("dense+snapkv/journal.jsonl");
    let kept: Vec<String> = fs::read_to_string(&journal).unwrap().lines().map(str::to_owned).collect();
    let expected = answers(&run_folder.join("dense+snapkv"));
    let by_head = || json(&run_folder.join("dense+snapkv/detailed_results.json"))["kept_by_head"].clone();
    let heads = by_head();
    fs::write(&journal, kept[..1].join("\n") + "\n").unwrap();
    fs::remove_file(run_folder.join("dense+snapkv/metrics.json")).unwrap();
    let (code, _, log) = run(xtask(&["bench", "longbench", "--resume"]).arg(&run_folder));
    assert_eq!(code, 0, "{log}");
    assert_eq!((answers(&run_folder.join("dense+snapkv")), by_head()), (expected, heads));

    let (code, page, log) = run(xtask(&["report"]).arg(&run_folder));
    assert_eq!(code, 0, "{log}");
    let html = fs::read_to_string(page.trim_end()).unwrap();
    assert!(html.contains("context keys kept") && html.contains("quest+adakv_snapkv"));
    let report = Path::new(page.trim_end()).parent().unwrap();
    for figure in ["density", "cache_bytes", "kept_heads"] {
        let svg = fs::read_to_string(report.join("figures").join(figure).with_extension("svg")).unwrap();
        for attention in ["dense+snapkv", "quest+adakv_snapkv"] {
            assert!(svg.contains(&format!("\n{attention}\n</text>")), "no {attention} in {figure}");
        }
    }
    let heads = fs::read_to_string(report.join("tables/kept_heads.csv")).unwrap();
    assert_eq!(heads.lines().count(), 1 + 4 * 90, "of four sides");
}

/// With the question in sight each has a cache of its own, of which its own text may go, too.
#[test]
fn a_retention_may_see_the_question() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let flags = [
        "--answer-tokens",
        "6",
        "--retention",
        "none,snapkv,kvzip,h2o",
        "--set",
        "retention.snapkv:window=4",
    ];
    let sees = ["--retention-sees", "question"];
    let (code, _, log) = bench(folder, "seen", &[&flags[..], &sees].concat());
    assert_eq!(code, 0, "{log}");
    let run_folder = folder.join("seen");
    assert_eq!(json(&run_folder.join("dense+snapkv/config.json"))["retention_sees"], "question");
    assert_eq!(json(&run_folder.join("dense/config.json"))["retention_sees"], Value::Null);
    for retention in ["snapkv", "kvzip", "h2o"] {
        let detailed = json(&run_folder.join(format!("dense+{retention}/detailed_results.json")));
        let kept = detailed["total"]["kept"].as_f64().unwrap();
        assert!((0.48..=0.51).contains(&kept), "{retention} kept {kept}");
    }
    // Where nothing is dropped, it does not matter what was seen.
    let all = [&flags[..], &sees, &["--set", "retention:ratio=0"]].concat();
    let (code, _, log) = bench(folder, "nothing", &all);
    assert_eq!(code, 0, "{log}");
    let of = |name: &str| answers(&folder.join("nothing").join(name));
    for retention in ["snapkv", "kvzip", "h2o"] {
        assert_eq!(of(&format!("dense+{retention}")), of("dense"), "{retention}");
    }
}

/// Keys of the answer itself go, too.
#[test]
fn keys_go_while_an_answer_grows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names = ["r_kv", "tova", "h2o", "snapkv"];
    let retentions = format!("none,{}", names.join(","));
    let flags = |keys: &'static str| {
        let window = "retention.snapkv:window=2";
        let set = ["--set", keys, "--set", "retention:every=3", "--set", window];
        let more = ["--answer-tokens", "12", "--attention", "dense,quest", "--retention", &retentions];
        more.iter().chain(&set).map(|flag| (*flag).to_owned()).collect::<Vec<_>>()
    };
    let bench = |name: &str, keys| {
        let flags = flags(keys);
        let (code, _, log) = bench(folder, name, &flags.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{log}");
    };
    bench("few", "retention:keys=20");
    bench("all", "retention:keys=5000");
    let of = |run: &str, name: &str| answers(&folder.join(run).join(name));
    for name in names {
        for attention in ["dense", "quest"] {
            let both = format!("{attention}+{name}");
            let detailed = json(&folder.join("few").join(&both).join("detailed_results.json"));
            let kept = detailed["total"]["kept"].as_f64().unwrap();
            assert!(kept < 0.2, "{both} kept {kept}");
            assert_eq!(of("all", &both), of("all", attention), "{both}: where all keys stay");
        }
        assert_ne!(of("few", &format!("dense+{name}")), of("few", "dense"), "{name}");
    }
    let config = json(&folder.join("few/dense+r_kv/config.json"));
    assert_eq!((&config["retention"]["keys"], &config["retention"]["every"]), (&20.into(), &3.into()));
}

/// Calls over what is left of a context are measured against all of it, whether the cache serves all questions or one.
#[test]
fn errors_are_against_all_keys_of_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let common = ["--answer-tokens", "4", "--attention", "dense,quest", "--retention", "snapkv,adakv_snapkv"];
    let names = ["dense+snapkv", "dense+adakv_snapkv", "quest+snapkv", "quest+adakv_snapkv"];
    let calls = |run: &str, name: &str, metric: &str| -> Vec<Value> {
        let path = folder.join(run).join(name).join("micro_metrics.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["metric"].as_str().unwrap().ends_with(metric)).collect()
    };
    let errors = |run: &str, name: &str| -> Vec<f64> {
        calls(run, name, "error").iter().map(|call| call["value"].as_f64().unwrap()).collect()
    };
    let window = ["--set", "retention:window=4"];
    for sees in ["context", "question"] {
        let sees = ["--retention-sees", sees];
        let measured = ["--micro-metrics", "1"];
        let run_of = |name: &str| format!("{name}-{}", sees[1]);
        let all = ["--set", "retention:ratio=0", measured[0], measured[1]];
        for (name, more) in [("plain", &[][..]), ("measured", &measured[..]), ("all", &all[..])] {
            let (code, _, log) = bench(folder, &run_of(name), &[&common[..], &window, &sees, more].concat());
            assert_eq!(code, 0, "{log}");
        }
        for name in names {
            let of = |run: &str| answers(&folder.join(run_of(run)).join(name));
            assert_eq!(of("measured"), of("plain"), "{name}");
            let found = errors(&run_of("measured"), name);
            assert!(found.len() >= 2 * 30, "{name}: {} calls", found.len());
            assert!(found.iter().all(|error| (1e-4..1.5).contains(error)), "{name}: {found:?}");
            for call in calls(&run_of("measured"), name, "density") {
                let density = call["value"].as_f64().unwrap();
                assert!((0.05..0.8).contains(&density), "{name}: {density}");
                assert_eq!(call["metadata"]["heads"].as_array().unwrap().len(), 9, "{name}");
            }
        }
        for name in &names[..2] {
            let found = errors(&run_of("all"), name);
            assert!(found.iter().all(|error| *error < 1e-5), "{name}: {found:?}");
        }
    }
}

#[test]
fn what_a_retention_cannot_stand_beside_is_refused_before_anything_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    for (flags, words) in [
        (
            &[
                "--retention",
                "r_kv",
                "--set",
                "retention:keys=64",
                "--set",
                "retention:every=8",
                "--micro-metrics",
                "0.1",
            ][..],
            "--micro-metrics with a retention that has `every`",
        ),
        (
            &["--retention", "snapkv", "--evict", "--attention", "streaming_llm"],
            "--evict with --retention snapkv",
        ),
        (&["--retention", "none"], "--retention none alone has no effect"),
        (&["--retention-sees", "question"], "--retention-sees question has no effect"),
        (&["--retention", "snapvk"], "did you mean snapkv?"),
    ] {
        let (code, _, log) = bench(folder.path(), "none", flags);
        assert_eq!(code, 2, "{log}");
        assert!(log.contains(words), "{log}");
    }
}

/// An answer of one token is read off the question's last row.
#[test]
fn questions_are_read_densely_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let flags = [
        "--answer-tokens",
        "1",
        "--attention",
        "dense,streaming_llm",
        "--sink-size",
        "1",
        "--local-window",
        "2",
    ];
    let (code, _, log) = bench(folder, "sparse", &flags);
    assert_eq!(code, 0, "{log}");
    let (code, _, log) = bench(folder, "dense", &[&flags[..], &["--question-attention", "dense"]].concat());
    assert_eq!(code, 0, "{log}");
    let densities = |name: &str| -> Vec<f64> {
        let rows = rows(&folder.join(name).join("streaming_llm"));
        rows.iter().map(|row| row["stats"]["answer"]["density"].as_f64().unwrap()).collect()
    };
    assert!(densities("dense").iter().all(|density| (density - 1.0).abs() < 1e-9));
    assert!(densities("sparse").iter().all(|density| *density < 0.5));
    let of = |name: &str, attention: &str| answers(&folder.join(name).join(attention));
    assert_eq!(of("dense", "streaming_llm"), of("dense", "dense"));
    assert_eq!(json(&folder.join("dense/streaming_llm/config.json"))["question_attention"], "dense");
    assert_eq!(json(&folder.join("dense/dense/config.json"))["question_attention"], Value::Null);
    assert_eq!(json(&folder.join("sparse/streaming_llm/config.json"))["question_attention"], Value::Null);
}
