//! What a model lacks: the checks of loading, all of them, instead of the first that fails.

use std::path::Path;

use serde_json::{Map, Value};
use tch::{Device, Kind};

use super::download::{Snapshot, small_files, weights};
use super::folder::{FolderConfig, FolderText};
use super::tokenizer::SpecialTokens;
use super::{ChatTemplate, GenerationConfig, ModelSource, Tokenizer, eos, json};
use crate::Error;
use crate::model::{ConfigOverrides, ModelSpec};
use crate::weights::Weights;
use crate::weights::gguf::{Gguf, GgufWeights, hf_config};
use crate::weights::safetensors::Safetensors;
use sah_hub::{Progress, RepoKind, Repository};

/// What was found out about one part of a model.
#[derive(Debug)]
pub struct Finding {
    /// The part: a file, or what is in it.
    pub part: &'static str,
    /// How it is.
    pub status: PartStatus,
}

/// How a part of a model is.
#[derive(Debug)]
#[non_exhaustive]
pub enum PartStatus {
    /// As it must be; says what was found.
    Fine(String),
    /// Not there, and the model runs without it; says how.
    Absent(String),
    /// The model runs, but not all of it, or not as its files may mean it; says how.
    Note(String),
    /// The model can be run, but a score means something else than it seems to; says why.
    Warning(String),
    /// Not looked at; says why.
    Unchecked(String),
    /// The model cannot be run; the error says why and what to do.
    Problem(Error),
}

/// Looks at every part of the model at `source` with the code that loads it, and goes on where that would stop.
///
/// Weights on this machine are loaded to the CPU in bf16 as the last check, if that takes no more than `room` bytes of
/// memory; the memory is given back. Weights on a hub are not fetched, the small files are.
///
/// The model is looked at as it would be loaded with `overrides`.
#[must_use]
pub fn diagnose(
    source: &ModelSource,
    overrides: &ConfigOverrides,
    room: u64,
    progress: &mut dyn Progress,
) -> Vec<Finding> {
    let mut report = Report { overrides, findings: vec![] };
    match source {
        ModelSource::Folder(folder) => report.folder(folder, room, Safetensors::open(folder).map(Some)),
        ModelSource::Gguf(path) => report.gguf(path, room),
        ModelSource::External(_) => {
            let text = "another library has loaded it".to_owned();
            report.add("weights", PartStatus::Unchecked(text));
        }
        ModelSource::Hub { repo, revision } => {
            match Repository::open(RepoKind::Model, repo, revision.as_deref()) {
                Ok(repository) => report.hub(&repository, room, progress),
                Err(error) => report.add("hub", PartStatus::Problem(error.into())),
            }
        }
    }
    report.findings
}

/// The part that says how answers are generated.
const GENERATION: &str = "generation_config";

/// The same of a `config.json` alone, wherever it lies.
#[must_use]
pub fn diagnose_config(path: &Path, overrides: &ConfigOverrides) -> Vec<Finding> {
    let mut report = Report { overrides, findings: vec![] };
    if let Some(config) = report.check("config.json", json::read(path), describe) {
        report.model(&config, path, None, 0);
    }
    report.findings
}

