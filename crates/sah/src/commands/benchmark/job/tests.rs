//! Jobs whose model is scripted.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sah_bench_core::{Error, FinishedRun};

use super::Job;
use crate::args::BenchmarkCommand;
use crate::commands::benchmark::progress::Message;
use crate::commands::benchmark::testing::{Recorder, ScriptedModel, TestRun, cell, plan_of};
use crate::exit;
use crate::failure::{Failure, FailureKind};

/// What a job of `command` gives with `model`.
fn run(command: &BenchmarkCommand, model: &ScriptedModel) -> anyhow::Result<Vec<FinishedRun>> {
    let stop = model.stops.as_ref().map_or_else(Arc::default, |(_, stop)| Arc::clone(stop));
    run_until(&stop, command, model, &mut Recorder::default())
}

fn run_until(
    stop: &AtomicBool,
    command: &BenchmarkCommand,
    model: &ScriptedModel,
    recorder: &mut Recorder,
) -> anyhow::Result<Vec<FinishedRun>> {
    Job::new(&plan_of(command), stop).run(|_, _| Ok(model.load()), recorder)
}

fn names(finished: &[FinishedRun]) -> Vec<&str> {
    finished.iter().map(|run| run.attention.as_str()).collect()
}

#[test]
fn a_model_is_loaded_once_for_all_attentions() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    let (model, mut recorder) = (ScriptedModel::default(), Recorder::default());
    let finished = run_until(&AtomicBool::new(false), &test.command, &model, &mut recorder).unwrap();
    assert_eq!(names(&finished), ["dense", "streaming_llm"]);
    assert_eq!((model.loads.get(), model.contexts.borrow().len()), (1, 6));
    assert_eq!(finished[0].detailed.measures.model_load_seconds, Some(2.5));
    let rows_done: Vec<_> = recorder
        .messages
        .iter()
        .filter_map(|(cell, message)| match message {
            Message::Finished { rows_done, .. } => Some((*cell, *rows_done)),
            _ => None,
        })
        .collect();
    assert_eq!(rows_done, [(0, 2), (0, 4), (0, 5), (1, 2), (1, 4), (1, 5)]);
}

#[test]
fn what_is_finished_needs_no_model() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    run(&test.command, &ScriptedModel::default()).unwrap();
    let model = ScriptedModel::default();
    assert_eq!(names(&run(&test.resumed(), &model).unwrap()), ["dense", "streaming_llm"]);
    assert_eq!(model.loads.get(), 0);
}

#[test]
fn a_folder_that_was_used_is_refused_before_the_model_is_loaded() {
    let test = TestRun::of_one(&["--attention=dense"]);
    run(&test.command, &ScriptedModel::default()).unwrap();
    let model = ScriptedModel::default();
    assert!(run(&test.command, &model).unwrap_err().to_string().contains("already holds results"));
    assert_eq!(model.loads.get(), 0);
}

#[test]
fn a_job_that_was_stopped_goes_on_where_it_was() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    let stops = Some((2, Arc::new(AtomicBool::new(false))));
    let error = run(&test.command, &ScriptedModel { stops, ..ScriptedModel::default() }).unwrap_err();
    let Some(Error::Interrupted { rows_done, rows_total, attention, run: path }) = error.downcast_ref()
    else {
        panic!("{error}")
    };
    assert_eq!((*rows_done, *rows_total, attention.as_str()), (4, 5, "dense"));
    assert_eq!(*path, test.plan().path);
    assert_eq!(Failure::of(&error).kind.exit_code(), exit::INTERRUPTED);

    let model = ScriptedModel::default();
    assert_eq!(names(&run(&test.resumed(), &model).unwrap()), ["dense", "streaming_llm"]);
    assert_eq!(model.contexts.borrow().len(), 1 + 3);
}

