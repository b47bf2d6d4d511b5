//! Which runs there are.

use std::fs;

use sah_bench_core::{RunFolder, write_json};
use sah_report::{State, list, runs_in};

use crate::support::{bench, config, model, samples};

#[test]
fn whole_begun_and_broken_runs_are_listed_wherever_they_lie() {
    let results = tempfile::tempdir().unwrap();
    let rows = samples("qa", 4);
    let done = bench(results.path(), "done", &[("dense", model(5, 1.0)), ("quest", model(0, 0.1))], &rows);
    bench(&results.path().join("deeper"), "cell", &[("dense", model(5, 1.0))], &rows);
    let begun = RunFolder::create(results.path(), "begun", "dense").unwrap();
    begun.write_config(&config("dense")).unwrap();
    let cut = bench(results.path(), "cut", &[("dense", model(5, 1.0))], &rows);
    fs::remove_file(cut.join("dense/metrics.json")).unwrap();
    let broken = bench(results.path(), "broken", &[("dense", model(5, 1.0))], &rows);
    fs::write(broken.join("dense/metrics.json"), "{").unwrap();
    fs::write(results.path().join("a file"), "").unwrap();

    let listed = list(results.path()).unwrap();
    let names: Vec<String> =
        listed.iter().map(|line| format!("{}/{}", line.run.display(), line.attention)).collect();
    assert_eq!(
        names,
        ["begun/dense", "broken/dense", "cut/dense", "deeper/cell/dense", "done/dense", "done/quest"]
    );
    let complete = |score| State::Complete { rows: 4, rows_failed: 0, score: Some(score) };
    assert_eq!(listed[0].state, State::Unfinished { rows: 0 });
    assert!(matches!(&listed[1].state, State::Broken { problem } if problem.contains("metrics.json")));
    assert_eq!(listed[2].state, State::Unfinished { rows: 4 });
    assert_eq!([&listed[4].state, &listed[5].state], [&complete(100.0), &complete(0.0)]);
    assert!(listed.iter().all(|line| line.written.is_some()));
    assert!(listed[0].model.as_deref().is_some_and(|model| model.starts_with("model")));

    // A run by itself, and a model that is a text.
    write_json(&done.join("dense/config.json"), &serde_json::json!({"model": "tiny"})).unwrap();
    let alone = list(&done).unwrap();
    assert_eq!(
        (alone.len(), alone[0].run.to_str(), alone[0].model.as_deref()),
        (2, Some("done"), Some("tiny"))
    );
    assert!(list(&results.path().join("nothing")).is_err());
}

#[test]
fn a_matrix_is_the_runs_of_its_models() {
    let results = tempfile::tempdir().unwrap();
    let rows = samples("qa", 4);
    let run = |name| bench(&results.path().join("matrix"), name, &[("dense", model(5, 1.0))], &rows);
    let (small, large) = (run("small"), run("large"));
    fs::create_dir(results.path().join("matrix/report")).unwrap();
    assert_eq!(runs_in(&results.path().join("matrix")).unwrap(), [large, small.clone()]);
    assert_eq!(runs_in(&small).unwrap(), std::slice::from_ref(&small));
    // What is no run is told as such by who reads it.
    let nothing = results.path().join("nothing");
    assert_eq!(runs_in(&nothing).unwrap(), std::slice::from_ref(&nothing));
    assert_eq!(runs_in(&small.join("dense")).unwrap(), [small.join("dense")]);
}
