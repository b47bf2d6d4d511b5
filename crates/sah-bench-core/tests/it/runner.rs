//! What the runner asks the model, and what becomes of the answers.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use sah_bench_core::{GroupFinished, GroupStarted, RunFolder, RunObserver, Runner};
use sah_request::{
    Answer, ContextStats, GenerationParams, PromptForm, RequestLimits, RequestObserver, RequestResponse,
};

use crate::support::{ScriptedModel, TinyBenchmark, right_answers, run, sample};

#[test]
fn one_request_per_context_in_order_of_first_appearance() {
    let model = ScriptedModel::right();
    let samples = vec![
        sample("qa", "zebra", "q0"),
        sample("qa", "apple", "q1"),
        sample("trec", "zebra", "q2"),
        sample("trec", "mango", "q3"),
        sample("qa_e", "apple", "q4"),
    ];
    let outcome = run(samples.clone(), &model, &mut ());
    let asked: Vec<(String, Vec<String>)> = model
        .requests
        .borrow()
        .iter()
        .map(|request| {
            (
                request.context.clone(),
                request.questions.iter().map(|question| question.text.clone()).collect(),
            )
        })
        .collect();
    let expect = [("zebra", vec!["q0", "q2"]), ("apple", vec!["q1", "q4"]), ("mango", vec!["q3"])];
    assert_eq!(asked.len(), 3);
    for ((context, questions), (expected_context, expected_questions)) in asked.iter().zip(&expect) {
        assert_eq!(context, expected_context);
        assert_eq!(questions, expected_questions);
    }

    assert_eq!((outcome.groups, outcome.groups_failed, outcome.rows_failed), (3, 0, 0));
    for (index, (record, sample)) in outcome.records.iter().zip(&samples).enumerate() {
        assert_eq!(record.index, index);
        assert_eq!(&record.sample, sample, "the sample is as it was loaded");
        assert_eq!(record.predicted_answer, format!("q{index}!"));
    }
    let sizes: Vec<usize> =
        outcome.records.iter().map(|record| record.stats.as_ref().unwrap().group_size).collect();
    assert_eq!(sizes, [2, 2, 2, 1, 2]);
}

/// A context in a chat template is not the same text as one without, so its rows cannot be answered together.
#[test]
fn subsets_given_as_plain_text_are_asked_apart() {
    let model = ScriptedModel::right();
    let samples = vec![sample("qa", "same", "a"), sample("trec", "same", "b"), sample("qa", "same", "c")];
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let runner = Runner {
        benchmark: &TinyBenchmark::default(),
        repeats: NonZeroUsize::MIN,
        adapter: &model,
        generation: &GenerationParams::default(),
        limits: &RequestLimits::default(),
        plain_subsets: &["trec".to_owned()],
        stop: &AtomicBool::new(false),
    };
    let outcome = runner.run(samples, &mut folder, &mut ()).unwrap();
    assert_eq!(outcome.groups, 2);
    let asked: Vec<_> = model
        .requests
        .borrow()
        .iter()
        .map(|request| {
            let questions = request.questions.iter().map(|question| question.text.clone());
            (request.form, questions.collect::<String>())
        })
        .collect();
    assert_eq!(asked, [(PromptForm::Chat, "ac".to_owned()), (PromptForm::Plain, "b".to_owned())]);
}

#[test]
fn each_row_keeps_its_own_prefix_and_limit() {
    let model = ScriptedModel::right();
    let mut samples = vec![sample("qa", "same", "a"), sample("trec", "same", "b")];
    samples[0].answer_prefix = "Answer: ".to_owned();
    samples[0].max_new_tokens = 32;
    samples[1].answer_prefix = String::new();
    samples[1].max_new_tokens = 512;
    run(samples, &model, &mut ());
    let requests = model.requests.borrow();
    let seen: Vec<_> = requests[0]
        .questions
        .iter()
        .map(|question| (question.answer_prefix.as_deref(), question.max_new_tokens))
        .collect();
    assert_eq!(seen, [(Some("Answer: "), Some(32)), (Some(""), Some(512))]);
}

