//! A model that can be run, taken from any of its sources.

use std::path::Path;
use std::sync::Arc;

use super::folder::{FolderConfig, FolderText};
use super::identity::{Origin, WeightFiles};
use super::tokenizer::SpecialTokens;
use super::{
    ChatTemplate, ExternalModel, GenerationConfig, ModelOptions, ModelSource, ModelThinking, Tokenizer,
    WeightFormat, download, eos,
};
use crate::model::{CausalLm, ConfigOverrides, External, ModelSpec};
use crate::weights::Weights;
use crate::weights::gguf::{Gguf, GgufWeights, hf_config, model_stem};
use crate::weights::safetensors::Safetensors;
use crate::{Error, Placement, Precision, WeightStorage};
use sah_hub::{RepoKind, Repository};

/// Everything a checkpoint says, in one form whatever the source.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) layers: Layers,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) chat_template: Option<ChatTemplate>,
    pub(crate) thinking: ModelThinking,
    /// Any of these ends an answer.
    pub(crate) eos_token_ids: Vec<u32>,
    pub(crate) generation: GenerationConfig,
    pub(crate) origin: Origin,
}

/// What computes the layers.
#[derive(Debug)]
pub(crate) enum Layers {
    /// This crate.
    Own(Box<OwnLayers>),
    /// Another library.
    External(ExternalModel),
}

/// Layers of this crate.
#[derive(Debug)]
pub(crate) struct OwnLayers {
    /// What they compute, from `config.json` or a GGUF file's metadata.
    pub(crate) spec: ModelSpec,
    /// Tensors by Hugging Face names.
    pub(crate) weights: Weights,
}

impl Layers {
    /// The network, and what was not done as the checkpoint may mean it.
    pub(super) fn load(
        &self,
        placement: &Placement,
        precision: Precision,
    ) -> Result<(Box<dyn CausalLm>, Vec<String>), Error> {
        match self {
            Self::Own(own) => {
                let OwnLayers { spec, weights } = &**own;
                let (network, checked) = spec.load(weights, placement, precision)?;
                Ok((network, spec.notes.iter().cloned().chain(checked.notes).collect()))
            }
            Self::External(ExternalModel { network, .. }) => {
                let facts = network.facts();
                if precision.kind != facts.kind || precision.weights != WeightStorage::Expanded {
                    return Err(Error::NoEffect {
                        given: "another precision".to_owned(),
                        reason: "the weights are in the memory of another library, which knows theirs"
                            .to_owned(),
                    });
                }
                Ok((Box::new(External(Arc::clone(network))), facts.notes.clone()))
            }
        }
    }
}

impl Checkpoint {
    /// Reads everything but the weights themselves, which are read tensor by tensor when asked for.
    pub(crate) fn open(source: &ModelSource, options: &ModelOptions) -> Result<Self, Error> {
        match source {
            ModelSource::Folder(folder) => {
                Self::from_folder(folder, name_of(folder), &folder.display().to_string(), options)
            }
            ModelSource::External(model) => Self::from_external(model, options),
            ModelSource::Gguf(path) => Self::from_gguf(path, options),
            ModelSource::Hub { repo, revision } => {
                let repository = Repository::open(RepoKind::Model, repo, revision.as_deref())?;
                let snapshot = download::checkpoint(&repository, &mut ())?;
                let source = format!("{repo}@{}", snapshot.commit);
                Self::from_folder(&snapshot.folder, repo.clone(), &source, options)
            }
        }
    }

    fn from_folder(folder: &Path, name: String, source: &str, options: &ModelOptions) -> Result<Self, Error> {
        let config = FolderConfig::read(folder)?;
        let spec = ModelSpec::read(&config.json, &config.path, &options.config)?;
        let weights = Safetensors::open(folder)?;
        let origin = Origin {
            name,
            source: source.into(),
            format: WeightFormat::Safetensors,
            architecture: config.architecture.clone(),
            weights: WeightFiles::Files(weights.files().to_vec()),
            folder: Some(folder.to_owned()),
        };
        let layers = Layers::Own(Box::new(OwnLayers { spec, weights: Weights::Safetensors(weights) }));
        Self::with_text(folder, &config, layers, origin, options)
    }

