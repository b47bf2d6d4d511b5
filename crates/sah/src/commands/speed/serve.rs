//! One of our own sides: a process with a model in one precision, which answers jobs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use sah_adapter::{
    Answer, GenerationConfigUse, GenerationParams, HfAdapter, LoadedModel, ModelAdapter as _, ModelOptions,
    Question, Request, RequestLimits, Tokenisation,
};
use serde::Serialize;

use super::job::{Hello, Job, Model, Outcome};
use crate::App;
use crate::args::{PrecisionArgs, SpeedArgs};
use crate::exit;
use crate::{attention, memory, model, versions};

/// Answers the jobs on standard input until it ends.
pub(super) fn run(app: &App, args: &SpeedArgs, precision: PrecisionArgs) -> anyhow::Result<u8> {
    let attentions = attention::named(app, &args.attention, super::ATTENTIONS)?;
    let source = model::fetch(&model::source(&args.place.model, args.place.revision.as_deref())?)?;
    let model = model::load(&args.model(precision), &source, &ModelOptions::default())?;
    model::say_notes(&model);
    let libtorch = versions::libtorch().unwrap_or_default();
    let versions = [("sah", versions::SAH.to_owned()), ("libtorch", libtorch)];
    tell(&Hello {
        versions: versions.map(|(name, version)| (name.to_owned(), version)).into(),
        model: Some(Model { identity: model.identity().clone(), sizes: model.sizes() }),
    })?;
    let adapters: BTreeMap<&str, HfAdapter> = attentions
        .iter()
        .map(|attention| Ok((attention.name.as_str(), fixed(attention.adapter(&model, 0)?))))
        .collect::<anyhow::Result<_>>()?;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?).context("a job on standard input")?;
        let adapter = adapters.get(job.attention.as_str());
        let adapter = adapter.with_context(|| format!("no attention {:?}", job.attention))?;
        tell(&answer(&job, &model, adapter)?)?;
    }
    Ok(exit::DONE)
}

/// Whose work depends on nothing but the job: contexts have the length that it says, and choosing a token costs the same for
/// every model.
fn fixed(adapter: HfAdapter) -> HfAdapter {
    adapter.with_tokenisation(Tokenisation::Apart).with_generation_config(GenerationConfigUse::Ignore)
}

fn tell(line: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    Ok(out.flush()?)
}

fn answer(job: &Job, model: &LoadedModel, adapter: &HfAdapter) -> anyhow::Result<Outcome> {
    if job.fresh {
        // Lets go of what was read before, and keeps what is read now.
        model.keep_contexts(0);
    }
    model.keep_contexts(usize::MAX);
    let request = Request {
        context: text_of(job.context),
        questions: (0..job.questions)
            .map(|question| Question::from(format!("Go on with the log of day {}.", question % 10)))
            .collect(),
        ..Request::default()
    };
    // The question gives the first new token; the rest is decoding.
    let generation = GenerationParams {
        max_new_tokens: Some(job.new_tokens + 1),
        ignore_eos: true,
        ..GenerationParams::default()
    };
    let limits = RequestLimits {
        max_context_length: Some(job.context),
        ignore_positions: true,
        ..RequestLimits::default()
    };
    memory::reset_peak();
    let started = Instant::now();
    let response = adapter.process_request(&request, &generation, &limits)?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(response.context.tokens == job.context, "the context has {} tokens", response.context.tokens);
    let sum = |figure: fn(&Answer) -> f64| response.answers.iter().map(figure).sum::<f64>();
    let generated: usize = response.answers.iter().map(|answer| answer.stats.generated_tokens).sum();
    Ok(Outcome {
        seconds,
        prefill_seconds: response.context.prefill_seconds,
        question_tokens: response.answers[0].stats.question_tokens,
        question_seconds: sum(|answer| answer.stats.question_seconds),
        decode_seconds: sum(|answer| answer.stats.decode_seconds),
        decoded: generated - response.answers.len(),
        density: response.answers[0].stats.density,
        peak_bytes: memory::peak_bytes(),
    })
}

/// A text of more than `tokens` tokens: every line has at least eight words.
fn text_of(tokens: usize) -> String {
    let days = (0..=tokens / 8).map(|day| day.to_string());
    days.flat_map(|day| {
        ["Day ".to_owned(), day, ": the keeper lit the lamp and counted the boats. ".to_owned()]
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_has_more_words_than_tokens_are_asked_for() {
        for tokens in [16, 1000, 4096] {
            assert!(super::text_of(tokens).split_whitespace().count() > tokens);
        }
    }
}
