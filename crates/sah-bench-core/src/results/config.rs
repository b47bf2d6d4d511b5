//! `config.json`: enough to repeat the run.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use sah_request::{GenerationParams, RequestLimits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::warning::Warning;

/// The content of `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The model.
    pub model: ModelConfig,
    /// The name of the attention, which is that of the result folder.
    pub attention_name: String,
    /// The attention with the names of its types; `null` is dense.
    pub attention: Value,
    /// SHA-256 of the files that the attention and the retention read, by their paths in `attention` and `retention`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attention_files: BTreeMap<String, String>,
    /// How contexts were read: `dense`, `sparse` with the attention, or the name of what they were read with. Dense in files that do not
    /// say it.
    #[serde(default = "dense")]
    pub prefill: String,
    /// What contexts were read with, with the names of its types, where it was neither every key nor the attention; not in the file
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_maskers: Option<Value>,
    /// Whether keys that the attention never reads again were evicted from the KV cache.
    #[serde(default)]
    pub evict: bool,
    /// `dense` where questions were read densely beside a sparse attention of new tokens; not in the file where they attended as new
    /// tokens do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_attention: Option<String>,
    /// The retention with the names of its types: which keys of contexts stayed. Not in the file where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Value>,
    /// `question` where the question was read before keys were dropped; not in the file where the context alone was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_sees: Option<String>,
    /// The kernel of all attention; not in the file where it was the one that fits each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Type of activations and expanded weights: `f32`, `bf16`, `f16`.
    pub dtype: String,
    /// How matrices of weights were kept: `expanded` (in `dtype`), `bf16`, or `stored` (as in the checkpoint).
    #[serde(default = "expanded")]
    pub weights: String,
    /// How keys and values were kept in the cache: `f32`, `bf16`, `f16`, `int8`, `int4`, `int2`. Empty, in files that do not say it: in
    /// `dtype`.
    #[serde(default)]
    pub kv_dtype: String,
    /// Where the model ran: `cpu`, `cuda:0`.
    pub device: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Threads of one operation on the CPU.
    pub threads: usize,
    /// The benchmark.
    pub benchmark: String,
    /// The subsets, in the order in which they ran.
    pub subsets: Vec<String>,
    /// Where the samples came from.
    pub data: DataConfig,
    /// SHA-256 of the files beside the rows that scores were made with, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_files: BTreeMap<String, String>,
    /// At most this many samples of each subset.
    pub max_samples: Option<usize>,
    /// How many answers each sample got; not in the file where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<NonZeroUsize>,
    /// Share of the sparse attention calls that were measured.
    #[serde(default)]
    pub micro_metrics: f64,
    /// Limits on each request.
    pub limits: RequestLimits,
    /// Whether prompts were put in the model's chat template.
    #[serde(default)]
    pub chat_template: ChatTemplateConfig,
    /// Where the limits on new tokens came from.
    #[serde(default)]
    pub answer_limits: AnswerLimits,
    /// How prompts became tokens: `whole`, or context and question `apart`, as in files that do not say it.
    #[serde(default = "apart")]
    pub tokenise: String,
    /// How answers were generated.
    pub generation: GenerationParams,
    /// What became of text in contexts and questions that reads as special tokens: `parse`, the tokens, or `text`. Tokens in files
    /// that do not say it.
    #[serde(default = "parse")]
    pub special_tokens: String,
    /// What the model's own generation config did to answers.
    #[serde(default)]
    pub generation_config: GenerationConfigUsed,
    /// What ran.
    pub versions: Versions,
    /// What is known before the first request and makes the scores mean something else than they seem to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

fn parse() -> String {
    "parse".to_owned()
}

fn dense() -> String {
    "dense".to_owned()
}

/// What results without the field were made with.
fn apart() -> String {
    "apart".to_owned()
}

/// What results without the field were made with.
fn expanded() -> String {
    "expanded".to_owned()
}

/// Where the limits on new tokens of a run came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerLimits {
    /// Each row had its own.
    #[default]
    Rows,
    /// Each task had that of the benchmark's authors.
    Authors,
    /// All rows had the one in `generation`.
    Given,
}

/// The model of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Its name, as given on the command line.
    pub name: String,
    /// The file, folder or hub repository that it was loaded from.
    pub source: String,
    /// Format of the weights: `safetensors`, `gguf`.
    pub format: String,
    /// Architecture, as the checkpoint names it.
    pub architecture: String,
    /// The tokens each of which ends an answer.
    #[serde(default)]
    pub stop_tokens: Vec<u32>,
    /// SHA-256 of the weights, in lower-case hexadecimal.
    pub hash: String,
    /// SHA-256 of the other files that decide answers, by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The rotary embeddings that were used instead of the model's own, as they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope: Option<serde_json::Value>,
    /// How many positions a prompt and its answer could take, where it was not as many as the model was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<usize>,
}

/// What was done with the model's chat template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatTemplateConfig {
    /// What was asked for: `always`, `never`, the name of a rule of the benchmark's authors, or `file` for a template of the
    /// user's own.
    pub mode: String,
    /// The file of the model that has the template, or the user's own; `null` where there is none.
    pub file: Option<String>,
    /// SHA-256 of the template's text, in lower-case hexadecimal.
    pub hash: Option<String>,
    /// Values for variables of the template; not in the file where there are none.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub arguments: serde_json::Map<String, serde_json::Value>,
    /// Whether the template made the model think before it answered.
    #[serde(default)]
    pub thinking: TemplateThinking,
    /// The subsets whose prompts were plain text.
    pub plain_subsets: Vec<String>,
}

/// Whether a chat template makes a model think before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateThinking {
    /// It says nothing of it, or there is none.
    #[default]
    Unknown,
    /// It has a switch, which was off.
    Off,
    /// It has a switch, which was on.
    On,
    /// It does and has no switch.
    Always,
}

/// What was done with the model's own generation config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationConfigUsed {
    /// `apply` or `ignore`.
    pub mode: String,
    /// The file of the model that has it; `null` where the model has none.
    pub file: Option<String>,
    /// Its fields that were applied to logits, with their values.
    pub applied: Map<String, Value>,
    /// Its fields that would change greedy answers in transformers and were not applied, with their values.
    pub not_applied: Map<String, Value>,
}

/// What results without the field were made with.
impl Default for GenerationConfigUsed {
    fn default() -> Self {
        Self { mode: "ignore".to_owned(), file: None, applied: Map::new(), not_applied: Map::new() }
    }
}

/// Where the samples of a run came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataConfig {
    /// `sample` for the bundled demonstration, `hub`, or `folder`.
    pub source: String,
    /// The hub repository or the folder; `null` for the bundled sample.
    pub location: Option<String>,
    /// Revision or SHA-256 of the data, where it is known.
    pub hash: Option<String>,
}

/// Versions of what ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// Version of this project.
    pub sah: String,
    /// Revision of its git repository, with `-dirty` after it where files were changed; `null` outside a repository.
    pub git: Option<String>,
    /// Version of the crate `tch`.
    pub tch: String,
    /// Version of libtorch.
    pub libtorch: String,
}
