//! A benchmark with several attentions, from the data to a report: what `cargo xtask bench longbench` and `report` do, in a
//! program of one's own.
//!
//! ```sh
//! cargo xtask example full_comparison RESULT_DIR [MODEL]
//! ```
//!
//! `MODEL` is a folder, a GGUF file or a hub's id; the default model where it is left out.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use sah_adapter::{GenerationParams, HfAdapter, LoadedModel, ModelSource, RequestLimits};
use sah_attention::{AttentionConfig, CallSampling, ResearchAttention};
use sah_bench_core::{
    Benchmark as _, ComparisonFile, NoTokenizer, RunFolder, RunMeasures, Runner, load_samples, samples_hash,
    select_subsets,
};
use sah_longbench::LongBench;
use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Report, Run, tables};
use serde_json::json;
use tch::{Device, Kind};

/// Where `cargo xtask setup` puts the default model.
const DEFAULT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

/// The attentions by the names of their result folders; the first one is what the others are compared with.
const PRESETS: [(&str, Option<&str>); 3] =
    [("dense", None), ("streaming_llm", Some("streaming_llm")), ("quest", Some("quest"))];

const SEED: u64 = 0;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let result_dir = PathBuf::from(arguments.next().context("usage: full_comparison RESULT_DIR [MODEL]")?);
    let model = arguments.next().unwrap_or_else(|| DEFAULT.to_owned());

    // The data: two rows of three tasks of the bundled sample. `DataSource` has the real one.
    let benchmark = LongBench::default();
    let subsets = ["qasper", "hotpotqa", "passage_retrieval_en"].map(str::to_owned);
    let subsets = select_subsets(&benchmark, Some(&subsets))?;
    let samples = load_samples(&benchmark, &subsets, NonZeroUsize::new(2), &NoTokenizer)?;

    let model = LoadedModel::load(&ModelSource::parse(&model)?, Device::Cpu, Kind::Float)?;
    // Contexts that were read for one attention are not read again for the next.
    model.keep_contexts(1 << 30);
    let generation = GenerationParams { max_new_tokens: Some(32), ..GenerationParams::default() };
    let limits = RequestLimits::default();

    let mut run_path = result_dir.clone();
    let mut finished = Vec::new();
    for (name, preset) in PRESETS {
        let config = preset.map(AttentionConfig::preset).transpose()?;
        let attention = config.as_ref().map(ResearchAttention::from_config).transpose()?;
        // One in twenty calls is also computed densely, for the error of each layer and head.
        let adapter =
            HfAdapter::new(model.clone(), attention, SEED).with_micro_metrics(CallSampling::new(0.05, SEED)?);

        // A folder for each attention. Rows are in its journal as soon as they have an answer.
        let mut folder = RunFolder::create(&result_dir, "full_comparison", name)?;
        folder.run_path().clone_into(&mut run_path);
        let about = json!({
            "model": model.identity(),
            "attention_name": name,
            "attention": config,
            "dtype": "f32",
            "device": "cpu",
            "benchmark": benchmark.name(),
            "subsets": subsets,
            "data": {"source": "sample", "hash": samples_hash(&samples)},
            "generation": generation,
            "limits": limits,
            "seed": SEED,
        });
        folder.write_config(&about)?;
        let runner = Runner {
            benchmark: &benchmark,
            repeats: NonZeroUsize::MIN,
            adapter: &adapter,
            generation: &generation,
            limits: &limits,
            plain_subsets: &[],
            stop: &AtomicBool::new(false),
        };
        let outcome = runner.run(samples.clone(), &mut folder, &mut ())?;
        let measures = RunMeasures { run_seconds: outcome.seconds, ..RunMeasures::default() };
        finished.push(folder.finish(&benchmark, &about, &outcome.records, measures)?);
    }
    ComparisonFile::new("full_comparison", &finished)?.write(&run_path)?;

    // Tables with confidence intervals, figures and a page, from the files alone.
    let runs = [Run::read(&run_path, &benchmark)?];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    println!("{}\n", tables::scores(&analysis).markdown());
    println!("{}\n", tables::costs(&analysis).markdown());
    let page = Report::new(&analysis)?.write(&run_path.join("report"))?;
    println!("{}", page.display());
    Ok(())
}
