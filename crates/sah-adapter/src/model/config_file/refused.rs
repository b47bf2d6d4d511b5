//! Fields that ask for what no architecture here does.

use serde_json::Value;

use super::{ConfigFile, shortened};

const UNQUANTISED: &str =
    "weights in F32, F16 or BF16, or quantised as quantization_config says, or a GGUF file";
const NO_EXPERTS: &str = "models without experts";
const TEXT_ONLY: &str = "text-only checkpoints";
const DECODER_ONLY: &str = "decoder-only models";
const ATTENTION_ONLY: &str = "layers of attention";

/// Fields that change what a model computes, in a way that few architectures here do or none, and what the others do instead. A
/// field that is absent, null, false, 0 or empty asks for nothing.
const REFUSED: [(&str, &str); 21] = [
    ("compression_config", UNQUANTISED),
    ("num_experts", NO_EXPERTS),
    ("num_local_experts", NO_EXPERTS),
    ("n_routed_experts", NO_EXPERTS),
    ("num_experts_per_tok", NO_EXPERTS),
    ("moe_intermediate_size", NO_EXPERTS),
    ("kv_lora_rank", "keys and values that are not compressed"),
    ("num_kv_shared_layers", "layers with keys and values of their own"),
    ("linear_num_value_heads", ATTENTION_ONLY),
    ("mamba_d_state", ATTENTION_ONLY),
    ("ssm_state_size", ATTENTION_ONLY),
    ("text_config", TEXT_ONLY),
    ("vision_config", TEXT_ONLY),
    ("audio_config", TEXT_ONLY),
    ("is_encoder_decoder", DECODER_ONLY),
    ("add_cross_attention", DECODER_ONLY),
    ("use_bidirectional_attention", "causal attention"),
    ("lm_head_bias", "false"),
    ("pruned_heads", "models with all their heads"),
    ("attention_chunk_size", "attention without chunks"),
    ("no_rope_layers", "rotary embeddings in all layers"),
];

/// Fields that other programs read and transformers does not.
const WITHOUT_EFFECT: [&str; 3] = ["dual_chunk_attention_config", "rope_interleaved", "use_mrope"];

impl ConfigFile<'_> {
    /// Notes fields that ask for something that transformers does not do either.
    pub(in crate::model) fn note_without_effect(&self) {
        for field in WITHOUT_EFFECT {
            if self.get(field).and_then(asked_for).is_some() {
                self.note(format!("{} has no effect, as in transformers", self.full_name(field)));
            }
        }
    }

    /// Names every field that asks for what the architecture does not do; it reads those in `read`.
    ///
    /// A wrapper's fields count too, but for the parts that are left out: those of images and sounds.
    pub(in crate::model) fn refuse_unsupported(&self, read: &[&str]) {
        for (field, supported) in REFUSED.into_iter().filter(|(field, _)| !read.contains(field)) {
            // Of a wrapper whose fields stand beside those of its language model, both are one object.
            let is_left_out = supported == TEXT_ONLY && matches!(self.outer, Some(("", _)));
            if let Some(found) = self.get(field).and_then(asked_for).filter(|_| !is_left_out) {
                self.unsupported(field, found, supported);
            }
            if supported != TEXT_ONLY
                && let Some(found) = self.outer(field).and_then(asked_for)
            {
                self.outer_unsupported(field, found, supported);
            }
        }
    }

    fn outer_unsupported(&self, field: &str, found: String, supported: &str) {
        self.problem(crate::Error::Unsupported {
            path: self.path.to_owned(),
            field: field.to_owned(),
            found,
            supported: supported.to_owned(),
        });
    }
}

/// What a field asks for, if it asks for anything.
fn asked_for(value: &Value) -> Option<String> {
    let asks = match value {
        Value::Null => false,
        Value::Bool(asked) => *asked,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    };
    // An object says best by its method or its type what it asks for.
    let said = value.get("quant_method").or_else(|| value.get("model_type"));
    asks.then(|| shortened(said.unwrap_or(value)))
}
