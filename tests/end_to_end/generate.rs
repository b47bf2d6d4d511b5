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
    std::fs::write(
        &context,
        "Anna is 31 years old and lives in Lisbon. Peter is 54 years old and lives in Oslo.\n",
    )
    .unwrap();
    let context = context.to_str().unwrap();
    let questions = ["--question", "Where does Anna live?", "--question", "Where does Peter live?"];
    let arguments =
        [&["generate", "--context-file", context, "--max-new-tokens", "16"], &questions[..]].concat();
    let (code, answers, log) = run(&mut xtask(&arguments));
    assert_eq!(code, 0, "{log}");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 2, "{answers}");
    assert!(lines[0].contains("Lisbon") && !lines[0].contains("Oslo"), "{answers}");
    assert!(lines[1].contains("Peter lives in Oslo"), "{answers}");
}

/// The answer to a question whose dense, greedy answer is "The capital of France is Paris."
fn capital(flags: &[&str]) -> String {
    let arguments = [&["generate", "--question", "What is the capital of France?"], flags].concat();
    let (code, answer, log) = run(&mut xtask(&arguments));
    assert_eq!(code, 0, "{log}");
    answer
}

#[test]
fn an_answer_ends_before_a_stop_text() {
    let whole = capital(&[]);
    let (before, _) = whole.split_once(" is").expect("a sentence");
    assert_eq!(capital(&["--stop", " is"]), format!("{before}\n"));
}

#[test]
fn a_seed_repeats_a_sampled_answer_and_another_one_does_not() {
    let sampled = |seed: &str| capital(&["--temperature", "3", "--top-k", "50", "--seed", seed]);
    let first = sampled("1");
    assert_eq!(sampled("1"), first);
    assert_ne!(sampled("2"), first);
    // The most likely token alone is the greedy answer, whatever the seed.
    assert_eq!(capital(&["--top-k", "1", "--seed", "3"]), capital(&[]));
}

#[test]
fn a_number_out_of_range_is_wrong_usage_and_says_the_range() {
    let (code, _, log) = run(&mut xtask(&["generate", "--question", "?", "--top-p", "1.5"]));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("--top-p") && log.contains("above 0 and at most 1, found 1.5"), "{log}");
}
