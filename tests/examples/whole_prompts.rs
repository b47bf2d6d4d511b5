//! Compares tokens of LongBench prompts and greedy answers with those of transformers:
//!
//! ```sh
//! cargo xtask example whole_prompts FILE.json
//! ```
//!
//! `tests/reference/whole_prompts.py` makes such a file. Prints what differs, how many prompts and answers are equal, and how
//! many prompts have other tokens where context and question are tokenised apart.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::time::Instant;

use anyhow::Context as _;
use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelSource, Question, Request, RequestLimits, Tokenisation,
};
use serde::Deserialize;
use tch::{Device, Kind};

#[derive(Deserialize)]
struct Document {
    model: String,
    max_new_tokens: usize,
    transformers: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    task: String,
    context: String,
    question: String,
    answer_prefix: String,
    /// Tokens of the prompt with the whole context.
    ids: Vec<u32>,
    /// The context of the answer, where there is one.
    cut: Option<String>,
    answer: Option<Vec<u32>>,
}

impl Row {
    fn request(&self, context: &str) -> Request {
        let question = Question {
            text: self.question.clone(),
            answer_prefix: Some(self.answer_prefix.clone()),
            max_new_tokens: None,
            ..Question::default()
        };
        Request::new(context, question)
    }
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("name the file of whole_prompts.py")?;
    let document: Document = serde_json::from_slice(&std::fs::read(&path)?)?;
    let model = LoadedModel::load(&ModelSource::parse(&document.model)?, Device::Cpu, Kind::Float)?;
    let whole = HfAdapter::new(model.clone(), None, 0);
    let apart = HfAdapter::new(model, None, 0).with_tokenisation(Tokenisation::Apart);
    let limits = RequestLimits::default();
    let (mut equal, mut equal_apart, mut border) = (0, 0, 0);
    let started = Instant::now();
    for row in &document.rows {
        let tokens = whole.tokenise(&row.request(&row.context), &limits)?;
        let prompt = [&tokens.context_ids[..], &tokens.question_ids[0]].concat();
        if prompt == row.ids {
            equal += 1;
        } else {
            println!("{}: {} tokens, not {}", row.task, prompt.len(), row.ids.len());
        }
        border += tokens.border_tokens;
        let tokens = apart.tokenise(&row.request(&row.context), &limits)?;
        equal_apart += usize::from([&tokens.context_ids[..], &tokens.question_ids[0]].concat() == row.ids);
    }
    println!(
        "transformers {}: {equal} of {} prompts equal, {border} border tokens; apart {equal_apart}; tokenised twice in {:.1} s",
        document.transformers,
        document.rows.len(),
        started.elapsed().as_secs_f64()
    );
    if let Some(longest) = document.rows.iter().max_by_key(|row| row.context.len()) {
        let mut request = longest.request(&longest.context);
        request.questions = vec![request.questions[0].clone(); 8];
        let started = Instant::now();
        whole.tokenise(&request, &limits)?;
        let (bytes, seconds) = (longest.context.len(), started.elapsed().as_secs_f64());
        println!("8 questions about a context of {bytes} bytes tokenised in {seconds:.2} s");
    }
    let params =
        GenerationParams { max_new_tokens: Some(document.max_new_tokens), ..GenerationParams::default() };
    let mut counts = [0; 3];
    for row in &document.rows {
        let (Some(cut), Some(expected)) = (&row.cut, &row.answer) else { continue };
        let answer = |adapter: &HfAdapter| -> anyhow::Result<Vec<u32>> {
            let (_, trace) = adapter.process_traced(&row.request(cut), &params, &limits)?;
            Ok(trace.answers[0].generated_ids.clone())
        };
        let found = answer(&whole)?;
        if found != *expected {
            println!("{}: answer {found:?}\n    transformers {expected:?}", row.task);
        }
        counts[0] += 1;
        counts[1] += usize::from(found == *expected);
        counts[2] += usize::from(answer(&apart)? == *expected);
    }
    println!("{} of {} answers equal; apart {}", counts[1], counts[0], counts[2]);
    Ok(())
}
