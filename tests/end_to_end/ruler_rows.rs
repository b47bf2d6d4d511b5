//! RULER's generated rows with the default model: a short form of `cargo xtask example ruler_rows`, and what an adapter reads of
//! them.

use sah_adapter::{
    ChatTemplateOptions, HfAdapter, LoadedModel, ModelSource, ModelTokenizer, PromptForm, Question, Request,
    RequestLimits, TokenCount as _, Tokenisation,
};
use sah_bench_core::{Sample, Value, samples_hash};
use sah_ruler::SUBSETS;
use sah_tests::default_model;
use sah_tests::ruler_rows::{check, rows, write_questions};
use tch::{Device, Kind};

fn tokenizer() -> ModelTokenizer {
    let source = ModelSource::Gguf(default_model());
    ModelTokenizer::open_with(&source, &ChatTemplateOptions::default()).unwrap()
}

#[test]
fn rows_keep_their_budgets_and_have_their_answers_in_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [512, 1024, 4096, 8192];
    let found = check(&lengths, 0..3, folder.path(), &tokenizer()).unwrap();
    assert_eq!((found.rows, found.fits.len()), (SUBSETS.len() * lengths.len() * 3, SUBSETS.len()));
    // Of so few rows only what there are many draws of says something.
    let depths = found.statistics.iter().find(|statistic| statistic.name.starts_with("depths")).unwrap();
    assert!(depths.count >= 80 && depths.is_even(), "{depths:?}");
}

#[test]
fn the_same_bytes_come_again_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let questions = write_questions(folder.path()).unwrap();
    let hash = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // Whatever is counted once for all rows is counted anew.
        let tokenizer = tokenizer();
        pool.install(|| samples_hash(&rows(&SUBSETS, &[600, 2048], 2, 42, &questions, &tokenizer).unwrap()))
    };
    let first = hash(2);
    assert_eq!([hash(1), hash(2)], [first.clone(), first]);
}

#[test]
fn an_adapter_reads_as_many_tokens_as_were_counted() {
    let folder = tempfile::tempdir().unwrap();
    let questions = write_questions(folder.path()).unwrap();
    let source = ModelSource::Gguf(default_model());
    let model = LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap();
    for tokenisation in [Tokenisation::Whole, Tokenisation::Apart] {
        for form in [PromptForm::Chat, PromptForm::Plain] {
            let tokenizer = match form {
                PromptForm::Chat => tokenizer(),
                PromptForm::Plain => ModelTokenizer::open(&source).unwrap().without_template(),
            };
            let tokenizer = tokenizer.with_tokenisation(tokenisation);
            let adapter = HfAdapter::new(model.clone(), None, 0).with_tokenisation(tokenisation);
            for row in rows(&SUBSETS, &[512, 3000], 2, 7, &questions, &tokenizer).unwrap() {
                let Sample { task, context, question, answer_prefix, max_new_tokens, extra } = row;
                let question = Question {
                    text: question,
                    answer_prefix: Some(answer_prefix),
                    max_new_tokens: Some(max_new_tokens),
                    ..Question::default()
                };
                let request = Request { form, ..Request::new(context, question) };
                let tokens = adapter.tokenise(&request, &RequestLimits::default()).unwrap();
                let read = tokens.context_ids.len() + tokens.question_ids[0].len();
                let room = tokenizer.answer_room(max_new_tokens);
                assert_eq!(
                    extra[2],
                    Value::Integer((read + room) as i64),
                    "{task} {form:?} {tokenisation:?}"
                );
            }
        }
    }
}
