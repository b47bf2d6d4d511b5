//! One text, one question, dense and sparse attention side by side.
//!
//! ```sh
//! cargo xtask example simple_comparison [MODEL]
//! ```
//!
//! `MODEL` is a folder, a GGUF file or a hub's id; the default model where it is left out.

#![expect(clippy::print_stdout, reason = "prints its result")]

use anyhow::Context as _;
use sah_adapter::{
    GenerationParams, HfAdapter, LoadedModel, ModelAdapter as _, ModelSource, Question, Request,
    RequestLimits,
};
use sah_attention::{AttentionConfig, ResearchAttention, Size};
use tch::{Device, Kind};

/// Where `cargo xtask setup` puts the default model.
const DEFAULT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

fn main() -> anyhow::Result<()> {
    let model = std::env::args().nth(1).unwrap_or_else(|| DEFAULT.to_owned());
    let model = LoadedModel::load(&ModelSource::parse(&model)?, Device::Cpu, Kind::Float)?;

    // The answer stands in the middle, where a window on the last tokens does not reach.
    let filler = |days: std::ops::Range<u32>| -> String {
        days.flat_map(|day| {
            [
                "Day ".to_owned(),
                day.to_string(),
                ": the sea was calm and the keeper counted the boats. ".to_owned(),
            ]
        })
        .collect()
    };
    let request = Request {
        context: format!("{}The password of the tower is \"marigold\". {}", filler(1..30), filler(30..60)),
        questions: vec![Question::from("What is the password of the tower? Answer with one word.")],
        ..Request::default()
    };
    let generation = GenerationParams { max_new_tokens: Some(12), ..GenerationParams::default() };

    // The first 4 keys and the last 64 for every token after the context; and the 64 keys with the highest scores.
    let streaming = AttentionConfig::streaming_llm(Size::Count(4), Size::Count(64));
    let oracle =
        AttentionConfig::preset_with("oracle_top_k", &["sink.size=4", "local.size=4", "heavy_size=64"])?;
    for (name, config) in
        [("dense", None), ("streaming_llm", Some(streaming)), ("oracle_top_k", Some(oracle))]
    {
        let attention = config.as_ref().map(ResearchAttention::from_config).transpose()?;
        let adapter = HfAdapter::new(model.clone(), attention, 0);
        let response = adapter.process_request(&request, &generation, &RequestLimits::default())?;
        let answer = response.answers.first().context("one answer for one question")?;
        println!(
            "{name:<13} read {:>5.1} % of {} tokens and says: {}",
            100.0 * answer.stats.density.unwrap_or(1.0),
            response.context.tokens,
            answer.text.trim().replace('\n', " ")
        );
    }
    Ok(())
}
