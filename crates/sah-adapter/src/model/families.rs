//! The architectures that can be run, and the models of several parts whose language model can: one line each.

use serde_json::Value;

use super::spec::Build;
use super::{
    ConfigFile, cohere2, deepseek_v3, ernie4_5, exaone4, gemma2, gemma3, gemma4, glm4, glm4_moe, gpt_oss,
    gpt2, granite, hunyuan_v1_dense, llama, ministral3, mistral, mixtral, olmo2, olmo3, phi3, qwen2,
    qwen2_moe, qwen3, qwen3_5, qwen3_moe, qwen3_next, seed_oss, smollm3,
};
use crate::weights::TensorNames;

/// What checkpoints are compared with.
pub const VERIFIED_AGAINST: [&str; 2] = ["transformers 4.57.6", "transformers 5.24.0"];

type Read = fn(&ConfigFile<'_>) -> Box<dyn Build>;

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
    /// The versions of the library that they were compared with: those that have the architecture.
    pub verified_against: &'static [&'static str],
    /// Fields that other architectures refuse.
    pub(super) reads: &'static [&'static str],
    pub(super) read: Read,
}

/// The same of those that are like DeepSeek's.
const DEEPSEEK_EXPERTS: &[&str] =
    &["n_routed_experts", "num_local_experts", "num_experts_per_tok", "moe_intermediate_size"];

impl ModelFamily {
    /// The same that reads fields which other architectures refuse.
    const fn reading(self, reads: &'static [&'static str]) -> Self {
        Self { reads, ..self }
    }

    /// The same that version 4 of transformers does not have.
    const fn since_5(self) -> Self {
        Self { verified_against: &[VERIFIED_AGAINST[1]], ..self }
    }

    /// How its tensors are named.
    pub(super) fn tensors(&self) -> TensorNames {
        if self.model_type == "gpt2" { TensorNames::GPT2 } else { TensorNames::LLAMA }
    }
}

const fn family(
    model_type: &'static str,
    read: Read,
    examples: &'static [&'static str],
    checkpoints: &'static [&'static str],
) -> ModelFamily {
    ModelFamily { model_type, examples, checkpoints, verified_against: &VERIFIED_AGAINST, reads: &[], read }
}

/// What mixtures of experts say of them.
const EXPERTS: &[&str] =
    &["num_experts", "num_local_experts", "num_experts_per_tok", "moe_intermediate_size"];

/// The same of layers with the gated delta rule, and of both.
const DELTA: &[&str] = &["linear_num_value_heads"];
const DELTA_EXPERTS: &[&str] = &[
    "linear_num_value_heads",
    "num_experts",
    "num_local_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
];

/// Those of DeepSeek's experts and latent attention.
const DEEPSEEK: &[&str] = &[
    "n_routed_experts",
    "num_local_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "kv_lora_rank",
];

/// Gemma 4's fields.
const GEMMA_4: &[&str] =
    &["num_experts", "moe_intermediate_size", "num_kv_shared_layers", "use_bidirectional_attention"];

