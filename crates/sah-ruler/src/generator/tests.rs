//! Rows keep their budgets and have what their tasks say.

use std::collections::{HashMap, HashSet};

use sah_bench_core::{Sample, TokenCount, Value, samples_hash};
use sah_request::ModelError;

use super::fit::{Counter, Fitted, fit};
use super::niah::{DEPTHS, depth};
use super::{Generator, Haystack, Job};
use crate::tasks::{SUBSETS, TASKS, Task};

/// Pieces of four letters at most, as many tokenizers cut: a blank belongs to what follows it. Around a prompt stand 7 tokens.
struct Pieces;

impl TokenCount for Pieces {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        let lines = text.matches('\n').count();
        let words = text.split_whitespace().map(|word| word.len().div_ceil(4)).sum::<usize>();
        Ok(lines + words)
    }

    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        Ok(7 + self.count(&[context, question].concat())? + self.count(answer_prefix)?)
    }
}

/// Takes three bytes together wherever they stand, so that pieces do not add up to texts.
struct Bytes;

impl TokenCount for Bytes {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        Ok(text.len().div_ceil(3))
    }
}

/// Takes any text for one token.
struct One;

impl TokenCount for One {
    fn count(&self, _: &str) -> Result<usize, ModelError> {
        Ok(1)
    }
}

/// [`Pieces`] of a run whose answers think first, and of a model with few positions.
struct Small;

impl TokenCount for Small {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        Pieces.count(text)
    }

    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        Pieces.count_prompt(context, question, answer_prefix)
    }

    fn answer_room(&self, limit: usize) -> usize {
        limit + 300
    }

    fn positions(&self) -> Result<Option<usize>, ModelError> {
        Ok(Some(4095))
    }
}

fn tasks(names: &[&str]) -> Vec<&'static Task> {
    names.iter().map(|name| Task::find(name).unwrap()).collect()
}

fn all_but_questions() -> Vec<&'static Task> {
    tasks(&SUBSETS[..11])
}

/// Twelve articles of documents, with a question each; and a list of questions with ten documents each.
fn questions(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let about =
        |i: usize| format!("Town {i} lies by a river. It was founded in {}. Boats stop there.", 1300 + i);
    let paragraph = |i: usize| {
        let qas = [
            serde_json::json!({"question": format!("When was town {i} founded?"), "is_impossible": false,
                "answers": [{"text": (1300 + i).to_string()}, {"text": (1300 + i).to_string()}]}),
            serde_json::json!({"question": "Who?", "is_impossible": true, "answers": []}),
        ];
        serde_json::json!({"context": about(i), "qas": qas})
    };
    let article = |i: usize| serde_json::json!({"paragraphs": (60 * i..60 * i + 60).map(paragraph).collect::<Vec<_>>()});
    let squad = serde_json::json!({"version": "v2.0", "data": (0..12).map(article).collect::<Vec<_>>()});
    let document = |i: usize| serde_json::json!([format!("Town {i}"), [about(i), " It is small."]]);
    let hotpot: Vec<_> = (0..70)
        .map(|i| {
            serde_json::json!({"question": format!("Is town {} small?", 10 * i), "answer": "yes",
            "context": (10 * i..10 * i + 10).map(document).collect::<Vec<_>>()})
        })
        .collect();
    let files = ["squad.json", "hotpot.json"].map(|name| folder.join(name));
    std::fs::write(&files[0], squad.to_string()).unwrap();
    std::fs::write(&files[1], serde_json::json!(hotpot).to_string()).unwrap();
    files.to_vec()
}

fn used(sample: &Sample, tokens: &dyn TokenCount) -> usize {
    let Sample { context, question, answer_prefix, max_new_tokens, .. } = sample;
    tokens.count_prompt(context, question, answer_prefix).unwrap() + tokens.answer_room(*max_new_tokens)
}

/// The most tokens that one unit of a task's haystack takes with [`Pieces`], or with [`Bytes`].
fn unit(task: &str) -> usize {
    match task {
        "niah_single_1" | "vt" => 35,
        "niah_multikey_2" => 32,
        "niah_multikey_3" => 50,
        // Three numbered places of one word; a document.
        "cwe" | "qa_1" | "qa_2" => 45,
        _ => 8,
    }
}

