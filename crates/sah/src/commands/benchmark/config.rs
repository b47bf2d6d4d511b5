//! `config.json` of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sah_adapter::{LoadedModel, ModelSource, RequestLimits, RetentionSees, WeightFormat, file_sha256};
use sah_bench_core::{
    AnswerLimits, ChatTemplateConfig, DataConfig, ModelConfig, RunConfig, Versions, Warning, WarningKind,
};

use sah_request::GenerationParams;
use serde_json::{Value, json};

use super::plan::{ModelRun, Plan};
use crate::args::{AnswerTokensArg, ChatTemplateArg};
use crate::attention::NamedAttention;
use crate::benchmarks::DataOrigin;
use crate::{device, generation_config, thinking, versions};

/// What is needed to repeat the run of `run` with `attention`, once the model is loaded from `source`.
pub(super) fn run_config(
    plan: &Plan<'_>,
    run: &ModelRun,
    attention: &NamedAttention,
    data_hash: &str,
    source: &ModelSource,
    loaded: &LoadedModel,
) -> anyhow::Result<RunConfig> {
    let args = plan.args;
    let precision = run.args.precision;
    let identity = loaded.identity();
    let DataOrigin { source: kind, location } = plan.data.clone();
    let of_attention = serde_json::to_value(&attention.config).expect("an attention config is plain data");
    let prefill_maskers = attention
        .prefill
        .config()
        .map(|config| serde_json::to_value(config).expect("an attention config is plain data"));
    let retention = attention
        .retention
        .as_ref()
        .map(|retention| serde_json::to_value(&retention.config).expect("a retention config is plain data"));
    let sees_question =
        attention.retention.as_ref().is_some_and(|retention| retention.sees == RetentionSees::Question);
    let chat_template = chat_template(plan, loaded);
    let generation = GenerationParams {
        thinking_tokens: args.prompts.template.thinking_tokens()?,
        ..args.sampling.generation(args.limits.of_every_answer(), args.limits.seed)
    };
    let has_chat = chat_template.plain_subsets.len() < plan.subsets.len();
    let of_thinking = thinking::warning(loaded.thinking(), &generation).filter(|_| has_chat);
    let of_generation = generation_config::warnings(loaded.generation_config(), &args.sampling);
    let of_checkpoint = loaded.notes().iter().map(|note| Warning::new(WarningKind::Checkpoint, note));
    let of_tokenizer = loaded.tokenizer_remarks().iter();
    let of_tokenizer = of_tokenizer.map(|remark| Warning::new(WarningKind::Tokenizer, remark.to_string()));
    let known = plan.warnings.iter().cloned().chain(of_thinking).chain(of_generation);
    let warnings = known.chain(of_checkpoint).chain(of_tokenizer).collect();
    Ok(RunConfig {
        model: ModelConfig {
            name: run.args.place.model.clone(),
            source: match source {
                ModelSource::Hub { .. } | ModelSource::External(_) => identity.source.clone(),
                _ => source.to_string(),
            },
            format: match identity.format {
                WeightFormat::Safetensors => "safetensors",
                WeightFormat::Gguf => "gguf",
                WeightFormat::External => "external",
            }
            .to_owned(),
            architecture: identity.architecture.clone(),
            stop_tokens: loaded.stop_tokens().to_vec(),
            hash: identity.sha256.clone(),
            files: identity.files.clone(),
            rope: run.args.config.rope_json(),
            positions: run.args.config.positions.map(|positions| positions as usize),
        },
        attention_name: attention.name.clone(),
        attention_files: files_in(&json!([of_attention, retention, prefill_maskers]))?,
        attention: of_attention,
        prefill: attention.prefill.name().to_owned(),
        prefill_maskers,
        evict: attention.evict,
        question_attention: attention.dense_questions.then(|| "dense".to_owned()),
        retention,
        retention_sees: sees_question.then(|| "question".to_owned()),
        kernel: attention.kernel.as_ref().map(|kernel| kernel.name().to_owned()),
        dtype: precision.dtype.name().to_owned(),
        weights: precision.weights.name().to_owned(),
        kv_dtype: precision.kv_dtype().to_owned(),
        device: device::names(&run.args.place.device.placement()?),
        seed: args.limits.seed,
        threads: tch::get_num_threads() as usize,
        benchmark: plan.benchmark.name().to_owned(),
        subsets: plan.subsets.clone(),
        data: DataConfig { source: kind, location, hash: Some(data_hash.to_owned()) },
        metric_files: hashes(plan.benchmark.metric_files())?,
        max_samples: args.data.max_samples.map(|n| n as usize),
        repeats: Some(args.limits.repeats).filter(|repeats| repeats.get() > 1),
        micro_metrics: args.output.micro_metrics,
        limits: RequestLimits {
            max_context_length: args.limits.max_context_length.map(|n| n as usize),
            truncation: args.limits.truncation.into(),
            ignore_positions: false,
        },
        chat_template,
        answer_limits: match args.limits.answer_tokens {
            None => AnswerLimits::Rows,
            Some(AnswerTokensArg::Authors) => AnswerLimits::Authors,
            Some(AnswerTokensArg::Every(_)) => AnswerLimits::Given,
        },
        tokenise: args.prompts.tokens.tokenise.name().to_owned(),
        generation,
        generation_config: generation_config::used(
            loaded.generation_config(),
            args.sampling.generation_config,
        ),
        versions: Versions {
            sah: versions::SAH.to_owned(),
            git: versions::git_revision(),
            tch: versions::TCH.to_owned(),
            libtorch: versions::libtorch().unwrap_or_else(|| "unknown".to_owned()),
        },
        special_tokens: args.prompts.special.special_tokens.name().to_owned(),
        warnings,
    })
}

