//! What `--collect` finds in the folders of a run.

use super::super::super::testing::{TestRun, cell, plan_of};
use super::scripted_host::{Script, ScriptedHost};
use super::{failed, finished, run};
use crate::exit;
use crate::failure::{Failure, FailureKind};

#[test]
fn a_run_is_collected_as_it_was_reported() {
    let test = TestRun::of_two(&["--attention=dense"]);
    let plan = test.plan();
    let fails = Script::fails(FailureKind::Model);
    let outcome = run(&mut ScriptedHost::new(&test).script("org_two/dense", [fails]), &plan);
    let collected = super::super::collect(&plan);
    assert_eq!(failed(&collected, &plan), failed(&outcome, &plan));
    assert_eq!(finished(&collected, &plan), ["org_one/dense"]);
    assert_eq!(finished(&collected, &plan), finished(&outcome, &plan));
    assert_eq!((collected.left, collected.exit_code()), (0, exit::CELLS_FAILED));
}

#[test]
fn what_nobody_did_is_not_finished() {
    let test = TestRun::of_one(&["--attention=dense,streaming_llm"]);
    let plan = test.plan();
    plan.make_folders().unwrap();
    let collected = super::super::collect(&plan);
    assert_eq!(
        failed(&collected, &plan),
        ["dense", "streaming_llm"]
            .map(|name| format!("{name}: Interrupted: not finished; what its task wrote says why"))
    );
    assert_eq!(collected.exit_code(), exit::CELLS_FAILED);
}

#[test]
fn shards_are_merged_once_all_are_there() {
    let test = TestRun::of_one(&["--attention=dense", "--shards=2"]);
    let plan = test.plan();
    let fails = || Script::fails(FailureKind::Data);
    let outcome = run(&mut ScriptedHost::new(&test).script("run/dense 2/2", [fails()]), &plan);
    assert_eq!(failed(&outcome, &plan), ["dense: Data: a failure of kind Data"]);
    assert_eq!(failed(&super::super::collect(&plan), &plan), failed(&outcome, &plan));
    assert!(!plan.folder(cell(&plan, "dense")).join("metrics.json").exists());

    let command = test.resumed();
    let plan = plan_of(&command);
    let mut host = ScriptedHost::new(&test);
    let outcome = run(&mut host, &plan);
    assert_eq!(host.log(), ["0 s: start run/dense 2/2"]);
    assert_eq!(outcome.exit_code(), exit::DONE);
    assert!(Failure::read(&plan.folder(cell(&plan, "dense"))).is_none());
    let collected = super::super::collect(&plan);
    assert_eq!((finished(&collected, &plan).len(), collected.exit_code()), (1, exit::DONE));
}

#[test]
fn shards_that_do_not_fit_together_are_a_failure() {
    let test = TestRun::of_one(&["--attention=dense", "--shards=2"]);
    let plan = test.plan();
    let outcome = run(&mut ScriptedHost::new(&test), &plan);
    assert_eq!(outcome.exit_code(), exit::DONE);
    let folder = plan.folder(cell(&plan, "dense"));
    std::fs::remove_file(folder.join("metrics.json")).unwrap();
    let config = folder.join("shard-2-of-2/config.json");
    let written = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, written.replacen("\"seed\": 0", "\"seed\": 1", 1)).unwrap();
    let collected = super::super::collect(&plan);
    let [failed] = &failed(&collected, &plan)[..] else { panic!("it cannot be merged") };
    assert!(failed.starts_with("dense: Changed: ") && failed.contains("seed"), "{failed}");
    assert_eq!(collected.exit_code(), exit::CELLS_FAILED);
}