#[test]
fn rows_keep_their_budget_and_have_no_room_for_another_unit() {
    let folder = tempfile::tempdir().unwrap();
    let questions = questions(folder.path());
    let cases: [(&dyn TokenCount, u64, Vec<usize>); 5] = [
        (&Pieces, 1, vec![512, 700, 1024]),
        (&Pieces, 42, vec![4095, 4096, 10_000]),
        (&Bytes, 1, vec![512, 700, 1024]),
        (&Bytes, 42, vec![4095, 4096, 10_000]),
        (&Small, 1, vec![900, 2048, 4095]),
    ];
    for (tokens, seed, lengths) in cases {
        let generator = Generator {
            seed,
            rows: 2,
            lengths: lengths.clone(),
            questions: questions.clone(),
            ..Generator::default()
        };
        let samples = generator.samples(&tasks(&SUBSETS), tokens).unwrap();
        assert_eq!(samples.len(), 13 * 2 * lengths.len());
        for sample in &samples {
            let [Value::TextList(answers), Value::Integer(length), Value::Integer(counted)] =
                &sample.extra[..]
            else {
                panic!("{sample:?}")
            };
            let (length, used) = (*length as usize, used(sample, tokens));
            let place = format!("{} at {length}: {used}", sample.task);
            assert_eq!(used, *counted as usize, "{place}");
            assert!(used <= length && length - used < unit(&sample.task), "{place}");
            assert!(!answers.is_empty(), "{place}");
        }
    }
}

/// Exactly: the row with one unit more is over the budget.
#[test]
fn no_row_has_room_for_its_next_unit() {
    let folder = tempfile::tempdir().unwrap();
    let generator = Generator { questions: questions(folder.path()), ..Generator::default() };
    let tasks = tasks(&SUBSETS);
    let material = generator.material(&tasks).unwrap();
    for tokens in [&Pieces as &dyn TokenCount, &Bytes] {
        let counter = Counter::new(tokens);
        for length in [600, 1024, 5000] {
            for row in 0..3 {
                for &task in &tasks {
                    let draft = generator.draft(Job { task, length, row }, &material, &counter).unwrap();
                    let room = length - task.max_new_tokens;
                    let fitted = fit(&*draft, room, &counter).unwrap();
                    let Fitted::Row(prompt, used) = fitted else { panic!("{fitted:?}") };
                    // More units are a longer text.
                    let (mut units, mut more) = (draft.least(), draft.most().min(length));
                    while units < more {
                        let middle = units.midpoint(more);
                        if draft.build(middle).context.len() < prompt.context.len() {
                            units = middle + 1;
                        } else {
                            more = middle;
                        }
                    }
                    assert_eq!(draft.build(units), prompt);
                    let next = counter.prompt(&draft.build(units + 1)).unwrap();
                    // A unit can be free where tokens do not add up.
                    assert!(used <= room && (next > room || next == used), "{}: {used}, {next}", task.name);
                }
            }
        }
    }
}

#[test]
fn rows_come_again_and_no_two_are_the_same() {
    let generator = Generator { rows: 4, ..Generator::default() };
    let samples = |generator: &Generator| generator.samples(&all_but_questions(), &Pieces).unwrap();
    let rows = samples(&generator);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(
            pool.install(|| samples_hash(&samples(&generator))),
            samples_hash(&rows),
            "{threads} threads"
        );
    }
    let contexts: std::collections::HashSet<&str> = rows.iter().map(|row| row.context.as_str()).collect();
    assert_eq!(contexts.len(), rows.len());
    let other = samples(&Generator { seed: 43, ..generator.clone() });
    assert!(rows.iter().zip(&other).all(|(row, other)| row.context != other.context));
    // Lengths take turns, so that the first rows of a task have all of them.
    let lengths: Vec<&Value> = rows[..4].iter().map(|row| &row.extra[1]).collect();
    assert_eq!(lengths, [512, 1024, 512, 1024].map(Value::Integer).iter().collect::<Vec<_>>());
    // A row is the same whatever else is made.
    let alone = Generator { rows: 1, lengths: vec![1024], ..generator.clone() };
    assert_eq!(alone.samples(&tasks(&["cwe"]), &Pieces).unwrap()[0], rows[8 * 9 + 1]);
}

#[test]
fn the_rows_are_those_of_this_version() {
    let generator = Generator { rows: 2, ..Generator::default() };
    let rows = generator.samples(&all_but_questions(), &Pieces).unwrap();
    assert_eq!(samples_hash(&rows), HASH, "a change of the rows is a new VERSION");
}

/// Of version 2.
const HASH: &str = "446cc8a8b9a64f2d7e50f7c2a8f89b627d21ae1864bcf5b9c3300564ad886710";

