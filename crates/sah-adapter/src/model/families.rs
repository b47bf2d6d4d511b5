//! The architectures that can be run: one line each.

use std::path::Path;

use sah_tensor::torch::choose_vector_functions;
use serde_json::Value;
use tch::Device;

use super::transformer::Transformer;
use super::{CausalLm, ConfigFile, gemma2, gemma3, gpt2, llama, mistral, phi3, qwen2, qwen3};
use crate::weights::{WeightPath, Weights};
use crate::{Error, Placement, Precision, WeightStorage};

/// What the checkpoints of [`ModelFamily::checkpoints`] were compared with.
pub const VERIFIED_AGAINST: &str = "transformers 4.57.6";

type Load = fn(ConfigFile<'_>, &WeightPath<'_>) -> Result<Transformer, Error>;

/// An architecture.
#[derive(Debug)]
#[non_exhaustive]
pub struct ModelFamily {
    /// Its name in `model_type` of a `config.json`.
    pub model_type: &'static str,
    /// Hub ids of models that have it.
    pub examples: &'static [&'static str],
    /// Tiny random checkpoints, folders of `tests/fixtures/models`, whose logits were compared with those of transformers.
    pub checkpoints: &'static [&'static str],
    load: Load,
}

const fn family(
    model_type: &'static str,
    load: Load,
    examples: &'static [&'static str],
    checkpoints: &'static [&'static str],
) -> ModelFamily {
    ModelFamily { model_type, examples, checkpoints, load }
}

#[rustfmt::skip] // one line each
static FAMILIES: [ModelFamily; 8] = [
    family("llama", llama::load, &["meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.2-1B-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"], &["llama", "llama-bias", "llama-linear", "llama-dynamic", "llama-llama3", "llama-yarn"]),
    family("mistral", mistral::load, &["mistralai/Mistral-7B-Instruct-v0.3"], &["mistral", "mistral-window"]),
    family("qwen2", qwen2::load, &["Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"], &["qwen2", "qwen2-window"]),
    family("qwen3", qwen3::load, &["Qwen/Qwen3-8B", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"], &["qwen3", "qwen3-yarn"]),
    family("phi3", phi3::load, &["microsoft/Phi-4-mini-instruct", "microsoft/Phi-3-mini-128k-instruct"], &["phi3", "phi3-longrope"]),
    family("gpt2", gpt2::load, &["openai-community/gpt2", "microsoft/DialoGPT-small"], &["gpt2", "gpt2-options"]),
    family("gemma2", gemma2::load, &["google/gemma-2-2b-it", "google/gemma-2-9b-it"], &["gemma2"]),
    family("gemma3_text", gemma3::load, &["google/gemma-3-1b-it", "google/gemma-3-270m-it"], &["gemma3", "gemma3-linear"]),
];

/// Every architecture that [`LoadedModel`](crate::LoadedModel) and [`Network`](crate::Network) can run.
#[must_use]
pub fn families() -> &'static [ModelFamily] {
    &FAMILIES
}

/// Loads the architecture that the config at `path` names in `model_type`, on the devices of `placement`.
pub(crate) fn load(
    (json, path): (&Value, &Path),
    weights: &Weights,
    placement: &Placement,
    precision: Precision,
) -> Result<Box<dyn CausalLm>, Error> {
    choose_vector_functions();
    let file = ConfigFile { json, path };
    let Some(model_type) = json.get("model_type").and_then(Value::as_str) else {
        return Err(file.field("model_type", "the name of an architecture", "nothing"));
    };
    let Some(family) = FAMILIES.iter().find(|family| family.model_type == model_type) else {
        let known: Vec<_> = FAMILIES.iter().map(|family| family.model_type).collect();
        let hint =
            if model_type == "gemma3" { " (gemma3 reads images too; gemma3_text does not)" } else { "" };
        return Err(file.unsupported("model_type", model_type, format!("{}{hint}", known.join(", "))));
    };
    file.refuse_unsupported()?;
    let is_on_cpu = placement.devices().all(|device| device == Device::Cpu);
    if precision.weights == WeightStorage::Stored && !is_on_cpu {
        return Err(Error::StoredOffCpu);
    }
    Ok(Box::new((family.load)(file, &weights.root(placement, precision))?))
}
