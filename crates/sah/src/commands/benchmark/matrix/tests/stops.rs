//! Limits of time, and Ctrl-C.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::super::super::testing::{TestRun, cell};
use super::scripted_host::{OnTerm, Script, ScriptedHost};
use super::{failed, finished, run, run_until};
use crate::exit;
use crate::failure::{Failure, FailureKind};

#[test]
fn a_process_that_takes_too_long_is_told_to_stop_and_then_killed() {
    let test = TestRun::of_two(&["--attention=dense", "--timeout=20s"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test).script("org_one/dense", [Script::hangs(OnTerm::Ignore)]);
    let outcome = run(&mut host, &plan);
    assert_eq!(
        host.log(),
        [
            "0 s: start org_one/dense",
            "20 s: TERM org_one/dense",
            "30 s: KILL org_one/dense",
            "30 s: start org_two/dense"
        ]
    );
    assert_eq!(
        failed(&outcome, &plan),
        ["org_one/dense: TimedOut: stopped after 20 s (--timeout); what it answered is kept"]
    );
    assert_eq!(finished(&outcome, &plan), ["org_two/dense"]);
    assert_eq!(outcome.exit_code(), exit::CELLS_FAILED);
    let written = Failure::read(&plan.folder(cell(&plan, "org_one/dense"))).unwrap();
    assert_eq!(written.kind, FailureKind::TimedOut);
}

#[test]
fn a_process_that_stops_in_time_is_not_killed() {
    let test = TestRun::of_one(&["--attention=dense", "--timeout=1.5s"]);
    let plan = test.plan();
    let stops = Script::hangs(OnTerm::Stop(Duration::from_secs(9)));
    let mut host = ScriptedHost::new(&test).script("run/dense", [stops]);
    let outcome = run(&mut host, &plan);
    assert_eq!(host.log(), ["0 s: start run/dense", "1 s: TERM run/dense"]);
    // It ended as one that was interrupted, and it was the limit that did it.
    assert_eq!(
        failed(&outcome, &plan),
        ["dense: TimedOut: stopped after 1.5 s (--timeout); what it answered is kept"]
    );
}

#[test]
fn every_try_has_the_limit_for_itself() {
    let test = TestRun::of_one(&["--attention=dense", "--timeout=4s", "--retries=1"]);
    let plan = test.plan();
    let scripts = [Script::fails(FailureKind::Network), Script::works(3)];
    let mut host = ScriptedHost::new(&test).script("run/dense", scripts);
    let outcome = run(&mut host, &plan);
    assert_eq!((outcome.exit_code(), host.seconds()), (exit::DONE, 9));
}

#[test]
fn ctrl_c_lets_contexts_be_answered_and_starts_nothing_new() {
    let (test, stop) =
        (TestRun::of_two(&["--attention=dense,streaming_llm", "--jobs=2"]), AtomicBool::new(false));
    let plan = test.plan();
    plan.make_folders().unwrap();
    let interrupted = plan.folder(cell(&plan, "org_two/dense"));
    Failure { kind: FailureKind::Model, message: "of yesterday".to_owned() }.write(&interrupted).unwrap();
    let stops = Script::hangs(OnTerm::Stop(Duration::from_secs(7)));
    let mut host = ScriptedHost::new(&test)
        .script("org_one/dense", [Script::works(1)])
        .script("org_one/streaming_llm", [stops.clone()])
        .script("org_two/dense", [stops])
        .stop_at(3, &stop);
    let outcome = run_until(&stop, &mut host, &plan);
    assert_eq!(
        host.log(),
        [
            "0 s: start org_one/dense",
            "0 s: start org_one/streaming_llm",
            "1 s: start org_two/dense",
            "3 s: TERM org_one/streaming_llm",
            "3 s: TERM org_two/dense"
        ]
    );
    assert_eq!(host.seconds(), 10);
    assert_eq!(finished(&outcome, &plan), ["org_one/dense"]);
    assert_eq!((outcome.left, outcome.failed.len(), outcome.exit_code()), (3, 0, exit::INTERRUPTED));
    assert!(Failure::read(&interrupted).is_none(), "it did not fail this time");
}

#[test]
fn a_process_that_finishes_although_it_was_told_to_stop_is_finished() {
    let (test, stop) = (TestRun::of_one(&["--attention=dense", "--jobs=1"]), AtomicBool::new(false));
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test).script("run/dense", [Script::works(5)]).stop_at(3, &stop);
    let outcome = run_until(&stop, &mut host, &plan);
    assert_eq!(host.log(), ["0 s: start run/dense", "3 s: TERM run/dense"]);
    assert_eq!((outcome.left, outcome.exit_code()), (0, exit::DONE));
}

#[test]
fn ctrl_c_does_not_wait_for_another_try() {
    let (test, stop) = (TestRun::of_one(&["--attention=dense", "--jobs=1"]), AtomicBool::new(false));
    let plan = test.plan();
    let fails = Script::fails(FailureKind::Network);
    let mut host = ScriptedHost::new(&test).script("run/dense", [fails]).stop_at(3, &stop);
    let outcome = run_until(&stop, &mut host, &plan);
    assert_eq!(host.log(), ["0 s: start run/dense"]);
    assert_eq!((host.seconds(), outcome.left, outcome.exit_code()), (3, 1, exit::INTERRUPTED));
}

#[test]
fn a_process_that_does_not_stop_after_ctrl_c_is_stopped_by_the_limit() {
    let (test, stop) = (TestRun::of_one(&["--attention=dense", "--timeout=20s"]), AtomicBool::new(false));
    let plan = test.plan();
    let mut host =
        ScriptedHost::new(&test).script("run/dense", [Script::hangs(OnTerm::Ignore)]).stop_at(3, &stop);
    let outcome = run_until(&stop, &mut host, &plan);
    assert_eq!(
        host.log(),
        ["0 s: start run/dense", "3 s: TERM run/dense", "20 s: TERM run/dense", "30 s: KILL run/dense"]
    );
    assert_eq!((outcome.left, outcome.exit_code()), (0, exit::CELLS_FAILED));
}
