//! `cargo xtask report`, `compare` and `results` on runs of the default model.

use std::fs;
use std::path::Path;

use crate::command::{run, xtask};

fn bench(results: &Path, name: &str, flags: &[&str]) {
    let fixed =
        ["bench", "longbench", "--subsets", "qasper,trec_e", "--max-samples", "2", "--run-name", name];
    let mut command = xtask(&[&fixed[..], &["--answer-tokens", "4"], flags].concat());
    let (code, _, log) = run(command.arg("--result-dir").arg(results));
    assert_eq!(code, 0, "{log}");
}

#[test]
fn runs_are_listed_compared_and_shown() {
    let results = tempfile::tempdir().unwrap();
    bench(results.path(), "first", &["--micro-metrics", "0.2"]);
    bench(results.path(), "second", &["--attention", "dense", "--kv-dtype", "int8"]);
    let (first, second) = (results.path().join("first"), results.path().join("second"));

    let (code, table, log) = run(xtask(&["results"]).arg(results.path()));
    assert_eq!((code, log.as_str()), (0, ""));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    for (line, words) in
        lines[2..].iter().zip([["first", "dense"], ["first", "streaming_llm"], ["second", "dense"]])
    {
        let all = [&words[..], &["smollm2-135m-instruct", "complete"]].concat();
        assert!(all.iter().all(|word| line.contains(word)), "{line}");
    }

    let (code, text, log) = run(xtask(&["compare"]).arg(&first).arg(&second));
    assert_eq!((code, log.as_str()), (0, ""));
    for name in [
        "first/streaming_llm - first/dense",
        "second/dense - first/dense",
        "trec_e 0-4k",
        "too few rows",
        "paired",
    ] {
        assert!(text.contains(name), "no {name} in\n{text}");
    }
    let (code, text, log) = run(xtask(&["compare"]).arg(&second));
    assert_eq!((code, text.as_str()), (2, ""), "{log}");
    assert!(log.contains("name another RUN"), "{log}");

    let out = results.path().join("shown");
    let (code, text, log) = run(xtask(&["report"]).arg(&first).arg(&second).arg("--out").arg(&out));
    assert_eq!((code, log.as_str()), (0, ""));
    let page = out.join("report.html");
    assert_eq!(text.trim_end(), page.to_str().unwrap());
    let html = fs::read_to_string(&page).unwrap();
    for part in
        ["longbench: smollm2-135m-instruct", "first/streaming_llm", "kv_dtype", "Attention error</h2>"]
    {
        assert!(html.contains(part), "no {part}");
    }
    let heat = out.join("figures/attention_error_heads_first_streaming_llm.png");
    assert!(fs::read(heat).unwrap().starts_with(b"\x89PNG"));

    // The cache of the second run is a quarter as wide, and the scales of its numbers.
    let costs = fs::read_to_string(out.join("tables/costs.csv")).unwrap();
    let shares = costs.lines().find(|line| line.contains("share of the bytes")).unwrap();
    let share: f64 = shares.rsplit(',').next().unwrap().parse().unwrap();
    assert!(share > 0.25 && share < 0.3, "{shares}");
    assert!(out.join("figures/cache_bytes.svg").exists());

    // Beside the run, where nothing else is said; the run stays whole.
    let (code, text, log) = run(xtask(&["report"]).arg(&first));
    assert_eq!(code, 0, "{log}");
    assert_eq!(text.trim_end(), first.join("report/report.html").to_str().unwrap());
    let (code, again, _) = run(xtask(&["results"]).arg(results.path()));
    assert_eq!((code, again), (0, table));

    fs::remove_file(first.join("dense/metrics.json")).unwrap();
    let (code, text, log) = run(xtask(&["report"]).arg(&first));
    assert_eq!((code, text.as_str()), (1, ""));
    assert!(log.contains("--resume"), "{log}");
}
