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
        [&["generate", "--context-file", context, "--answer-tokens", "16"], &questions[..]].concat();
    let (code, answers, log) = run(&mut xtask(&arguments));
    assert_eq!(code, 0, "{log}");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 2, "{answers}");
    assert!(lines[0].contains("Lisbon") && !lines[0].contains("Oslo"), "{answers}");
    assert!(lines[1].contains("Peter lives in Oslo"), "{answers}");
}

#[test]
fn questions_that_are_answered_together_get_the_answers_they_get_alone() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context.txt");
    let log =
        (0..24).map(|day| format!("Day {day}: the keeper counted {} boats and lit the lamp.\n", 3 * day + 2));
    std::fs::write(&context, log.collect::<String>() + "Anna lives in Lisbon. Peter lives in Oslo.\n")
        .unwrap();
    let questions = ["Where does Anna live?", "What did the keeper do, and how often? Tell all.", "Oslo?"];
    // Attentions run one after another, so the answers to all questions with the first come first. Each is a line.
    let answers = |cache: &str, asked: &[&str]| {
        let mut arguments =
            vec!["generate", "--context-file", context.to_str().unwrap(), "--answer-tokens", "12"];
        arguments.extend([
            "--attention",
            "dense,quest,vattention,streaming_llm",
            "--set",
            "quest:heavy_size=5%",
        ]);
        arguments.extend(asked.iter().flat_map(|question| ["--question", question]));
        arguments.extend(["--stop", "\n", "--repetition-penalty", "1.1", "--kv-dtype", cache]);
        let (code, answers, log) = run(&mut xtask(&arguments));
        assert_eq!(code, 0, "{log}");
        let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), 4 * asked.len(), "one line each: {answers:?}");
        answers
    };
    for cache in ["f32", "int8"] {
        let together = answers(cache, &questions);
        for (number, question) in questions.iter().enumerate() {
            let of_this: Vec<&String> = together.iter().skip(number).step_by(questions.len()).collect();
            assert_eq!(
                of_this,
                answers(cache, &[question]).iter().collect::<Vec<_>>(),
                "{cache}: {question}"
            );
        }
    }
}

#[test]
fn contexts_are_read_sparsely_where_that_is_possible() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context.txt");
    std::fs::write(&context, "Anna lives in Lisbon. Peter lives in Oslo. ".repeat(100)).unwrap();
    let answer = |flags: &[&str]| {
        let mut arguments =
            vec!["generate", "--context-file", context.to_str().unwrap(), "--answer-tokens", "8"];
        arguments.extend(["--question", "Where does Anna live?"]);
        arguments.extend(flags);
        run(&mut xtask(&arguments))
    };
    // A window over everything is dense attention.
    let (_, dense, _) = answer(&["--attention", "dense"]);
    let sparse = |flags: &[&str]| answer(&[&["--prefill", "sparse"], flags].concat());
    let wide = ["--attention", "streaming_llm", "--local-window", "5000"];
    assert_eq!(sparse(&wide).1, dense);
    let (code, narrow, log) = sparse(&["--attention", "streaming_llm"]);
    assert_eq!(code, 0, "{log}");
    assert!(!narrow.trim().is_empty(), "{narrow}");
    let (code, _, log) = sparse(&["--attention", "quest"]);
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("--prefill sparse with --attention quest") && log.contains("densely"), "{log}");
    let (code, _, log) = sparse(&["--attention", "streaming_llm", "--local-window", "10%"]);
    assert_eq!(code, 2, "{log}");
}

#[test]
fn evicted_keys_are_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context.txt");
    let log =
        (0..60).map(|day| format!("Day {day}: the keeper counted {} boats and lit the lamp.\n", 3 * day + 2));
    std::fs::write(&context, log.collect::<String>()).unwrap();
    // Answers and the lines on their density.
    let answer = |flags: &[&str]| {
        let mut arguments =
            vec!["generate", "--context-file", context.to_str().unwrap(), "--answer-tokens", "40"];
        arguments.extend([
            "--question",
            "What did the keeper do?",
            "--question",
            "How many boats? Tell all.",
        ]);
        arguments.extend(flags);
        let (code, answers, log) = run(&mut xtask(&arguments));
        let densities = log.lines().filter_map(|line| line.split_once("density "));
        (code, answers, densities.map(|(_, density)| density.to_owned()).collect::<Vec<_>>(), log)
    };
    for prefill in ["dense", "sparse"] {
        let flags = ["--attention", "streaming_llm", "--prefill", prefill];
        let (code, whole, densities, log) = answer(&flags);
        assert_eq!((code, densities.len()), (0, 2), "{log}");
        let (code, evicted, same, log) = answer(&[&flags[..], &["--evict"]].concat());
        assert_eq!(code, 0, "{log}");
        assert_eq!((evicted, same), (whole, densities), "--prefill {prefill}");
    }
    for (attention, says) in [("quest", "`quest_top_k`"), ("dense", "dense alone")] {
        let (code, _, _, log) = answer(&["--attention", attention, "--evict"]);
        assert_eq!(code, 2, "{log}");
        assert!(log.contains(&format!("--evict with --attention {attention}")), "{log}");
        assert!(log.contains(says) && log.contains("leave out --evict"), "{log}");
    }
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

#[test]
fn every_kernel_that_can_gives_the_same_answer() {
    let answer = |flags: &[&str]| {
        let question = ["generate", "--question", "What is the capital of France?", "--answer-tokens", "12"];
        let attentions = ["--attention", "dense,streaming_llm"];
        run(&mut xtask(&[&question[..], &attentions, flags].concat()))
    };
    let (code, fitting, log) = answer(&[]);
    assert_eq!(code, 0, "{log}");
    for kernel in ["auto", "reference", "fused", "tiled", "gather"] {
        let (code, answers, log) = answer(&["--kernel", kernel]);
        assert_eq!((code, &answers), (0, &fitting), "{kernel}: {log}");
    }
    let (code, _, log) = answer(&["--kernel", "magic"]);
    assert_eq!(code, 2);
    assert!(log.contains("--kernel") && log.contains("auto, reference, fused, tiled, gather"), "{log}");
}