#[test]
fn a_failing_context_costs_only_its_own_rows() {
    let model = ScriptedModel::failing_on("bad");
    let samples = vec![
        sample("qa", "good", "a"),
        sample("qa", "bad", "b"),
        sample("trec", "bad", "c"),
        sample("qa", "fine", "d"),
    ];
    let outcome = run(samples, &model, &mut ());
    assert_eq!((outcome.rows_failed, outcome.groups_failed), (2, 1));
    let rows: Vec<_> = outcome
        .records
        .iter()
        .map(|record| (record.predicted_answer.as_str(), record.error.as_deref(), record.stats.is_some()))
        .collect();
    let failed = ("", Some("out of memory"), false);
    assert_eq!(rows, [("a!", None, true), failed, failed, ("d!", None, true)]);
    assert_eq!(outcome.records[1].sample.context, "bad");
}

#[test]
fn a_panic_in_the_model_costs_only_its_own_rows() {
    let model = ScriptedModel::new(|request| {
        assert!(request.context != "bad", "tensor of shape [{}]", 3);
        Ok(right_answers(request))
    });
    let outcome = run(vec![sample("qa", "bad", "a"), sample("qa", "good", "b")], &model, &mut ());
    assert_eq!(outcome.records[0].error.as_deref(), Some("the model panicked: tensor of shape [3]"));
    assert_eq!(outcome.records[0].sample.context, "bad");
    assert_eq!(outcome.records[1].predicted_answer, "b!");
}

#[test]
fn a_wrong_number_of_answers_is_a_failure() {
    for (given, text) in
        [(1, "the model gave 1 answers to 2 questions"), (3, "the model gave 3 answers to 2 questions")]
    {
        let model = ScriptedModel::new(move |_| {
            Ok(RequestResponse { answers: vec![Answer::default(); given], context: ContextStats::default() })
        });
        let outcome = run(vec![sample("qa", "c", "a"), sample("qa", "c", "b")], &model, &mut ());
        assert_eq!(outcome.rows_failed, 2);
        for record in &outcome.records {
            assert_eq!(record.error.as_deref(), Some(text));
        }
    }
}

#[test]
fn figures_that_are_no_figures_are_a_failure() {
    let check = |spoil: fn(&mut RequestResponse), text: &str| {
        let model = ScriptedModel::new(move |request| {
            let mut response = right_answers(request);
            spoil(&mut response);
            Ok(response)
        });
        let outcome = run(vec![sample("qa", "c", "a")], &model, &mut ());
        let error = outcome.records[0].error.clone().unwrap();
        assert!(error.contains(text), "{error}");
    };
    check(|response| response.context.prefill_seconds = f64::NAN, "prefill_seconds = NaN");
    check(|response| response.answers[0].stats.decode_seconds = -1.0, "decode_seconds = -1");
    check(|response| response.answers[0].stats.question_seconds = f64::INFINITY, "question_seconds = inf");
    check(|response| response.answers[0].stats.density = Some(f64::NAN), "a density of NaN");
    check(|response| response.answers[0].stats.density = Some(1.5), "a density of 1.5");
    check(|response| response.context.kept_keys = vec![vec![0, 9000]], "9000 keys");
}

#[test]
fn the_observer_hears_of_every_group() {
    #[derive(Default)]
    struct Notes(RefCell<Vec<String>>);
    impl RequestObserver for Notes {}
    impl RunObserver for Notes {
        fn group_started(&mut self, group: &GroupStarted<'_>) {
            self.0.get_mut().push(format!(
                "start {}/{} rows {} done {}/{} {} {}",
                group.group,
                group.groups,
                group.rows,
                group.rows_done,
                group.rows_total,
                group.task,
                group.context_bytes
            ));
        }

        fn group_finished(&mut self, group: &GroupFinished<'_>) {
            self.0.get_mut().push(format!(
                "end {}/{} done {}/{} failed {} tokens {} {} {:?}",
                group.group,
                group.groups,
                group.rows_done,
                group.rows_total,
                group.rows_failed,
                group.context_tokens,
                group.generated_tokens,
                group.error
            ));
        }
    }
    let model = ScriptedModel::failing_on("bad");
    let samples = vec![sample("qa", "good", "a"), sample("qa", "bad!!", "b"), sample("trec", "good", "c")];
    let mut notes = Notes::default();
    run(samples, &model, &mut notes);
    assert_eq!(
        notes.0.into_inner(),
        [
            "start 0/2 rows 2 done 0/3 qa 4",
            "end 0/2 done 2/3 failed 0 tokens 4 6 None",
            "start 1/2 rows 1 done 2/3 qa 5",
            "end 1/2 done 3/3 failed 1 tokens 0 0 Some(\"out of memory\")",
        ]
    );
}
