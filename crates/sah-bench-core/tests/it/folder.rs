//! Which folders can be used, and what stays when something goes wrong.

use std::path::Path;

use sah_bench_core::{Error, FinishedRun, Named, RunFolder, RunMeasures, read_journal};

use crate::support::{Accident, ScriptedModel, TinyBenchmark, config, finished, run_in, sample};

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const RAW: [&str; 3] = ["journal.jsonl", "raw_results.csv", "raw_results.parquet"];

#[test]
fn a_finished_folder_holds_every_file_and_can_be_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::right();
    let finished = finished(directory.path(), "dense", vec![sample("qa", "c", "a")], &model);
    let folder = directory.path().join("run/dense");
    assert_eq!(finished.folder, folder);
    assert_eq!(
        names(&folder),
        [
            "config.json",
            "detailed_results.json",
            "journal.jsonl",
            "metrics.json",
            "raw_results.csv",
            "raw_results.parquet"
        ]
    );
    assert_eq!(FinishedRun::read(&folder).unwrap(), finished);
}

#[test]
fn an_unwritable_folder_is_found_when_it_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = RunFolder::create(&file, "run", "dense").unwrap_err();
    assert!(matches!(error, Error::Unwritable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("cannot write results to") && text.contains("file/run/dense"), "{text}");

    // The folder is there, the journal cannot be.
    std::fs::create_dir_all(directory.path().join("run/dense/journal.jsonl")).unwrap();
    let error = RunFolder::create(directory.path(), "run", "dense").unwrap_err();
    assert!(matches!(error, Error::Unwritable { .. }), "{error}");
}

#[test]
fn results_are_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::right();
    finished(directory.path(), "dense", vec![sample("qa", "c", "a")], &model);
    let error = RunFolder::create(directory.path(), "run", "dense").unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::FolderUsed { .. }), "{text}");
    assert!(text.contains("run/dense") && text.contains("never overwritten"), "{text}");
    RunFolder::create(directory.path(), "run", "streaming_llm").unwrap();
    RunFolder::create(directory.path(), "run2", "dense").unwrap();
}

#[test]
fn a_run_that_was_cut_off_keeps_its_folder_if_it_answered_anything() {
    let directory = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    folder.write_config(&config()).unwrap();
    let busy = RunFolder::create(directory.path(), "run", "dense").unwrap_err();
    assert!(matches!(busy, Error::FolderBusy { .. }), "{busy}");
    drop(folder);

    // The model did not load, say: the same command works again.
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    run_in(&mut folder, vec![sample("qa", "c", "a")], &ScriptedModel::right(), &mut ());
    drop(folder);
    let used = RunFolder::create(directory.path(), "run", "dense").unwrap_err();
    assert!(matches!(used, Error::FolderUsed { found: "journal.jsonl", .. }), "{used}");
}

#[test]
fn a_foreign_config_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("project/app");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("config.json"), "{}").unwrap();
    let error = RunFolder::create(directory.path(), "project", "app").unwrap_err();
    assert!(matches!(error, Error::FolderUsed { found: "config.json", .. }), "{error}");
    assert_eq!(names(&path), ["config.json"]);
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = RunFolder::create(directory.path(), "../up", "dense").unwrap_err();
    assert!(matches!(error, Error::FolderName { of: Named::Run, .. }), "{error}");
    assert!(matches!(RunFolder::create(directory.path(), "run", "a/b"), Err(Error::FolderName { .. })));
    assert!(names(directory.path()).is_empty());
}

/// Runs two rows, lets scoring go wrong, and gives the error and what is in the folder.
fn scoring_goes_wrong(accident: Accident) -> (Error, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let benchmark = TinyBenchmark { accident: Some(accident), ..TinyBenchmark::default() };
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let path = folder.path().to_path_buf();
    let samples = vec![sample("qa", "c", "a"), sample("qa", "d", "b")];
    let outcome = run_in(&mut folder, samples, &ScriptedModel::right(), &mut ());
    let error = folder.finish(&benchmark, &config(), &outcome.records, RunMeasures::default()).unwrap_err();
    assert_eq!(read_journal(&path.join("journal.jsonl")).unwrap().records, outcome.records);
    (error, names(&path))
}

#[test]
fn a_panic_while_scoring_loses_nothing() {
    let (error, left) = scoring_goes_wrong(Accident::Panic);
    let text = error.to_string();
    assert!(matches!(error, Error::Scoring { .. }), "{text}");
    assert!(text.contains("bucket 4-8k has no rows") && text.contains("run/dense"), "{text}");
    assert!(RAW.iter().all(|name| left.contains(&(*name).to_owned())), "{left:?}");
    assert!(!left.contains(&"metrics.json".to_owned()), "{left:?}");
}

#[test]
fn a_score_that_is_no_number_is_an_error_and_loses_nothing() {
    let (error, left) = scoring_goes_wrong(Accident::NanScore);
    assert!(matches!(&error, Error::NotFinite { key, .. } if key == "task_scores.qa"), "{error}");
    assert!(RAW.iter().all(|name| left.contains(&(*name).to_owned())), "{left:?}");
    assert!(!left.contains(&"metrics.json".to_owned()), "{left:?}");
}

#[test]
fn an_unfinished_folder_says_so_when_read() {
    let directory = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let error = FinishedRun::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("metrics.json is missing"), "{error}");
}
