//! `cargo xtask bench longbench`: each attention on the same rows, then all side by side.

mod progress;
mod table;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::bail;
use sah_adapter::{LoadedModel, ModelSource, RequestLimits, WeightFormat};
use sah_attention::CallSampling;
use sah_bench_core::{
    Benchmark, ChatTemplateConfig, Comparison, DataConfig, FinishedRun, ModelConfig, Resumed, RunConfig,
    RunFolder, RunMeasures, Runner, Sample, Versions, load_samples, samples_hash, select_subsets,
};
use sah_longbench::{DataSource, LongBench, Task};
use time::OffsetDateTime;
use time::macros::format_description;

use self::progress::Progress;
use crate::args::{ChatTemplateArg, DataArg, LongBenchArgs};
use crate::attention::{self, NamedAttention};
use crate::usage::UsageError;
use crate::{interrupt, memory, model, resume, versions};

/// Exit code of a run that ended, but in which some rows have no answer.
const ROWS_FAILED: u8 = 3;

/// Runs the benchmark. What can be wrong with the command line, the data or the result folder is found before the
/// model is loaded.
pub(crate) fn run(args: &LongBenchArgs) -> anyhow::Result<ExitCode> {
    let attentions = attention::named(&args.attention, &["dense", "streaming_llm"])?;
    if args.attention.evict && args.output.micro_metrics > 0.0 {
        bail!(UsageError(
            "--micro-metrics with --evict: errors are against dense attention, for which no key may be evicted; leave out one \
             of the two"
                .to_owned()
        ));
    }
    let benchmark = LongBench::new(data_source(args)?);
    let subsets = select_subsets(&benchmark, args.data.subsets.as_deref())?;
    let source = model::source(&args.model.place.model, args.model.place.revision.as_deref())?;
    let max_samples = args.data.max_samples.and_then(|n| NonZeroUsize::new(n as usize));
    let samples = load_samples(&benchmark, &subsets, max_samples)?;
    let run_name = args.output.run_name.clone().map_or_else(time_as_name, Ok)?;
    let open = |attention: &NamedAttention| {
        let (result_dir, attention) = (&args.output.result_dir, &attention.name);
        match args.resume {
            Some(_) => RunFolder::resume(result_dir, &run_name, attention),
            None => RunFolder::create(result_dir, &run_name, attention).map(Resumed::Unfinished),
        }
    };
    let folders = attentions.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let run_path = args.output.result_dir.join(&run_name);
    if args.resume.is_none() {
        resume::keep_command_line(&run_path)?;
    }
    if matches!(args.data.data, DataArg::Sample) {
        eprintln!(
            "data: the bundled sample, a demonstration; its scores are not LongBench scores (--data hub|DIR)"
        );
    }

    let mut finished = Vec::new();
    if folders.iter().all(|folder| matches!(folder, Resumed::Finished(_))) {
        finished.extend(folders.into_iter().filter_map(|folder| match folder {
            Resumed::Finished(run) => Some(*run),
            Resumed::Unfinished(_) => None,
        }));
    } else {
        let source = model::fetch(&source)?;
        let loading = Instant::now();
        let model = model::load(&args.model, &source)?;
        let load_seconds = loading.elapsed().as_secs_f64();
        model.keep_contexts((args.limits.keep_contexts * (1 << 30) as f64) as usize);
        let data_hash = samples_hash(&samples);
        let stop = interrupt::flag()?;
        for (attention, folder) in attentions.iter().zip(folders) {
            let config = run_config(args, attention, &benchmark, (&subsets, &data_hash), &source, &model)?;
            let job = Job { args, attention, config: &config, load_seconds, stop: &stop };
            finished.push(match folder {
                Resumed::Unfinished(folder) => job.run(&benchmark, &samples, &model, folder)?,
                Resumed::Finished(run) => {
                    run.check_config(&config)?;
                    *run
                }
            });
        }
    }

    let comparison = Comparison::new(benchmark.name(), &finished)?;
    if finished.len() > 1 {
        comparison.write(&run_path)?;
    }
    println!("{}\n", table::scores(&finished, &comparison.baseline));
    println!("{}\n", table::costs(&finished));
    println!("results in {}", run_path.display());
    let failed: usize = finished.iter().map(|run| run.detailed.rows_failed).sum();
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{failed} rows have no answer and count as empty ones; the column `error` of raw_results.csv says why"
    );
    Ok(ExitCode::from(ROWS_FAILED))
}

/// One attention's run.
struct Job<'a> {
    args: &'a LongBenchArgs,
    attention: &'a NamedAttention,
    config: &'a RunConfig,
    load_seconds: f64,
    stop: &'a AtomicBool,
}

