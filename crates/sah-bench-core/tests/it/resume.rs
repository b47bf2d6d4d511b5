//! A run that was cut off goes on, and gives what it would have given.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use sah_bench_core::{Error, FinishedRun, Resumed, RunFolder, RunMeasures, Sample, read_journal};
use sah_request::{AttentionCall, AttentionHead, MicroMetrics, Request, RequestResponse};
use serde_json::json;

use crate::support::{ScriptedModel, TinyBenchmark, config, right_answers, run_until, sample};

/// Four contexts, one of them with two rows.
pub(crate) fn samples() -> Vec<Sample> {
    let row = |(task, context, question): (&str, &str, &str)| sample(task, context, question);
    [
        ("qa", "one", "a"),
        ("qa", "two", "b"),
        ("trec", "three", "c"),
        ("trec", "one", "d"),
        ("qa_e", "four", "e"),
    ]
    .map(row)
    .to_vec()
}

/// Right answers, with a measured call each.
pub(crate) fn measured(request: &Request) -> RequestResponse {
    let mut response = right_answers(request);
    for answer in &mut response.answers {
        let head = AttentionHead { density: 0.5, output_error: Some(0.25) };
        let call = AttentionCall {
            reads_context: false,
            time: SystemTime::UNIX_EPOCH,
            step: 1,
            layer: 0,
            queries: 1,
            keys: 9,
            backend: "gather".to_owned(),
            density: 0.5,
            output_error: Some(0.25),
            heads: vec![head],
        };
        answer.micro_metrics = Some(MicroMetrics { calls: 7, sampled: vec![call] });
    }
    response
}

/// The folder of a run that may have begun.
fn open(directory: &Path) -> RunFolder {
    match RunFolder::resume(directory, "run", "quest").unwrap() {
        Resumed::Unfinished(folder) => folder,
        Resumed::Finished(run) => panic!("{} is finished", run.folder.display()),
    }
}

/// Goes on until `contexts` more were answered; gives the contexts that were asked, and how it ended.
fn go_on(directory: &Path, contexts: usize) -> (Vec<String>, Result<FinishedRun, Error>) {
    let (stop, mut folder) = (AtomicBool::new(contexts == 0), open(directory));
    folder.write_config(&config()).unwrap();
    let asked = AtomicBool::new(false);
    let count = std::cell::Cell::new(0);
    let model = ScriptedModel::new(|request| {
        asked.store(true, Ordering::Relaxed);
        count.set(count.get() + 1);
        stop.store(count.get() == contexts, Ordering::Relaxed);
        Ok(measured(request))
    });
    let outcome = run_until(&stop, &mut folder, samples(), &model, &mut ());
    let asked = model.requests.borrow().iter().map(|request| request.context.clone()).collect();
    let finished = outcome.and_then(|outcome| {
        folder.finish(&TinyBenchmark::default(), &config(), &outcome.records, RunMeasures::default())
    });
    (asked, finished)
}

/// The files of a folder, but for `detailed_results.json` and its times.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    files.sort();
    files
}

pub(crate) fn undisturbed() -> Vec<(String, Vec<u8>)> {
    let directory = tempfile::tempdir().unwrap();
    let (asked, finished) = go_on(directory.path(), usize::MAX);
    assert_eq!(asked, ["one", "two", "three", "four"]);
    let finished = finished.unwrap();
    assert_eq!(finished.micro_metrics.as_ref().unwrap().calls, 35);
    files(&finished.folder)
}

#[test]
fn stopped_anywhere_it_gives_the_same_files_and_asks_nothing_twice() {
    let expected = undisturbed();
    for first in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        let (mut asked, stopped) = go_on(directory.path(), first);
        let stopped = stopped.unwrap_err();
        let rows = [0, 2, 3, 4][first];
        assert!(
            matches!(stopped, Error::Interrupted { rows_done, rows_total: 5, .. } if rows_done == rows),
            "{stopped}"
        );
        let (rest, finished) = go_on(directory.path(), usize::MAX);
        asked.extend(rest);
        assert_eq!(asked, ["one", "two", "three", "four"]);
        assert_eq!(files(&finished.unwrap().folder), expected, "stopped after {first} contexts");
        assert!(matches!(RunFolder::resume(directory.path(), "run", "quest").unwrap(), Resumed::Finished(_)));
    }
}

