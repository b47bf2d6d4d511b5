//! `cargo xtask calibrate`: files that maskers and retentions need, made from the model itself.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Context as _;
use sah_adapter::{LoadedModel, ModelOptions, ModelSource};
use sah_attention::retention::HeadPattern;
use sah_attention::{ChannelSelection, ChannelStatistics};
use sah_bench_core::data::read_text;
use sah_bench_core::replace_file;

use crate::args::{DoubleSparsityArgs, DuoAttentionArgs, ModelArgs};
use crate::exit;
use crate::model;

/// Reads the texts densely and writes which channels matter most.
pub(crate) fn double_sparsity(args: &DoubleSparsityArgs) -> anyhow::Result<u8> {
    let texts = texts(&args.text)?;
    let selections: Vec<ChannelSelection> = args.channels.iter().copied().map(Into::into).collect();
    let source = model::source(&args.model.place.model, args.model.place.revision.as_deref())?;
    replace_file(&args.out, |out| {
        let model = loaded(&args.model, &source)?;
        let (asked, positions) = (args.block_size as usize, model.positions());
        if asked > positions {
            tracing::warn!(
                "--block-size {asked}: the model has {positions} positions, and blocks are that long"
            );
        }
        let block = asked.min(positions);
        let started = Instant::now();
        let mut statistics = ChannelStatistics::default();
        let mut tokens = 0;
        for text in &texts {
            tokens += model.observe(text, block, &mut statistics)?;
        }
        statistics.write(out, &selections)?;
        tracing::info!(
            "{tokens} tokens read in blocks of {block} in {:.1} s, channels of {} layers ranked",
            started.elapsed().as_secs_f64(),
            statistics.layers()
        );
        anyhow::Ok(())
    })?;
    tracing::info!(
        "use it with --attention double_sparsity --set sorted_channel_file={}",
        args.out.display()
    );
    Ok(exit::DONE)
}

/// Reads the texts densely and writes how much each head retrieves.
pub(crate) fn duo_attention(args: &DuoAttentionArgs) -> anyhow::Result<u8> {
    let texts = texts(&args.text)?;
    let source = model::source(&args.model.place.model, args.model.place.revision.as_deref())?;
    let model = loaded(&args.model, &source)?;
    let started = Instant::now();
    let scores = model.head_scores(&texts, args.tokens as usize)?;
    HeadPattern::write(&args.out, &scores, args.sinks, args.recent)?;
    tracing::info!(
        "{} texts read in {:.1} s, {} layers of {} KV heads scored",
        texts.len(),
        started.elapsed().as_secs_f64(),
        scores.len(),
        scores.first().map_or(0, Vec::len)
    );
    tracing::info!(
        "use it in a file for --retention: {{\"rules\": [{{\"type\": \"duo_attention\", \"pattern_file\": {:?}}}]}}",
        args.out.display().to_string()
    );
    Ok(exit::DONE)
}

fn texts(files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    files.iter().map(|path| read_text(path).context("--text")).collect()
}

fn loaded(args: &ModelArgs, source: &ModelSource) -> anyhow::Result<Rc<LoadedModel>> {
    let options = ModelOptions { config: args.config.overrides(), ..ModelOptions::default() };
    let model = model::load(args, &model::fetch(source)?, &options)?;
    model::say_notes(&model);
    Ok(model)
}