#[test]
fn needles_stand_in_the_context_and_are_asked_for() {
    for haystack in [Haystack::Prose, Haystack::Noise, Haystack::Needles] {
        let generator = Generator { rows: 6, lengths: vec![2048], haystack, ..Generator::default() };
        for row in generator.samples(&tasks(&SUBSETS[..8]), &Pieces).unwrap() {
            let answers = row.extra[0].texts();
            let expected = if ["niah_multivalue", "niah_multiquery"].contains(&&*row.task) { 4 } else { 1 };
            assert_eq!(answers.len(), expected, "{}", row.task);
            let (_, queries) = row.question.split_once("kept under ").unwrap();
            let (queries, _) = queries.split_once(", as the text").unwrap();
            assert!(row.answer_prefix.contains(queries));
            for answer in answers {
                assert_eq!(row.context.matches(answer.as_str()).count(), 1, "{}: {answer}", row.task);
                let (before, _) = row.context.split_once(&format!(" is {answer}.")).unwrap();
                let key = before.rsplit(' ').next().unwrap();
                assert!(queries.contains(key), "{}: {key} is not in {queries}", row.task);
            }
            // Other keys stand in the context, but no other value of a key that is asked for.
            let keys = if row.task == "niah_multiquery" { 4 } else { 1 };
            let of_queries = row.context.match_indices("kept under ");
            let of_queries = of_queries.filter(|(place, _)| {
                let key = row.context[place + 11..].split(' ').next().unwrap();
                queries.split(&[' ', ','][..]).any(|query| query == key)
            });
            assert_eq!(of_queries.count(), answers.len().max(keys), "{}", row.task);
        }
    }
}

/// Depths of needles in prose are evenly the 40 that there are.
#[test]
fn depths_are_drawn_evenly() {
    let generator = Generator { rows: 400, lengths: vec![2048], ..Generator::default() };
    let mut thirds = [0_usize; 3];
    for row in generator.samples(&tasks(&["niah_single_2"]), &Pieces).unwrap() {
        let place = row.context.find("One of the").unwrap();
        thirds[(3 * place / row.context.len()).min(2)] += 1;
    }
    // 133 each; the standard deviation is 9.4.
    assert!(thirds.iter().all(|count| count.abs_diff(133) < 45), "{thirds:?}");
    assert_eq!((depth(0), depth(DEPTHS - 1)), (0, 100));
}

#[test]
fn a_chain_leads_from_the_number_to_every_name() {
    let generator = Generator { rows: 8, lengths: vec![600, 3000], ..Generator::default() };
    for row in generator.samples(&tasks(&["vt"]), &Pieces).unwrap() {
        let names = row.extra[0].texts();
        let number = row.question.split("the number ").nth(1).unwrap().split(' ').next().unwrap();
        let (example, text) = row.context.rsplit_once("In the text below").unwrap();
        assert!(example.contains("12345"));
        let mut holds = HashSet::from([number.to_owned()]);
        let mut chain = Vec::new();
        for line in text.lines().filter(|line| line.starts_with("LET ")) {
            let (name, from) = line[4..].split_once(" = ").unwrap();
            assert!(holds.contains(from), "{line} comes before what it needs");
            holds.insert(name.to_owned());
            chain.push(name.to_owned());
        }
        assert_eq!(chain, names, "five names of five letters, in their order");
        assert!(names.len() == 5 && names.iter().all(|name| name.len() == 5));
        assert!((10_000..=99_998).contains(&number.parse::<u32>().unwrap()), "{number}");
    }
}

#[test]
fn words_occur_as_often_as_published() {
    let generator = Generator { rows: 2, lengths: vec![512, 2048, 8192], ..Generator::default() };
    for row in generator.samples(&tasks(&["cwe", "fwe"]), &Pieces).unwrap() {
        let Value::Integer(length) = row.extra[1] else { panic!("{row:?}") };
        let text = row.context.trim_end().rsplit_once('\n').unwrap().1;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let is_number = |word: &&str| word.ends_with('.') && word[..1].parse::<u8>().is_ok();
        text.split(' ')
            .filter(|word| !is_number(word))
            .for_each(|word| *counts.entry(word).or_default() += 1);
        let of_answers: Vec<usize> = row.extra[0].texts().iter().map(|word| counts[word.as_str()]).collect();
        if row.task == "cwe" {
            let (common, other) = match length {
                512 => (4, 1),
                2048 => (6, 1),
                _ => (30, 3),
            };
            assert_eq!(of_answers, [common; 10]);
            assert_eq!(counts.values().filter(|&&count| count == other).count(), counts.len() - 10);
        } else {
            let mut sorted: Vec<usize> = counts.values().copied().collect();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(counts["..."], sorted[0]);
            assert_eq!(of_answers, sorted[1..4], "ranks 2, 3 and 4");
            assert!(sorted[4..].iter().all(|count| *count < sorted[3]), "{sorted:?}");
            assert!((sorted[0] as f64 / sorted[1] as f64 - 4.0).abs() < 0.5, "{sorted:?}");
        }
    }
}