#[test]
fn whatever_a_kill_leaves_it_gives_the_same_files() {
    let expected = undisturbed();
    let journal = &expected.iter().find(|file| file.0 == "journal.jsonl").unwrap().1;
    let log = &expected.iter().find(|file| file.0 == "micro_metrics.jsonl").unwrap().1;
    // Cut anywhere: the log is written before the journal, so it may hold lines of rows that the journal lacks.
    for cut in (0..=journal.len()).step_by(41) {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("run/quest");
        drop(open(directory.path()));
        fs::write(folder.join("journal.jsonl"), &journal[..cut]).unwrap();
        let rows = read_journal(&folder.join("journal.jsonl")).unwrap().records.len();
        let needed =
            log.split_inclusive(|byte| *byte == b'\n').take(2 * rows).map(<[u8]>::len).sum::<usize>();
        let length = (needed + cut % 700).min(log.len());
        fs::write(folder.join("micro_metrics.jsonl"), &log[..length]).unwrap();
        fs::write(folder.join(".raw_results.csv.4711.tmp"), "half").unwrap();
        let (_, finished) = go_on(directory.path(), usize::MAX);
        assert_eq!(files(&finished.unwrap().folder), expected, "journal of {cut} bytes, log of {length}");
    }
}

#[test]
fn rows_that_failed_are_asked_again_also_in_a_finished_run() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = open(directory.path());
    folder.write_config(&config()).unwrap();
    let model = ScriptedModel::new(|request| match request.context.as_str() {
        "two" => Err("out of memory".to_owned()),
        _ => Ok(measured(request)),
    });
    let outcome = run_until(&AtomicBool::new(false), &mut folder, samples(), &model, &mut ()).unwrap();
    assert_eq!(outcome.rows_failed, 1);
    folder.finish(&TinyBenchmark::default(), &config(), &outcome.records, RunMeasures::default()).unwrap();

    let (asked, finished) = go_on(directory.path(), usize::MAX);
    assert_eq!(asked, ["two"]);
    let finished = finished.unwrap();
    assert_eq!(finished.detailed.rows_failed, 0);
    let name = |name: &str| fs::read(finished.folder.join(name)).unwrap();
    let expected = undisturbed();
    for (file, bytes) in
        expected.iter().filter(|file| ["raw_results.csv", "metrics.json"].contains(&file.0.as_str()))
    {
        assert_eq!(&name(file), bytes);
    }
}

#[test]
fn another_config_and_other_data_are_refused_and_named() {
    let directory = tempfile::tempdir().unwrap();
    go_on(directory.path(), 2).1.unwrap_err();
    let folder = open(directory.path());
    let other = json!({"model": {"name": "elsewhere"}, "attention": {"maskers": []}, "dtype": "f32", "device": "cpu"});
    let error = folder.write_config(&other).unwrap_err();
    assert!(matches!(&error, Error::ConfigChanged { key, .. } if key == "attention"), "{error}");
    drop(folder);

    for (row, change) in [(1, "other words"), (3, "another question")] {
        let (mut folder, mut samples) = (open(directory.path()), samples());
        samples[row].question = change.to_owned();
        let run = run_until(&AtomicBool::new(false), &mut folder, samples, &ScriptedModel::right(), &mut ());
        let error = run.unwrap_err();
        assert!(matches!(error, Error::SampleChanged { row: found, .. } if found == row), "{error}");
    }
    let mut folder = open(directory.path());
    let fewer = samples()[..1].to_vec();
    let run = run_until(&AtomicBool::new(false), &mut folder, fewer, &ScriptedModel::right(), &mut ());
    assert!(matches!(run, Err(Error::SampleChanged { .. })));
}

#[test]
fn a_run_that_another_process_goes_on_with_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let _other = open(directory.path());
    let error = RunFolder::resume(directory.path(), "run", "quest").unwrap_err();
    assert!(matches!(error, Error::FolderBusy { .. }), "{error}");
}

#[test]
fn a_journal_that_is_broken_before_its_end_is_not_cut() {
    let directory = tempfile::tempdir().unwrap();
    go_on(directory.path(), 2).1.unwrap_err();
    let path = directory.path().join("run/quest/journal.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3] = b'{';
    fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
    let error = RunFolder::resume(directory.path(), "run", "quest").unwrap_err();
    assert!(matches!(error, Error::Journal { line: 1, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}
