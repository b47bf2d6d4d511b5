//! Which process is started when, and where; and what is tried again.

use super::super::super::testing::{TestRun, cell, plan_of};
use super::scripted_host::{Script, ScriptedHost, Step};
use super::{failed, finished, run};
use crate::exit;
use crate::failure::{Failure, FailureKind};

#[test]
fn cells_run_one_after_another_unless_there_are_jobs() {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm"]);
    let (plan, mut host) = (test.plan(), ScriptedHost::new(&test));
    let outcome = run(&mut host, &plan);
    assert_eq!(
        host.log(),
        [
            "0 s: start org_one/dense",
            "1 s: start org_one/streaming_llm",
            "2 s: start org_two/dense",
            "3 s: start org_two/streaming_llm"
        ]
    );
    assert_eq!(
        finished(&outcome, &plan),
        ["org_one/dense", "org_one/streaming_llm", "org_two/dense", "org_two/streaming_llm"]
    );
    assert_eq!(outcome.exit_code(), exit::DONE);
}

#[test]
fn a_job_takes_the_next_cell_when_its_own_ends() {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm", "--jobs=2"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test)
        .script("org_one/dense", [Script::works(10)])
        .script("org_one/streaming_llm", [Script::works(3)]);
    let outcome = run(&mut host, &plan);
    assert_eq!(
        host.log(),
        [
            "0 s: start org_one/dense",
            "0 s: start org_one/streaming_llm",
            "3 s: start org_two/dense",
            "4 s: start org_two/streaming_llm"
        ]
    );
    // The order of the results is that of the plan, whichever ended first.
    assert_eq!(finished(&outcome, &plan)[0], "org_one/dense");
    assert_eq!(host.seconds(), 10);
}

#[test]
fn jobs_share_the_devices_and_the_threads() {
    let test = TestRun::of_two(&["--attention=dense", "--device=cpu", "--device=cuda:1", "--jobs=3"]);
    let plan = test.plan();
    let slots = super::super::units::slots(&plan, 8);
    let taken: Vec<_> = slots.iter().rev().map(|slot| (slot.device.to_string(), slot.threads)).collect();
    let slot = |device: &str| (device.to_owned(), 2);
    assert_eq!(taken, [slot("cpu"), slot("cuda:1"), slot("cpu")]);
    assert_eq!(super::super::units::slots(&plan, 1)[0].threads, 1, "a process has a thread at least");
    // Without --jobs each device has one process.
    let test = TestRun::of_two(&["--device=cpu", "--device=cuda:1"]);
    assert_eq!(super::super::units::slots(&test.plan(), 8).len(), 2);
}

#[test]
fn a_slot_is_free_again_when_its_process_ends() {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm", "--device=cpu", "--device=cuda:1"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test)
        .script("org_one/dense", [Script::works(5)])
        .script("org_one/streaming_llm", [Script::fails(FailureKind::Model)]);
    run(&mut host, &plan);
    let devices: Vec<_> = host.commands.iter().map(|(_, command)| command.slot.device.to_string()).collect();
    assert_eq!(devices, ["cpu", "cuda:1", "cuda:1", "cuda:1"]);
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for kind in [
        FailureKind::Usage,
        FailureKind::Data,
        FailureKind::Network,
        FailureKind::Device,
        FailureKind::Model,
        FailureKind::FolderBusy,
        FailureKind::Results,
        FailureKind::Changed,
        FailureKind::Panicked,
        FailureKind::Other,
    ] {
        let test = TestRun::of_one(&["--attention=dense", "--retries=1", "--jobs=1"]);
        let (plan, script) = (test.plan(), Script::fails(kind));
        let mut host = ScriptedHost::new(&test).script("run/dense", [script.clone(), script]);
        let outcome = run(&mut host, &plan);
        let tries = if kind.may_pass() { 2 } else { 1 };
        assert_eq!(host.commands.len(), tries, "{kind:?}");
        assert_eq!(failed(&outcome, &plan), [format!("dense: {kind:?}: a failure of kind {kind:?}")]);
        assert_eq!(outcome.exit_code(), exit::CELLS_FAILED);
        assert_eq!(Failure::read(&plan.folder(cell(&plan, "dense"))).unwrap().kind, kind);
    }
}