#[test]
fn documents_of_the_question_are_among_those_given() {
    let folder = tempfile::tempdir().unwrap();
    let generator = Generator {
        rows: 4,
        lengths: vec![1024],
        questions: questions(folder.path()),
        ..Generator::default()
    };
    for row in generator.samples(&tasks(&["qa_1", "qa_2"]), &Pieces).unwrap() {
        let town = row.question.split("own ").nth(1).unwrap().split(' ').next().unwrap();
        assert!(row.context.contains(&format!("Town {town} lies")), "{}", row.question);
        let documents = row.context.matches("Document ").count();
        assert!(documents > 10, "{documents}");
        if row.task == "qa_1" {
            assert_eq!(row.extra[0].texts().len(), 1, "the same answer of two annotators");
            let of_article = (0..60).filter(|i| row.context.contains(&format!("Town {i} lies"))).count();
            assert_eq!(of_article, documents, "paragraphs of the same article come before others");
        }
    }
}

#[test]
fn what_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let questions = questions(folder.path());
    let error = |names: &[&str], generator: Generator| {
        let error = generator.samples(&tasks(names), &Pieces).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "DIR")
    };
    let of = |length: usize| Generator { rows: 1, lengths: vec![length], ..Generator::default() };
    let message = error(&["cwe"], of(200));
    assert!(message.starts_with("cwe does not fit in 200 tokens: its shortest row takes "), "{message}");
    assert!(error(&["qa_1"], of(1024)).contains("give SQuAD 2.0's or HotpotQA's dev file"));
    let message = error(&["qa_1"], Generator { questions: questions[..1].to_vec(), ..of(100_000) });
    assert!(message.starts_with("DIR/squad.json: too few documents for qa_1 at 100000 tokens"), "{message}");
    let message = error(&["qa_1", "vt"], Generator { questions: questions.clone(), ..of(1024) });
    assert_eq!(message, "DIR/hotpot.json: the questions of qa_2, which is not run");
    let message = error(&["qa_2"], Generator { questions: questions[1..].to_vec(), rows: 71, ..of(1024) });
    assert!(
        message.starts_with("DIR/hotpot.json: 70 questions for qa_2, and 71 rows are asked for"),
        "{message}"
    );
    let message = error(&["vt", "niah_single_1"], Generator { haystack: Haystack::Noise, ..of(1024) });
    assert!(message.starts_with("no haystack but prose has an effect"), "{message}");
    let twice = vec![questions[0].clone(), questions[0].clone()];
    assert!(
        error(&["qa_1"], Generator { questions: twice, ..of(1024) })
            .contains("a second file of the same questions")
    );
    std::fs::write(&questions[0], "{\"data\": 3}").unwrap();
    let message = error(&["qa_1"], Generator { questions, ..of(1024) });
    assert!(message.starts_with("DIR/squad.json: line 1: expected a JSON object: of SQuAD 2.0"), "{message}");
    let message =
        error(&["niah_single_2"], Generator { haystack: Haystack::Text("/no/such".into()), ..of(1024) });
    assert!(message.starts_with("/no/such: "), "{message}");
    let message = of(1024).samples(&tasks(&["niah_single_2"]), &One).unwrap_err().to_string();
    assert!(message.contains("its row still takes only 129; the model's tokenizer"), "{message}");
    let message =
        Generator { lengths: vec![512, 4096], ..of(0) }.samples(&tasks(&["vt"]), &Small).unwrap_err();
    assert_eq!(
        message.to_string(),
        "rows of 4096 tokens are longer than the model's 4095 positions; ask for shorter lengths"
    );
    // Without their files the other tasks are made.
    assert_eq!(of(1024).samples(&tasks(&["fwe", "qa_1"]), &Pieces).unwrap().len(), 1);
    assert_eq!(TASKS.len(), 13);
}
