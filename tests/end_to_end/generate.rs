//! `cargo xtask generate` with the default model.

use crate::command::{run, xtask};

#[test]
fn the_capital_of_france_is_paris() {
    let (code, answer, log) = run(&mut xtask(&["generate", "--question", "What is the capital of France?"]));
    assert_eq!(code, 0, "{log}");
    assert!(answer.contains("Paris"), "{answer}");
}

#[test]
fn several_questions_about_one_context_get_one_answer_each() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context.txt");
    std::fs::write(&context, "The boat is called Marigold. The dog is called Biscuit.\n").unwrap();
    let context = context.to_str().unwrap();
    let questions = ["--question", "What is the boat called?", "--question", "What is the dog called?"];
    let arguments =
        [&["generate", "--context-file", context, "--max-new-tokens", "16"], &questions[..]].concat();
    let (code, answers, log) = run(&mut xtask(&arguments));
    assert_eq!(code, 0, "{log}");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 2, "{answers}");
    // What a model of 135 million parameters can be relied on to get right.
    assert!(lines[0].contains("boat") && lines[1].contains("dog is called Biscuit"), "{answers}");
}