#[test]
fn rows_that_failed_are_tried_again() {
    let test = TestRun::of_one(&["--attention=dense"]);
    let fails = ScriptedModel { fails_on: Some("lighthouse"), ..ScriptedModel::default() };
    assert_eq!(run(&test.command, &fails).unwrap()[0].detailed.rows_failed, 2);
    let model = ScriptedModel::default();
    assert_eq!(run(&test.resumed(), &model).unwrap()[0].detailed.rows_failed, 0);
    assert_eq!(model.contexts.borrow().len(), 1);
}

#[test]
fn a_run_does_not_go_on_with_another_model() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    run(&test.command, &ScriptedModel::default()).unwrap();
    let plan = test.plan();
    let unfinished = plan.folder(cell(&plan, "streaming_llm"));
    std::fs::remove_file(unfinished.join("metrics.json")).unwrap();
    let other = ScriptedModel { hash: "other", ..ScriptedModel::default() };
    let refused = |command: &BenchmarkCommand| {
        assert_eq!(Failure::of(&run(command, &other).unwrap_err()).kind, FailureKind::Changed);
        assert_eq!(other.contexts.borrow().len(), 0);
    };
    let of_cell = test.of_worker(&plan.path, Some("streaming_llm"), None);
    refused(&test.resumed());
    refused(&of_cell);
    // Nor where only the other attention says what the model was.
    std::fs::remove_dir_all(unfinished).unwrap();
    refused(&test.resumed());
    refused(&of_cell);
}

#[test]
fn a_cell_is_done_alone() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    let plan = test.plan();
    plan.make_folders().unwrap();
    let of_cell = test.of_worker(&plan.path, Some("streaming_llm"), None);
    let folder = plan.folder(cell(&plan, "streaming_llm"));
    Failure { kind: FailureKind::Other, message: "of yesterday".to_owned() }.write(&folder).unwrap();
    let (model, mut recorder) = (ScriptedModel::default(), Recorder::default());
    let finished = run_until(&AtomicBool::new(false), &of_cell, &model, &mut recorder).unwrap();
    assert_eq!(names(&finished), ["streaming_llm"]);
    assert!(recorder.messages.iter().all(|(cell, _)| *cell == 1), "its place in the run");
    assert!(Failure::read(&folder).is_none(), "it is tried again");
    assert!(!plan.folder(cell(&plan, "dense")).join("metrics.json").exists());
}

#[test]
fn a_shard_leaves_its_part_and_no_results() {
    let test = TestRun::of_one(&["--attention=dense", "--shards=2"]);
    let plan = test.plan();
    plan.make_folders().unwrap();
    let of_shard = test.of_worker(&plan.path, Some("dense"), Some("2/2"));
    let model = ScriptedModel::default();
    assert!(run(&of_shard, &model).unwrap().is_empty());
    assert_eq!(model.contexts.borrow().len(), 1, "the second of three contexts");
    let folder = plan.folder(cell(&plan, "dense"));
    assert!(folder.join("shard-2-of-2/shard.json").exists() && !folder.join("metrics.json").exists());
    // Once it is done, nothing is loaded.
    assert!(run(&of_shard, &model).unwrap().is_empty());
    assert_eq!(model.loads.get(), 1);
}

#[test]
fn a_shard_that_was_stopped_names_the_run_that_can_be_resumed() {
    let test = TestRun::of_one(&["--attention=dense", "--shards=2"]);
    let plan = test.plan();
    plan.make_folders().unwrap();
    let of_shard = test.of_worker(&plan.path, Some("dense"), Some("1/2"));
    let stops = Some((1, Arc::new(AtomicBool::new(false))));
    let error = run(&of_shard, &ScriptedModel { stops, ..ScriptedModel::default() }).unwrap_err();
    let Some(Error::Interrupted { rows_done, rows_total, run: path, .. }) = error.downcast_ref() else {
        panic!("{error}")
    };
    assert_eq!((*rows_done, *rows_total, path), (2, 3, &plan.path));
}
