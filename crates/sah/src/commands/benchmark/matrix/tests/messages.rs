//! What is shown of what processes print.

use std::sync::atomic::AtomicBool;

use super::super::super::progress::Message;
use super::super::super::testing::{Recorder, TestRun};
use super::scripted_host::{Script, ScriptedHost, Step, message};

/// What the screen hears while the cells of two models run.
fn shown(options: &[&str], script: Script) -> (Recorder, Vec<String>) {
    let test = TestRun::of_two(&["--attention=dense,streaming_llm"]);
    let (plan, mut screen) = (test.plan(), Recorder::default());
    let mut host = ScriptedHost::new(&test).script("org_two/dense", [script]);
    let (stop, messages) = (AtomicBool::new(false), super::messages(options));
    super::super::run_on(&mut host, &plan, &messages, &mut screen, &stop).unwrap();
    let command = host.commands.into_iter().find(|(name, _)| name == "org_two/dense");
    (screen, command.unwrap().1.options)
}

#[test]
fn messages_come_with_the_place_of_the_cell_in_the_plan() {
    let read = |tokens| Message::Read { tokens, of: 10 };
    let own = Step::Print(message(0, read(4)));
    let other = Step::Print(message(1, read(5)));
    let (screen, _) = shown(&[], Script::plays([own, other, Step::Exit(1)]));
    let heard: Vec<_> =
        screen.messages.iter().filter(|(_, said)| matches!(said, Message::Read { .. })).collect();
    // The first cell of the second model is the third of the plan.
    assert_eq!(heard, [&(2, read(4))]);
    let rows = |cell: usize| {
        let finished = |said: &Message| matches!(said, Message::Finished { .. });
        screen.messages.iter().filter(|(at, said)| *at == cell && finished(said)).count()
    };
    assert_eq!([0, 1, 2, 3].map(rows), [3, 3, 0, 3], "three contexts each, but for the one that failed");
    assert_eq!(screen.left, [0, 1, 2, 3]);
}

#[test]
fn a_line_is_shown_with_the_name_of_its_cell() {
    let script = || {
        Script::plays(
            ["warming up", "error: why"]
                .map(|line| Step::Log(line.to_owned()))
                .into_iter()
                .chain([Step::Exit(1)]),
        )
    };
    let (screen, _) = shown(&[], script());
    // The error is told with the outcome.
    assert_eq!(*screen.lines.borrow(), ["[org_two/dense] warming up"]);
    let (screen, _) = shown(&["--log-format=json"], script());
    assert_eq!(*screen.lines.borrow(), ["warming up", "error: why"]);
}

#[test]
fn a_process_is_told_how_to_print() {
    let (_, options) = shown(&[], Script::works(1));
    assert_eq!(options, ["--log-format", "text", "--cell=dense"]);
    let (_, options) = shown(&["--quiet", "--log-format=json", "--trace=t/a.json"], Script::works(1));
    assert_eq!(
        options,
        ["--log-format", "json", "--quiet", "--trace=t/a.org_two.dense.json", "--cell=dense"]
    );
}
