//! Several answers to each sample, and answers that are asked for after a reasoning.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sah_bench_core::{
    Error, FinishedRun, Record, Resumed, RunFolder, RunMeasures, Runner, Sample, Shard, ShardResults,
    merge_shards, read_results,
};
use sah_request::{Draws, GenerationParams, Question, Request, RequestLimits, RequestResponse};

use crate::resume::{files, measured, samples};
use crate::support::{ScriptedModel, TinyBenchmark, config, sample};

/// Asks for an answer after the reasoning.
const TWICE: TinyBenchmark = TinyBenchmark { samples: Vec::new(), accident: None, asks_again: true };
const ONCE: TinyBenchmark = TinyBenchmark { samples: Vec::new(), accident: None, asks_again: false };

/// Answers `samples` so often, or a shard of them, until `stop`.
fn run(
    (benchmark, repeats): (&TinyBenchmark, usize),
    (shard, stop): (Shard, &AtomicBool),
    samples: Vec<Sample>,
    (model, folder): (&ScriptedModel<'_>, &mut RunFolder),
) -> Result<Vec<Record>, Error> {
    let runner = Runner {
        benchmark,
        repeats: NonZeroUsize::new(repeats).unwrap(),
        adapter: model,
        generation: &GenerationParams::default(),
        limits: &RequestLimits::default(),
        plain_subsets: &[],
        stop,
    };
    runner.run_shard(shard, samples, folder, &mut ()).map(|outcome| outcome.records)
}

fn finish(folder: RunFolder, benchmark: &TinyBenchmark, records: &[Record]) -> FinishedRun {
    folder.finish(benchmark, &config(), records, RunMeasures::default()).unwrap()
}

fn open(directory: &Path) -> RunFolder {
    match RunFolder::resume(directory, "run", "quest").unwrap() {
        Resumed::Unfinished(folder) => folder,
        Resumed::Finished(run) => panic!("{} is finished", run.folder.display()),
    }
}

/// A whole run with this model.
fn whole(
    directory: &Path,
    (benchmark, repeats): (&TinyBenchmark, usize),
    samples: Vec<Sample>,
    model: &ScriptedModel<'_>,
) -> FinishedRun {
    let mut folder = open(directory);
    folder.write_config(&config()).unwrap();
    let all = (Shard::UNDIVIDED, &AtomicBool::new(false));
    let records = run((benchmark, repeats), all, samples, (model, &mut folder)).unwrap();
    finish(folder, benchmark, &records)
}

fn draws(question: &Question) -> Draws {
    question.draws.unwrap()
}

#[test]
fn all_answers_about_a_context_are_asked_in_one_request() {
    let (directory, model) = (tempfile::tempdir().unwrap(), ScriptedModel::right());
    let finished = whole(directory.path(), (&ONCE, 3), samples(), &model);
    let requests = model.requests.borrow();
    assert_eq!(requests.len(), 4, "one for each context");
    let asked: Vec<(&str, u64)> =
        requests[0].questions.iter().map(|question| (&*question.text, draws(question).repeat)).collect();
    assert_eq!(asked, [("a", 0), ("d", 0), ("a", 1), ("d", 1), ("a", 2), ("d", 2)]);
    let streams: Vec<u64> = requests[0].questions.iter().map(|question| draws(question).stream).collect();
    assert!(streams[0] != streams[1] && streams[0] == streams[4] && streams[1] == streams[5]);

    let rows = read_results(&finished.folder.join("raw_results.parquet"), &[]).unwrap();
    let rows: Vec<(usize, String, Option<usize>)> =
        rows.map(|row| row.unwrap()).map(|row| (row.index, row.sample.question, row.repeat)).collect();
    let expected = ["a", "b", "c", "d", "e"].iter().enumerate().flat_map(|(row, question)| {
        (0..3).map(move |repeat| (3 * row + repeat, (*question).to_owned(), Some(repeat)))
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    assert_eq!(finished.detailed.rows, 15);
    // The context of `one` is read once, for six answers.
    assert!((finished.detailed.total.prefill.seconds - 6.0).abs() < 1e-9);
}

#[test]
fn what_an_answer_draws_follows_from_row_and_repeat_alone() {
    let of = |repeats: usize, samples: Vec<Sample>, question: &str| {
        let (directory, model) = (tempfile::tempdir().unwrap(), ScriptedModel::right());
        whole(directory.path(), (&ONCE, repeats), samples, &model);
        let requests = model.requests.borrow();
        let all = requests.iter().flat_map(|request| &request.questions);
        let mut found: Vec<Draws> = all.filter(|one| one.text == question).map(draws).collect();
        found.truncate(2);
        found
    };
    let expected = of(2, samples(), "d");
    assert_eq!(expected.len(), 2);
    let reversed = samples().into_iter().rev().collect();
    assert_eq!(of(5, reversed, "d"), expected);
    assert_eq!(of(2, samples().split_off(3), "d"), expected, "without the rows before it");
    assert_ne!(of(2, samples(), "a")[0].stream, expected[0].stream);
}

#[test]
fn a_single_answer_leaves_no_trace_of_repeats() {
    let (directory, model) = (tempfile::tempdir().unwrap(), ScriptedModel::right());
    let finished = whole(directory.path(), (&ONCE, 1), samples(), &model);
    assert!(
        model.requests.borrow().iter().flat_map(|request| &request.questions).all(|one| one.draws.is_none())
    );
    assert_eq!(finished.repeats, None);
    for file in ["raw_results.csv", "journal.jsonl", "metrics.json"] {
        let text = fs::read_to_string(finished.folder.join(file)).unwrap();
        assert!(!text.contains("repeat") && !text.contains("reasoning"), "{file}: {text}");
    }
}

#[test]
fn several_answers_have_means_and_pass_at_k() {
    let directory = tempfile::tempdir().unwrap();
    // `a` is right in all of four answers, `b` in one, the others never.
    let model = ScriptedModel::new(|request| {
        let mut response = crate::support::right_answers(request);
        for (answer, question) in response.answers.iter_mut().zip(&request.questions) {
            let is_right = question.text == "a" || question.text == "b" && draws(question).repeat == 2;
            if !is_right {
                answer.text = "wrong".to_owned();
            }
        }
        Ok(response)
    });
    let finished = whole(directory.path(), (&ONCE, 4), samples(), &model);
    let repeats = finished.repeats.clone().unwrap();
    assert_eq!(repeats.count, 4);
    let qa = &repeats.figures["qa"];
    assert_eq!((qa.rows, qa.mean.unwrap().value), (2, 62.5));
    let pass: Vec<(usize, f64)> = qa.pass.iter().map(|(k, figure)| (*k, figure.value)).collect();
    assert_eq!(pass, [(1, 62.5), (2, 75.0), (4, 100.0)]);
    let (low, high) = (qa.mean.unwrap().low.unwrap(), qa.mean.unwrap().high.unwrap());
    assert_eq!(
        (low, high),
        (25.0, 100.0),
        "samples of two rows: both the one, both the other, or one of each"
    );
    assert_eq!(repeats.figures["qa_e"].mean.unwrap().low, None, "a single row");

    // The table of them, with which reports and terminals show them.
    let tables = finished.further(&ONCE);
    let table = tables.last().unwrap();
    let shown: Vec<_> = table.figures.iter().take(4).map(|it| (it.label(), it.value.unwrap())).collect();
    let expected = [("qa avg@4", 62.5), ("qa pass@1", 62.5), ("qa pass@2", 75.0), ("qa pass@4", 100.0)];
    assert_eq!(shown, expected.map(|(label, value)| (label.to_owned(), value)));
    assert_eq!(table.find("qa", Some("avg@4")).unwrap().interval, Some([25.0, 100.0]));
    assert_eq!(table.find("qa_e", Some("avg@4")).unwrap().interval, None);
    assert_eq!(FinishedRun::read(&finished.folder).unwrap(), finished, "as it is read back");
}

/// Reasons `QUESTION?`, then gives the right answer to `QUESTION|REASONING`, each with a measured call.
fn reasons(request: &Request) -> RequestResponse {
    let mut response = measured(request);
    for (answer, question) in response.answers.iter_mut().zip(&request.questions) {
        answer.text = match question.text.split_once('|') {
            None => format!("{}?", question.text),
            Some((question, reasoning)) => {
                assert_eq!(reasoning, format!("{question}?"));
                format!("{question}!")
            }
        };
    }
    response
}

#[test]
fn a_follow_up_is_asked_without_the_context_and_gives_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new(|request| Ok(reasons(request)));
    let finished = whole(directory.path(), (&TWICE, 1), vec![sample("qa", "one", "a")], &model);
    let requests = model.requests.borrow();
    let [first, second] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((&*first.context, &*first.questions[0].text), ("one", "a"));
    assert_eq!((&*second.context, &*second.questions[0].text), ("", "a|a?"));
    assert_eq!((second.questions[0].max_new_tokens, &second.questions[0].answer_prefix), (Some(5), &None));
    assert_eq!(finished.metrics.task_scores["qa"], sah_bench_core::TaskScore::Single(100.0));

    let row =
        read_results(&finished.folder.join("raw_results.parquet"), &[]).unwrap().next().unwrap().unwrap();
    assert_eq!((row.reasoning.as_deref(), &*row.predicted_answer), (Some("a?"), "a!"));
    // Both requests count.
    let total = &finished.detailed.total;
    assert_eq!((total.question.tokens, total.question.seconds), (1 + 4, 0.25 + 0.25 + 1.5));
    assert_eq!((total.decode.tokens, total.decode.seconds, total.generated_tokens), (4, 1.0, 6));
    assert_eq!((total.prefill.tokens, total.prefill.seconds), (3, 1.5));
    assert_eq!(finished.micro_metrics.as_ref().unwrap().calls, 14);
    let mut csv = csv::Reader::from_path(finished.folder.join("raw_results.csv")).unwrap();
    let header = csv.headers().unwrap().clone();
    let record = csv.records().next().unwrap().unwrap();
    let cell = |name: &str| &record[header.iter().position(|column| column == name).unwrap()];
    assert_eq!(
        (cell("reasoning"), cell("reasoning_question_tokens"), cell("question_tokens")),
        ("a?", "1", "4")
    );
    assert_eq!((cell("reasoning_question_seconds"), cell("question_seconds")), ("0.25", "1.75"));
    assert_eq!((cell("reasoning_density"), cell("density")), ("0.125", "0.125"));
}

#[test]
fn a_row_whose_follow_up_fails_has_no_answer_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new(|request| match request.context.as_str() {
        "" => Err("out of memory".to_owned()),
        _ => Ok(reasons(request)),
    });
    let mut folder = open(directory.path());
    let all = (Shard::UNDIVIDED, &AtomicBool::new(false));
    let records = run((&TWICE, 1), all, vec![sample("qa", "one", "a")], (&model, &mut folder)).unwrap();
    let error = records[0].error.as_deref();
    assert_eq!(error, Some("the request after the reasoning: out of memory"));
    assert_eq!((&records[0].reasoning, &records[0].stats), (&None, &None));
}

/// Four samples, twice each, with a reasoning before each answer: the files of a run that nothing disturbed.
fn undisturbed() -> Vec<(String, Vec<u8>)> {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new(|request| Ok(reasons(request)));
    let finished = whole(directory.path(), (&TWICE, 2), samples(), &model);
    assert_eq!(model.requests.borrow().len(), 4 + 10);
    assert_eq!(finished.metrics.overall_score, Some(0.0), "as the benchmark has it");
    files(&finished.folder)
}

#[test]
fn whatever_a_kill_leaves_it_gives_the_same_files() {
    let expected = undisturbed();
    let bytes = |name: &str| &expected.iter().find(|file| file.0 == name).unwrap().1;
    let (journal, log) = (bytes("journal.jsonl"), bytes("micro_metrics.jsonl"));
    for cut in (0..=journal.len()).step_by(97) {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("run/quest");
        drop(open(directory.path()));
        fs::write(folder.join("journal.jsonl"), &journal[..cut]).unwrap();
        let rows = sah_bench_core::read_journal(&folder.join("journal.jsonl")).unwrap().records.len();
        // Four lines for each row: two requests with a call of two metrics.
        let lines = log.split_inclusive(|byte| *byte == b'\n').take(4 * rows);
        let length = (lines.map(<[u8]>::len).sum::<usize>() + cut % 700).min(log.len());
        fs::write(folder.join("micro_metrics.jsonl"), &log[..length]).unwrap();
        let model = ScriptedModel::new(|request| Ok(reasons(request)));
        let finished = whole(directory.path(), (&TWICE, 2), samples(), &model);
        assert!(files(&finished.folder) == expected, "journal of {cut} bytes");
    }
}

#[test]
fn a_run_that_is_stopped_or_divided_gives_the_same_files() {
    let expected = undisturbed();
    for contexts in 1..4 {
        let (directory, stop) = (tempfile::tempdir().unwrap(), AtomicBool::new(false));
        let asked = std::cell::Cell::new(0);
        let model = ScriptedModel::new(|request| {
            asked.set(asked.get() + usize::from(!request.context.is_empty()));
            stop.store(asked.get() == contexts, Ordering::Relaxed);
            Ok(reasons(request))
        });
        let mut folder = open(directory.path());
        folder.write_config(&config()).unwrap();
        let stopped = run((&TWICE, 2), (Shard::UNDIVIDED, &stop), samples(), (&model, &mut folder));
        assert!(matches!(stopped, Err(Error::Interrupted { .. })));
        drop(folder);
        let finished =
            whole(directory.path(), (&TWICE, 2), samples(), &ScriptedModel::new(|it| Ok(reasons(it))));
        assert!(files(&finished.folder) == expected, "stopped after {contexts}");
    }

    let (directory, count) = (tempfile::tempdir().unwrap(), NonZeroUsize::new(3).unwrap());
    for shard in Shard::all(count) {
        let folder = RunFolder::resume(&directory.path().join("run"), "quest", &shard.folder()).unwrap();
        let Resumed::Unfinished(mut folder) = folder else { panic!("a shard has no scores") };
        folder.write_config(&config()).unwrap();
        let model = ScriptedModel::new(|request| Ok(reasons(request)));
        let part = (shard, &AtomicBool::new(false));
        let records = run((&TWICE, 2), part, samples(), (&model, &mut folder)).unwrap();
        let measures = RunMeasures::default();
        folder.finish_shard(&ShardResults { rows: records.len(), rows_failed: 0, measures }).unwrap();
    }
    let merged = merge_shards(directory.path(), "run", "quest", count, &TWICE).unwrap();
    for (name, bytes) in &expected {
        assert!(&fs::read(merged.folder.join(name)).unwrap() == bytes, "{name} differs");
    }
}

#[test]
fn a_journal_of_another_number_of_repeats_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::right();
    let all = (Shard::UNDIVIDED, &AtomicBool::new(false));
    run((&ONCE, 2), all, samples(), (&model, &mut open(directory.path()))).unwrap();
    let error = run((&ONCE, 1), all, samples(), (&model, &mut open(directory.path()))).unwrap_err();
    assert!(matches!(error, Error::SampleChanged { row: 0, .. }), "{error}");
}