    fn from_external(model: &ExternalModel, options: &ModelOptions) -> Result<Self, Error> {
        if options.config != ConfigOverrides::default() {
            return Err(Error::NoEffect {
                given: "another config".to_owned(),
                reason: "the model is in the memory of another library, which has built it".to_owned(),
            });
        }
        let config = FolderConfig::read(&model.folder)?;
        let origin = Origin {
            name: model.name.clone(),
            source: model.source.clone(),
            format: WeightFormat::External,
            architecture: config.architecture.clone(),
            weights: WeightFiles::Hashed(model.sha256.clone()),
            folder: Some(model.folder.clone()),
        };
        Self::with_text(&model.folder, &config, Layers::External(model.clone()), origin, options)
    }

    /// With what the folder says of text.
    fn with_text(
        folder: &Path,
        config: &FolderConfig,
        layers: Layers,
        origin: Origin,
        options: &ModelOptions,
    ) -> Result<Self, Error> {
        let text = FolderText::read(folder)?;
        let mut chat_template =
            options.chat_template.choose(text.special(), || text.chat_template(folder))?;
        let thinking =
            ModelThinking::set(chat_template.as_mut(), options.chat_template.thinking, &text.tokenizer)?;
        let eos_token_ids = text.eos(folder, config)?;
        let generation = GenerationConfig::of_folder(folder, config)?;
        let tokenizer = text.tokenizer;
        Ok(Self { layers, tokenizer, chat_template, thinking, eos_token_ids, generation, origin })
    }

    fn from_gguf(path: &Path, options: &ModelOptions) -> Result<Self, Error> {
        let gguf = Gguf::open(path)?;
        let config = hf_config(&gguf)?;
        let spec = ModelSpec::read(&config, path, &options.config)?;
        let (tokenizer, mut chat_template, eos_token_ids) = gguf_text(&gguf, options)?;
        let thinking =
            ModelThinking::set(chat_template.as_mut(), options.chat_template.thinking, &tokenizer)?;
        let origin = Origin {
            name: name_of(path),
            source: path.display().to_string(),
            format: WeightFormat::Gguf,
            architecture: config["model_type"].as_str().unwrap_or_default().into(),
            weights: WeightFiles::Files(gguf.files.clone()),
            folder: None,
        };
        let generation = GenerationConfig::of_gguf(&gguf)?;
        let weights = Weights::Gguf(GgufWeights::new(gguf, &config)?);
        let layers = Layers::Own(Box::new(OwnLayers { spec, weights }));
        Ok(Self { layers, tokenizer, chat_template, thinking, eos_token_ids, generation, origin })
    }
}

/// Tokenizer, chat template and end-of-answer tokens of a GGUF file.
fn gguf_text(
    gguf: &Gguf,
    options: &ModelOptions,
) -> Result<(Tokenizer, Option<ChatTemplate>, Vec<u32>), Error> {
    let tokenizer = Tokenizer::from_gguf(gguf)?;
    let special = SpecialTokens::from_gguf(gguf)?;
    let template = options.chat_template.choose(&special, || ChatTemplate::of_gguf(gguf, &special))?;
    let eos = eos::from_gguf(gguf, &tokenizer)?;
    Ok((tokenizer, template, eos))
}

/// The name of a file or folder, without what only says how it is stored.
fn name_of(path: &Path) -> String {
    // `.` and `models/..` have a name too once they are resolved.
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_file = resolved.is_file();
    if let Some(stem) = resolved.file_name().and_then(|name| name.to_str()).and_then(model_stem)
        && is_file
    {
        return stem.to_owned();
    }
    let name = if is_file { resolved.file_stem() } else { resolved.file_name() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