impl Job<'_> {
    fn run(
        &self,
        benchmark: &LongBench,
        samples: &[Sample],
        model: &Rc<LoadedModel>,
        mut folder: RunFolder,
    ) -> anyhow::Result<FinishedRun> {
        folder.write_config(self.config)?;
        let seed = self.args.limits.seed;
        let mut adapter = self.attention.adapter(model, seed)?;
        if self.config.micro_metrics > 0.0 {
            adapter = adapter.with_micro_metrics(CallSampling::new(self.config.micro_metrics, seed)?);
        }
        let runner = Runner {
            adapter: &adapter,
            generation: &self.config.generation,
            limits: &self.config.limits,
            plain_subsets: &self.config.chat_template.plain_subsets,
            stop: self.stop,
        };
        let mut progress = Progress::new(&self.attention.name);
        memory::reset_peak();
        let outcome = runner.run(samples.to_vec(), &mut folder, &mut progress)?;
        let measures = RunMeasures {
            run_seconds: outcome.seconds,
            model_load_seconds: Some(self.load_seconds),
            peak_memory_bytes: memory::peak_bytes(),
            peak_memory_source: Some(memory::SOURCE.to_owned()),
        };
        Ok(folder.finish(benchmark, self.config, &outcome.records, measures)?)
    }
}

fn data_source(args: &LongBenchArgs) -> anyhow::Result<DataSource> {
    let data = &args.data;
    match (&data.data, &data.prompts) {
        (DataArg::Sample, None) => Ok(DataSource::Sample),
        (DataArg::Hub, None) => Ok(DataSource::Hub),
        (DataArg::Folder(path), prompts) => {
            Ok(DataSource::Directory { path: path.clone(), prompts: prompts.clone() })
        }
        (DataArg::Sample | DataArg::Hub, Some(_)) => {
            Err(UsageError("--prompts is for .jsonl files; name their folder with --data DIR".to_owned())
                .into())
        }
    }
}

fn run_config(
    args: &LongBenchArgs,
    attention: &NamedAttention,
    benchmark: &LongBench,
    (subsets, data_hash): (&[&str], &str),
    source: &ModelSource,
    model: &LoadedModel,
) -> anyhow::Result<RunConfig> {
    let identity = model.identity();
    let (kind, location) = match &args.data.data {
        DataArg::Sample => ("sample", None),
        DataArg::Hub => ("hub", Some(benchmark.hub_id().to_owned())),
        DataArg::Folder(path) => ("folder", Some(path.display().to_string())),
    };
    Ok(RunConfig {
        model: ModelConfig {
            name: args.model.place.model.clone(),
            source: match source {
                ModelSource::Hub { .. } => identity.source.clone(),
                _ => source.to_string(),
            },
            format: match identity.format {
                WeightFormat::Safetensors => "safetensors",
                WeightFormat::Gguf => "gguf",
            }
            .to_owned(),
            architecture: identity.architecture.clone(),
            hash: identity.sha256.clone(),
        },
        attention_name: attention.name.clone(),
        attention: serde_json::to_value(&attention.config).expect("an attention config is plain data"),
        prefill: attention.prefill.name().to_owned(),
        evict: attention.evict,
        dtype: args.model.precision.dtype.name().to_owned(),
        weights: args.model.precision.weights.name().to_owned(),
        kv_dtype: args.model.precision.kv_dtype().to_owned(),
        device: model::device_names(&model::placement(&args.model.place.device)?),
        seed: args.limits.seed,
        threads: tch::get_num_threads() as usize,
        benchmark: benchmark.name().to_owned(),
        subsets: subsets.iter().map(|&subset| subset.to_owned()).collect(),
        data: DataConfig { source: kind.to_owned(), location, hash: Some(data_hash.to_owned()) },
        max_samples: args.data.max_samples.map(|n| n as usize),
        micro_metrics: args.output.micro_metrics,
        limits: RequestLimits {
            max_context_length: args.limits.max_context_length.map(|n| n as usize),
            truncation: args.limits.truncation.into(),
            ignore_positions: false,
        },
        chat_template: chat_template(args.prompts.mode(), subsets, model),
        generation: args
            .sampling
            .generation(args.limits.max_new_tokens.map(|n| n as usize), args.limits.seed),
        versions: Versions {
            sah: versions::SAH.to_owned(),
            git: versions::git_revision(),
            tch: versions::TCH.to_owned(),
            libtorch: versions::libtorch().unwrap_or_else(|| "unknown".to_owned()),
        },
    })
}

/// Which template there is and which subsets go without. A model without one gives all subsets as plain text.
fn chat_template(mode: ChatTemplateArg, subsets: &[&str], model: &LoadedModel) -> ChatTemplateConfig {
    let template = model.chat_template();
    let plain = |subset: &&&str| match mode {
        ChatTemplateArg::Always => template.is_none(),
        ChatTemplateArg::Never => true,
        ChatTemplateArg::Longbench => {
            template.is_none() || Task::find(subset).is_some_and(|task| !task.chat_template)
        }
    };
    ChatTemplateConfig {
        mode: mode.name().to_owned(),
        file: template.map(|template| template.file.clone()),
        hash: template.map(|template| template.sha256.clone()),
        plain_subsets: subsets.iter().filter(plain).map(|&subset| subset.to_owned()).collect(),
    }
}

/// The time in UTC, as the name of a folder: `2026-01-31_12-30-00`.
fn time_as_name() -> anyhow::Result<String> {
    let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
    Ok(OffsetDateTime::now_utc().format(format)?)
}