struct Report<'a> {
    overrides: &'a ConfigOverrides,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, part: &'static str, status: PartStatus) {
        self.findings.push(Finding { part, status });
    }

    /// Notes what came of a check and gives its value.
    fn check<T>(
        &mut self,
        part: &'static str,
        result: Result<T, Error>,
        fine: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.add(part, PartStatus::Fine(fine(&value)));
                Some(value)
            }
            Err(error) => {
                self.add(part, PartStatus::Problem(error));
                None
            }
        }
    }

    fn hub(&mut self, repository: &Repository, room: u64, progress: &mut dyn Progress) {
        let snapshot = small_files(repository, progress);
        let commit = |snapshot: &Snapshot| format!("commit {}", snapshot.commit);
        let Some(snapshot) = self.check("hub", snapshot, commit) else { return };
        let files = weights(repository, &snapshot, progress).map(|files| {
            let here = |(file, _): &&(String, u64)| snapshot.folder.join(file).is_file();
            let missing: Vec<&(String, u64)> = files.iter().filter(|file| !here(file)).collect();
            (missing.len(), missing.iter().map(|(_, size)| size).sum::<u64>())
        });
        let weights = match files {
            Ok((0, _)) => Safetensors::open(&snapshot.folder).map(Some),
            Ok((count, bytes)) => {
                self.add(
                    "weights",
                    PartStatus::Fine(format!("{count} files, {}, still to be fetched", size(bytes))),
                );
                Ok(None)
            }
            Err(error) => Err(error),
        };
        self.folder(&snapshot.folder, room, weights);
    }

    /// `weights` is `None` where they are not on this machine and need not be.
    fn folder(&mut self, folder: &Path, room: u64, weights: Result<Option<Safetensors>, Error>) {
        let config = self.check("config.json", FolderConfig::read(folder), |config| describe(&config.json));
        let weights = match weights {
            Ok(None) => None,
            Ok(Some(weights)) => {
                let (tensors, files) = weights.len();
                let is_packed =
                    config.as_ref().is_some_and(|config| !config.json["quantization_config"].is_null());
                let what =
                    if is_packed { "numbers, of which some hold several parameters" } else { "parameters" };
                let found = format!("{tensors} tensors in {files} files, {} {what}", weights.parameters());
                self.add("weights", PartStatus::Fine(found));
                Some(weights)
            }
            Err(error) => {
                self.add("weights", PartStatus::Problem(error));
                None
            }
        };
        let text = self.check("tokenizer.json", FolderText::read(folder), |_| "reads".into());
        match &text {
            Some(text) => {
                for remark in text.tokenizer.remarks() {
                    self.add("tokenizer", PartStatus::Warning(remark.to_string()));
                }
                if !folder.join("tokenizer_config.json").is_file() {
                    let without = "no tokenizer_config.json: special tokens only as tokenizer.json has them";
                    self.add("tokenizer_config", PartStatus::Absent(without.into()));
                }
                self.template(text.chat_template(folder));
                match &config {
                    Some(config) => self.eos(text.eos(folder, config)),
                    None => self.add("end of answer", PartStatus::Unchecked("needs config.json".into())),
                }
            }
            None => self.add("chat template", PartStatus::Unchecked("needs tokenizer.json".into())),
        }
        if !folder.join("generation_config.json").is_file() {
            let without = "none: the end of an answer is what config.json or the tokenizer says";
            self.add(GENERATION, PartStatus::Absent(without.into()));
        }
        let Some(config) = config else { return };
        self.generation(GenerationConfig::of_folder(folder, &config));
        self.model(&config.json, &config.path, weights.map(Weights::Safetensors).as_ref(), room);
    }

    fn gguf(&mut self, path: &Path, room: u64) {
        let opened = Gguf::open(path);
        let Some(gguf) = self.check("file", opened, |gguf| format!("{} tensors", gguf.tensors.len())) else {
            return;
        };
        let config = self.check("configuration", hf_config(&gguf), describe);
        let tokenizer = self.check("tokenizer", Tokenizer::from_gguf(&gguf), |_| "reads".into());
        if let Some(tokenizer) = tokenizer {
            self.eos(eos::from_gguf(&gguf, &tokenizer));
        }
        self.generation(GenerationConfig::of_gguf(&gguf));
        let special = SpecialTokens::from_gguf(&gguf);
        self.template(special.and_then(|special| ChatTemplate::of_gguf(&gguf, &special)));
        let Some(config) = config else { return };
        let weights = GgufWeights::new(gguf, &config).map(Weights::Gguf);
        let parameters = |weights: &Weights| format!("{} parameters", weights.parameters(None));
        let weights = self.check("weights", weights, parameters);
        self.model(&config, path, weights.as_ref(), room);
    }

    /// A template is tried on a message, as every prompt does.
    fn template(&mut self, template: Result<Option<ChatTemplate>, Error>) {
        let tried = template.and_then(|template| {
            let Some(template) = template else { return Ok(None) };
            template.split("A context.\n", "A question?")?;
            Ok(Some((template.parameters(), template.describe_thinking())))
        });
        let thinking = tried.as_ref().ok().and_then(|tried| tried.as_ref()?.1.clone());
        let status = match tried {
            Ok(Some((parameters, _))) => {
                let takes = if parameters.is_empty() { "" } else { "; variables: " };
                let found = "reads and keeps the text of a message";
                PartStatus::Fine(format!("{found}{takes}{}", parameters.join(", ")))
            }
            Ok(None) => {
                PartStatus::Absent("none: prompts are given as plain text, as to a base model".into())
            }
            Err(error) => PartStatus::Problem(error),
        };
        self.add("chat template", status);
        if let Some(thinking) = thinking {
            self.add("thinking", PartStatus::Fine(thinking));
        }
    }

    fn eos(&mut self, ids: Result<Vec<u32>, Error>) {
        let status = match ids {
            Ok(ids) if ids.is_empty() => PartStatus::Absent(
                "no token ends an answer: it goes on to its limit; set eos_token_id".into(),
            ),
            Ok(ids) => PartStatus::Fine(format!("tokens {ids:?}")),
            Err(error) => PartStatus::Problem(error),
        };
        self.add("end of answer", status);
    }

    /// How answers are generated: what is done as the files say, and what is not.
    fn generation(&mut self, generation: Result<GenerationConfig, Error>) {
        let generation = match generation {
            Ok(generation) => generation,
            Err(error) => return self.add(GENERATION, PartStatus::Problem(error)),
        };
        let list = |fields: &Map<String, Value>| {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            fields.join(", ")
        };
        if !generation.applied.is_empty() {
            self.add(GENERATION, PartStatus::Fine(format!("applied: {}", list(&generation.applied))));
        }
        if !generation.not_applied.is_empty() {
            let fields = list(&generation.not_applied);
            let text = format!("not applied, transformers answers differently: {fields}");
            self.add(GENERATION, PartStatus::Warning(text));
        }
        if generation.asks_for_sampling {
            let text = "asks for sampling; decoding is greedy unless a request says otherwise";
            self.add(GENERATION, PartStatus::Warning(text.into()));
        }
    }

    /// Reads the configuration, compares it with the tensors, and loads the model where there is room.
    fn model(&mut self, config: &Value, path: &Path, weights: Option<&Weights>, room: u64) {
        const PART: &str = "model";
        let spec = match ModelSpec::read(config, path, self.overrides) {
            Ok(spec) => spec,
            Err(error) => return self.add(PART, PartStatus::Problem(error)),
        };
        let positions = format!("a prompt and its answer may take {}", spec.positions());
        self.add("positions", PartStatus::Fine(positions));
        for note in &spec.notes {
            self.add(PART, PartStatus::Note(note.clone()));
        }
        if !spec.defaults.is_empty() {
            let fields = spec.defaults.join(", ");
            self.add(
                PART,
                PartStatus::Note(format!("not in the config, taken as transformers does: {fields}")),
            );
        }
        let Some(weights) = weights else {
            let text = "the configuration is supported; without the weights there is nothing to load";
            return self.add(PART, PartStatus::Unchecked(text.into()));
        };
        match spec.check(weights, Kind::BFloat16.into()) {
            Ok(checked) => {
                self.findings.extend(
                    checked
                        .notes
                        .into_iter()
                        .map(|note| Finding { part: PART, status: PartStatus::Note(note) }),
                );
            }
            Err(error) => return self.add(PART, PartStatus::Problem(error)),
        }
        // Two bytes a parameter, and a fifth for what loading needs beside.
        let needed = spec.parameters(weights).saturating_mul(12) / 5;
        if needed > room {
            let (needed, room) = (size(needed), size(room));
            let text = format!(
                "the configuration is supported and has its tensors; loading takes {needed}, there is room for {room}"
            );
            return self.add(PART, PartStatus::Unchecked(text));
        }
        let load = || spec.load(weights, &Device::Cpu.into(), Kind::BFloat16.into()).map(drop);
        self.check(PART, tch::no_grad(load), |()| "loads".into());
    }
}

fn describe(config: &Value) -> String {
    format!("model_type {}", config["model_type"].as_str().unwrap_or("unknown"))
}

/// `1.5 GB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{bytes} bytes"),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests;
