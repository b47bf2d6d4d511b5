//! Processes that die, print rubbish, or end without a word.

use super::super::super::testing::{TestRun, cell, plan_of};
use super::scripted_host::{Script, ScriptedHost, Step};
use super::{failed, finished, run};
use crate::exit;

/// The failure of a cell whose process plays `steps`; the other cell is finished.
fn failure(steps: impl IntoIterator<Item = Step>) -> String {
    let test = TestRun::of_two(&["--attention=dense"]);
    let plan = test.plan();
    let mut host = ScriptedHost::new(&test).script("org_one/dense", [Script::plays(steps)]);
    let outcome = run(&mut host, &plan);
    assert_eq!(finished(&outcome, &plan), ["org_two/dense"]);
    assert_eq!(outcome.exit_code(), exit::CELLS_FAILED);
    let [failed] = &failed(&outcome, &plan)[..] else { panic!("one cell fails") };
    failed.strip_prefix("org_one/dense: ").unwrap().to_owned()
}

fn log(line: &str) -> Step {
    Step::Log(line.to_owned())
}

fn print(line: &str) -> Step {
    Step::Print(line.to_owned())
}

#[test]
fn a_process_that_dies_costs_its_own_cell_only() {
    assert_eq!(
        failure([Step::Die(9)]),
        "Killed: ended by signal 9, as a system does that runs out of memory"
    );
    assert_eq!(failure([Step::Die(11)]), "Killed: ended by signal 11");
    assert_eq!(
        failure([log("thread main: oh"), Step::Exit(101)]),
        "Panicked: panicked; it last said: thread main: oh"
    );
    assert_eq!(failure([Step::Exit(7)]), "Other: ended with exit code 7");
}

#[test]
fn the_last_five_lines_are_quoted() {
    let lines = (1..=7).map(|number| log(&format!("line {number}")));
    assert_eq!(
        failure(lines.chain([Step::Exit(1)])),
        "Other: ended with exit code 1; it last said: line 3; line 4; line 5; line 6; line 7"
    );
}

#[test]
fn rubbish_and_messages_that_are_cut_are_only_lines() {
    let cut = r#"{"cell":0,"event":"failed","kind":"netw"#;
    assert_eq!(
        failure([print("\u{0}\u{fffd}"), print(cut), Step::Die(6)]),
        format!("Killed: ended by signal 6; it last said: \u{0}\u{fffd}; {cut}")
    );
    // Of a kind that is not known.
    let unknown = r#"{"cell":0,"event":"failed","kind":"full moon","message":"x"}"#;
    assert!(failure([print(unknown), Step::Exit(1)]).starts_with("Other: ended with exit code 1"));
}

#[test]
fn a_message_about_no_part_of_its_own_is_ignored() {
    let other = r#"{"cell":7,"event":"read","tokens":1,"of":2}"#;
    let huge = r#"{"cell":18446744073709551615,"event":"read","tokens":1,"of":2}"#;
    assert_eq!(failure([print(other), print(huge), Step::Exit(1)]), "Other: ended with exit code 1");
}

#[test]
fn a_process_that_ends_well_without_results_has_failed() {
    for code in [0, 3] {
        assert_eq!(failure([Step::Exit(code)]), "Other: ended as if it were done, and left no results");
    }
}

#[test]
fn rows_without_an_answer_are_no_failed_cell() {
    for (options, part) in [("--jobs=1", "run/dense"), ("--shards=2", "run/dense 1/2")] {
        let test = TestRun::of_one(&["--attention=dense", options]);
        let plan = test.plan();
        let works = Script::plays([Step::Work { fails_on: Some("lighthouse") }]);
        let outcome = run(&mut ScriptedHost::new(&test).script(part, [works]), &plan);
        assert_eq!(failed(&outcome, &plan), [""; 0]);
        assert_eq!((outcome.rows_failed(), outcome.exit_code()), (2, exit::ROWS_FAILED));
    }
}

#[test]
fn a_failure_that_cannot_be_written_is_told() {
    let test = TestRun::of_one(&["--attention=dense"]);
    test.plan().make_folders().unwrap();
    let command = test.resumed();
    let plan = plan_of(&command);
    let folder = plan.folder(cell(&plan, "dense"));
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "a file").unwrap();
    let mut host = ScriptedHost::new(&test).script("run/dense", [Script::plays([Step::Die(11)])]);
    assert_eq!(failed(&run(&mut host, &plan), &plan), ["dense: Killed: ended by signal 11"]);
}

#[test]
fn pipes_that_stay_open_are_waited_for_two_seconds() {
    let test = TestRun::of_one(&["--attention=dense", "--jobs=1"]);
    let plan = test.plan();
    let script = Script::plays([Step::ExitWithOpenPipes(1)]);
    let mut host = ScriptedHost::new(&test).script("run/dense", [script]);
    run(&mut host, &plan);
    assert_eq!(host.seconds(), 3, "a second of work, and two more");
    let mut host = ScriptedHost::new(&test).script("run/dense", [Script::plays([Step::Exit(1)])]);
    run(&mut host, &plan);
    assert_eq!(host.seconds(), 1);
}