#[test]
fn the_pause_before_another_try_doubles() {
    let test = TestRun::of_one(&["--attention=dense", "--retries=3", "--jobs=1"]);
    let plan = test.plan();
    let fails = || Script::fails(FailureKind::Network);
    let mut host =
        ScriptedHost::new(&test).script("run/dense", [fails(), fails(), fails(), Script::works(1)]);
    let outcome = run(&mut host, &plan);
    // A second of work, then 5, 10 and 20 s.
    assert_eq!(
        host.log(),
        ["0 s: start run/dense", "6 s: start run/dense", "17 s: start run/dense", "38 s: start run/dense"]
    );
    assert_eq!(outcome.exit_code(), exit::DONE);
    assert!(Failure::read(&plan.folder(cell(&plan, "dense"))).is_none(), "the last try succeeded");
}

#[test]
fn others_go_on_while_one_waits_for_another_try() {
    let test = TestRun::of_two(&["--attention=dense"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test)
        .script("org_one/dense", [Script::fails(FailureKind::Device), Script::works(1)])
        .script("org_two/dense", [Script::works(2)]);
    let outcome = run(&mut host, &plan);
    assert_eq!(
        host.log(),
        ["0 s: start org_one/dense", "1 s: start org_two/dense", "6 s: start org_one/dense"]
    );
    assert_eq!(outcome.exit_code(), exit::DONE);
}

#[test]
fn finished_cells_are_not_started_again() {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm"]);
    let plan = test.plan();
    let fails = Script::fails(FailureKind::Model);
    let mut host = ScriptedHost::new(&test).script("org_two/dense", [fails]);
    assert_eq!(run(&mut host, &plan).exit_code(), exit::CELLS_FAILED);

    let command = test.resumed();
    let plan = plan_of(&command);
    let mut host = ScriptedHost::new(&test);
    let outcome = run(&mut host, &plan);
    assert_eq!(host.log(), ["0 s: start org_two/dense"]);
    assert_eq!((finished(&outcome, &plan).len(), outcome.exit_code()), (4, exit::DONE));
}

#[test]
fn attentions_that_share_contexts_share_a_process() {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm", "--keep-contexts=1"]);
    let (plan, mut host) = (test.plan(), ScriptedHost::new(&test));
    let outcome = run(&mut host, &plan);
    assert_eq!(host.log(), ["0 s: start org_one", "1 s: start org_two"]);
    assert_eq!(finished(&outcome, &plan).len(), 4);

    // A process that fails costs all of them.
    let test = TestRun::of_two(&["--attention=dense,streaming_llm", "--keep-contexts=1"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test).script("org_two", [Script::fails(FailureKind::Model)]);
    let outcome = run(&mut host, &plan);
    assert_eq!((finished(&outcome, &plan).len(), failed(&outcome, &plan).len()), (2, 2));
}

#[test]
fn each_shard_has_a_process() {
    let test = TestRun::of_one(&["--attention=dense", "--shards=2", "--jobs=2"]);
    let plan = test.plan();
    let fails = Script::fails(FailureKind::Network);
    let mut host = ScriptedHost::new(&test).script("run/dense 2/2", [fails, Script::works(1)]);
    let outcome = run(&mut host, &plan);
    assert_eq!(
        host.log(),
        ["0 s: start run/dense 1/2", "0 s: start run/dense 2/2", "6 s: start run/dense 2/2"]
    );
    assert_eq!(finished(&outcome, &plan), ["run/dense"]);
    assert_eq!(outcome.finished[0][0].detailed.rows, 5);
}

#[test]
fn when_a_process_cannot_be_started_the_others_are_ended() {
    let test = TestRun::of_two(&["--attention=dense", "--jobs=2"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test);
    host.unstartable = Some("org_two/dense");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut screen = super::Recorder::default();
    let error =
        super::super::run_on(&mut host, &plan, &super::messages(&[]), &mut screen, &stop).unwrap_err();
    assert_eq!(error.to_string(), "no process for org_two/dense");
    assert_eq!(host.log(), ["0 s: start org_one/dense", "0 s: dropped org_one/dense"]);
}

#[test]
fn what_a_process_finished_before_it_died_is_finished() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm", "--keep-contexts=1", "--jobs=1"]);
    let plan = test.plan();
    let script = Script::plays([Step::Finish("dense"), Step::Die(11)]);
    let outcome = run(&mut ScriptedHost::new(&test).script("run", [script]), &plan);
    assert_eq!(finished(&outcome, &plan), ["run/dense"]);
    assert_eq!(failed(&outcome, &plan), ["streaming_llm: Killed: ended by signal 11"]);
}