#[rustfmt::skip] // one line each
static FAMILIES: [ModelFamily; 29] = [
    family("llama", llama::read, &["meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.2-1B-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"], &["llama", "llama-bias", "llama-linear", "llama-dynamic", "llama-llama3", "llama-yarn"]),
    family("mistral", mistral::read, &["mistralai/Mistral-7B-Instruct-v0.3"], &["mistral", "mistral-window"]),
    family("qwen2", qwen2::read, &["Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"], &["qwen2", "qwen2-window"]),
    family("qwen3", qwen3::read, &["Qwen/Qwen3-8B", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"], &["qwen3", "qwen3-yarn"]),
    family("phi3", phi3::read, &["microsoft/Phi-4-mini-instruct", "microsoft/Phi-3-mini-128k-instruct"], &["phi3", "phi3-longrope"]),
    family("mixtral", mixtral::read, &["mistralai/Mixtral-8x7B-Instruct-v0.1"], &["mixtral"]).reading(EXPERTS),
    family("qwen2_moe", qwen2_moe::read, &["Qwen/Qwen1.5-MoE-A2.7B-Chat", "Qwen/Qwen2-57B-A14B-Instruct"], &["qwen2-moe"]).reading(EXPERTS),
    family("qwen3_moe", qwen3_moe::read, &["Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-Coder-30B-A3B-Instruct"], &["qwen3-moe"]).reading(EXPERTS),
    family("olmo2", olmo2::read, &["allenai/OLMo-2-1124-7B-Instruct"], &["olmo2"]),
    family("granite", granite::read, &["ibm-granite/granite-3.3-8b-instruct"], &["granite"]),
    family("smollm3", smollm3::read, &["HuggingFaceTB/SmolLM3-3B"], &["smollm3", "smollm3-window"]).reading(&["no_rope_layers"]),
    family("seed_oss", seed_oss::read, &["ByteDance-Seed/Seed-OSS-36B-Instruct"], &["seed-oss"]),
    family("olmo3", olmo3::read, &["allenai/Olmo-3-7B-Instruct"], &["olmo3"]),
    family("glm4", glm4::read, &["zai-org/GLM-4-9B-0414"], &["glm4"]),
    family("gpt_oss", gpt_oss::read, &["openai/gpt-oss-20b", "openai/gpt-oss-120b"], &["gpt-oss"]).reading(EXPERTS),
    family("glm4_moe", glm4_moe::read, &["zai-org/GLM-4.5-Air"], &["glm4-moe"]).reading(DEEPSEEK_EXPERTS),
    family("deepseek_v3", deepseek_v3::read, &["deepseek-ai/DeepSeek-V3-0324", "deepseek-ai/DeepSeek-R1-0528", "moonshotai/Moonlight-16B-A3B-Instruct"], &["deepseek-v3", "deepseek-v3-direct"]).reading(DEEPSEEK),
    family("cohere2", cohere2::read, &["CohereLabs/c4ai-command-r7b-12-2024"], &["cohere2"]),
    family("exaone4", exaone4::read, &["LGAI-EXAONE/EXAONE-4.0-32B"], &["exaone4"]),
    family("ernie4_5", ernie4_5::read, &["baidu/ERNIE-4.5-0.3B-PT"], &["ernie4-5"]),
    family("hunyuan_v1_dense", hunyuan_v1_dense::read, &["tencent/Hunyuan-7B-Instruct"], &["hunyuan-v1-dense"]),
    family("ministral3", ministral3::read, &["mistralai/Ministral-3-8B-Instruct-2512"], &["ministral3"]).since_5(),
    family("qwen3_next", qwen3_next::read, &["Qwen/Qwen3-Next-80B-A3B-Instruct"], &["qwen3-next"]).reading(DELTA_EXPERTS).since_5(),
    family("qwen3_5_text", qwen3_5::read, &["Qwen/Qwen3.5-4B", "Qwen/Qwen3.5-27B"], &["qwen3-5"]).reading(DELTA).since_5(),
    family("qwen3_5_moe_text", qwen3_5::read_moe, &["Qwen/Qwen3.5-35B-A3B"], &["qwen3-5-moe"]).reading(DELTA_EXPERTS).since_5(),
    family("gpt2", gpt2::read, &["openai-community/gpt2", "microsoft/DialoGPT-small"], &["gpt2", "gpt2-options"]),
    family("gemma2", gemma2::read, &["google/gemma-2-2b-it", "google/gemma-2-9b-it"], &["gemma2"]),
    family("gemma3_text", gemma3::read, &["google/gemma-3-1b-it", "google/gemma-3-270m-it"], &["gemma3", "gemma3-linear"]),
    family("gemma4_text", gemma4::read, &["google/gemma-4-E2B-it", "google/gemma-4-26B-A4B-it", "google/gemma-4-31B-it"], &["gemma4-e2b", "gemma4-experts"]).reading(GEMMA_4).since_5(),
];

/// Language models that only stand in wrappers.
static INNER_FAMILIES: [ModelFamily; 3] = [
    family("qwen2_vl_text", qwen2::read_vl, &[], &[]),
    family("qwen2_5_vl_text", qwen2::read_vl, &[], &[]),
    family("qwen3_vl_text", qwen3::read_vl, &[], &[]),
];

/// A model that reads images or sounds too. For text alone its language model computes what it computes by itself.
#[derive(Debug)]
struct Wrapper {
    model_type: &'static str,
    /// The language model of a config that does not say it.
    language_model: &'static str,
}

const fn wrapper(model_type: &'static str, language_model: &'static str) -> Wrapper {
    Wrapper { model_type, language_model }
}

static WRAPPERS: [Wrapper; 15] = [
    wrapper("gemma3", "gemma3_text"),
    wrapper("gemma4", "gemma4_text"),
    wrapper("llava", "llama"),
    wrapper("llava_next", "llama"),
    wrapper("llava_onevision", "qwen2"),
    wrapper("vipllava", "llama"),
    wrapper("mistral3", "mistral"),
    wrapper("idefics3", "llama"),
    wrapper("smolvlm", "llama"),
    wrapper("internvl", "qwen2"),
    wrapper("qwen2_vl", "qwen2_vl_text"),
    wrapper("qwen2_5_vl", "qwen2_5_vl_text"),
    wrapper("qwen3_vl", "qwen3_vl_text"),
    wrapper("qwen3_5", "qwen3_5_text"),
    wrapper("qwen3_5_moe", "qwen3_5_moe_text"),
];

/// The field in which wrappers have the config of their language model.
const TEXT_CONFIG: &str = "text_config";

/// Every architecture that [`LoadedModel`](crate::LoadedModel) and [`Network`](crate::Network) can run.
#[must_use]
pub fn families() -> &'static [ModelFamily] {
    &FAMILIES
}

/// The architecture that `file` names in `model_type`, with the config of the language model; where there is none, `file` has
/// the problem.
pub(super) fn find(file: ConfigFile<'_>) -> (ConfigFile<'_>, Option<&'static ModelFamily>) {
    let Some(model_type) = file.get("model_type").and_then(Value::as_str) else {
        file.wrong("model_type", "the name of an architecture", "nothing");
        return (file, None);
    };
    if let Some(family) = FAMILIES.iter().find(|family| family.model_type == model_type) {
        return (file, Some(family));
    }
    if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.model_type == model_type) {
        return wrapped(file, wrapper);
    }
    file.unsupported("model_type", model_type, known());
    // What else is wrong with the language model in it is to be said too.
    match file.get(TEXT_CONFIG) {
        Some(Value::Object(fields)) => (file.within(TEXT_CONFIG, fields), None),
        _ => (file, None),
    }
}