/// SHA-256 of each file, by path.
fn hashes(files: Vec<PathBuf>) -> anyhow::Result<BTreeMap<String, String>> {
    let hash = |file: PathBuf| {
        let path = file.display().to_string();
        Ok((path.clone(), file_sha256(&file).context(path)?))
    };
    files.into_iter().map(hash).collect()
}

/// The hashes of the files that an attention reads: those that its fields `..._file` name.
fn files_in(attention: &Value) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let inside: Vec<&Value> = match attention {
        Value::Object(fields) => {
            for path in fields.iter().filter(|(name, _)| name.ends_with("_file")) {
                if let Some(path) = path.1.as_str() {
                    let hash = file_sha256(Path::new(path)).with_context(|| path.to_owned())?;
                    files.insert(path.to_owned(), hash);
                }
            }
            fields.values().collect()
        }
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    for value in inside {
        files.extend(files_in(value)?);
    }
    Ok(files)
}

/// Which template there is and which subsets go without. A model without one gives all subsets as plain text.
fn chat_template(plan: &Plan<'_>, model: &LoadedModel) -> ChatTemplateConfig {
    let (mode, template) = (plan.args.prompts.mode(), model.chat_template());
    let is_plain_text = |subset: &&String| match mode {
        ChatTemplateArg::Always | ChatTemplateArg::File(_) => template.is_none(),
        ChatTemplateArg::Never => true,
        ChatTemplateArg::AsAuthors(_) => template.is_none() || plan.benchmark.is_plain(subset),
    };
    ChatTemplateConfig {
        mode: mode.name().to_owned(),
        file: template.map(|template| template.file.clone()),
        hash: template.map(|template| template.sha256.clone()),
        arguments: template.map(|template| template.arguments.clone()).unwrap_or_default(),
        thinking: thinking::in_config(model.thinking()),
        plain_subsets: plan.subsets.iter().filter(is_plain_text).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::files_in;

    #[test]
    fn a_file_of_a_masker_is_hashed_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        std::fs::write(&path, "a").unwrap();
        let path = path.to_str().unwrap();
        let config =
            json!({"maskers": [{"size": 4}, {"sorted_channel_file": path, "hat_weight_file": null}]});
        let hash = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        let files: Vec<(String, String)> = files_in(&config).unwrap().into_iter().collect();
        assert_eq!(files, [(path.to_owned(), hash.to_owned())]);
        let missing = files_in(&json!({"a_file": "no/such"})).unwrap_err();
        assert!(format!("{missing:#}").contains("no/such"), "{missing:#}");
    }
}