/// The language model in a wrapper.
fn wrapped<'a>(file: ConfigFile<'a>, wrapper: &Wrapper) -> (ConfigFile<'a>, Option<&'static ModelFamily>) {
    // The first files of Qwen's wrappers have no object: the fields of the language model stand at the top.
    let is_flat = wrapper.model_type.starts_with("qwen2") && file.get(TEXT_CONFIG).is_none();
    let fields = match file.get(TEXT_CONFIG) {
        Some(Value::Object(fields)) => fields,
        _ if is_flat => file.fields(),
        other => {
            let found = other.map_or("nothing", |_| "no object");
            file.wrong(TEXT_CONFIG, "the config of the language model", found);
            return (file, None);
        }
    };
    let own = fields.get("model_type").and_then(Value::as_str).filter(|_| !is_flat);
    let model_type = own.unwrap_or(wrapper.language_model);
    let family = FAMILIES.iter().chain(&INNER_FAMILIES).find(|family| family.model_type == model_type);
    if family.is_some() {
        file.note(format!(
            "only the language model of {} is run ({model_type}): text alone",
            wrapper.model_type
        ));
    } else {
        file.unsupported(&format!("{TEXT_CONFIG}.model_type"), model_type, known());
    }
    (file.within(if is_flat { "" } else { TEXT_CONFIG }, fields), family)
}

/// What a `model_type` may be.
fn known() -> String {
    let own: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
    let wrappers: Vec<&str> = WRAPPERS.iter().map(|wrapper| wrapper.model_type).collect();
    format!("{}; the language model of {}", own.join(", "), wrappers.join(", "))
}
