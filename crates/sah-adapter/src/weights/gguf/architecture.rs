//! The architectures that GGUF files can have here, and how each names and lays out its tensors.

use super::{Gguf, Metadata};
use crate::Error;

/// An architecture whose metadata and tensors this crate can give in Hugging Face form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    Llama,
    Qwen2,
    Qwen3,
    Qwen2Moe,
    Qwen3Moe,
    Phi3,
    Gemma2,
    Gemma3,
    Gpt2,
}

/// How a stored tensor differs from that of Hugging Face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Same,
    /// Rows of query or key heads, in the order of the original Llama code: rotary pairs are neighbours.
    Permuted,
    /// A matrix `[out, in]` that Hugging Face stores as `[in, out]`.
    Transposed,
    /// A matrix with one row, as a vector.
    Row,
    /// 1 has been added to the weight of a norm, which Hugging Face's code adds itself.
    OneMore,
}

/// What a tensor of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A weight of the model, under its Hugging Face name.
    Weight(String, Layout),
    /// Those of all experts of a layer, one after another: what stands before an expert's number in its Hugging Face name, and after it.
    Experts(String, &'static str),
    /// Factors of rotary frequencies, which become part of the configuration.
    Rope,
}

use Architecture::{Gemma2, Gemma3, Gpt2, Llama, Phi3, Qwen2, Qwen2Moe, Qwen3, Qwen3Moe};

impl Architecture {
    /// What an error lists.
    const SUPPORTED: &'static str = "llama, qwen2, qwen2moe, qwen3, qwen3moe, phi3, gemma2, gemma3, gpt2";

    /// The architecture that the file says it has.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for another architecture and for mixtures of experts.
    pub(crate) fn of(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let key = "general.architecture";
        let name = metadata.required(key, "the name of an architecture", metadata.text(key)?)?;
        Ok(match name {
            "llama" => Llama,
            "qwen2" => Qwen2,
            "qwen3" => Qwen3,
            "qwen2moe" => Qwen2Moe,
            "qwen3moe" => Qwen3Moe,
            "phi3" => Phi3,
            "gemma2" => Gemma2,
            "gemma3" => Gemma3,
            "gpt2" => Gpt2,
            _ => return Err(metadata.unsupported(key, name, Self::SUPPORTED)),
        })
    }

    /// The name in the file: the first part of the metadata keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Llama => "llama",
            Qwen2 => "qwen2",
            Qwen3 => "qwen3",
            Qwen2Moe => "qwen2moe",
            Qwen3Moe => "qwen3moe",
            Phi3 => "phi3",
            Gemma2 => "gemma2",
            Gemma3 => "gemma3",
            Gpt2 => "gpt2",
        }
    }

    /// `model_type` of Hugging Face's configuration.
    pub(crate) fn model_type(self) -> &'static str {
        match self {
            Gemma3 => "gemma3_text",
            Qwen2Moe => "qwen2_moe",
            Qwen3Moe => "qwen3_moe",
            _ => self.name(),
        }
    }

    /// What the tensor called `stored` is; `None` where the architecture has no such tensor.
    pub(crate) fn role(self, stored: &str) -> Option<Role> {
        if matches!(stored, "rope_freqs.weight" | "rope_factors_long.weight" | "rope_factors_short.weight") {
            return Some(Role::Rope);
        }
        let (module, parameter) = stored.rsplit_once('.')?;
        if !matches!(parameter, "weight" | "bias") {
            return None;
        }
        let name = match module.strip_prefix("blk.") {
            None => format!("{}.{parameter}", self.module(module)?),
            Some(rest) => {
                let (layer, inside) = rest.split_once('.')?;
                // `007` and `+7` are no layers.
                let layer = layer.parse::<usize>().ok().filter(|number| number.to_string() == layer)?;
                let layers = if self == Gpt2 { "transformer.h" } else { "model.layers" };
                if let Some(projection) = self.of_experts(inside).filter(|_| parameter == "weight") {
                    return Some(Role::Experts(format!("{layers}.{layer}.mlp.experts"), projection));
                }
                format!("{layers}.{layer}.{}.{parameter}", self.layer_module(inside)?)
            }
        };
        Some(Role::Weight(name, self.layout(module.rsplit('.').next()?, parameter)))
    }

    /// Modules outside the layers.
    fn module(self, stored: &str) -> Option<&'static str> {
        Some(match (self, stored) {
            (Gpt2, "token_embd") => "transformer.wte",
            (Gpt2, "position_embd") => "transformer.wpe",
            (Gpt2, "output_norm") => "transformer.ln_f",
            (_, "token_embd") => "model.embed_tokens",
            (_, "output_norm") => "model.norm",
            (_, "output") => "lm_head",
            _ => return None,
        })
    }

    /// Whether a feed-forward network has experts.
    pub(super) fn has_experts(self) -> bool {
        matches!(self, Qwen2Moe | Qwen3Moe)
    }

    /// The tensors of all experts, by the name of each one's own.
    fn of_experts(self, stored: &str) -> Option<&'static str> {
        match stored {
            _ if !self.has_experts() => None,
            "ffn_gate_exps" => Some("gate_proj.weight"),
            "ffn_up_exps" => Some("up_proj.weight"),
            "ffn_down_exps" => Some("down_proj.weight"),
            _ => None,
        }
    }

    /// Modules inside a layer.
    fn layer_module(self, stored: &str) -> Option<&'static str> {
        Some(match (self, stored) {
            (Gpt2, "attn_norm") => "ln_1",
            (Gpt2, "attn_qkv") => "attn.c_attn",
            (Gpt2, "attn_output") => "attn.c_proj",
            (Gpt2, "ffn_norm") => "ln_2",
            (Gpt2, "ffn_up") => "mlp.c_fc",
            (Gpt2, "ffn_down") => "mlp.c_proj",
            (Gpt2, _) => return None,
            (_, "attn_norm") => "input_layernorm",
            (_, "attn_output") => "self_attn.o_proj",
            (_, "ffn_down") => "mlp.down_proj",
            (Phi3, "attn_qkv") => "self_attn.qkv_proj",
            (Phi3, "ffn_norm") | (Gemma2 | Gemma3, "post_attention_norm") => "post_attention_layernorm",
            (Phi3, "ffn_up") => "mlp.gate_up_proj",
            (Phi3, _) => return None,
            (_, "attn_q") => "self_attn.q_proj",
            (_, "attn_k") => "self_attn.k_proj",
            (_, "attn_v") => "self_attn.v_proj",
            (_, "ffn_gate") => "mlp.gate_proj",
            (_, "ffn_up") => "mlp.up_proj",
            (Qwen2Moe | Qwen3Moe, "ffn_gate_inp") => "mlp.gate",
            (Qwen2Moe, "ffn_gate_inp_shexp") => "mlp.shared_expert_gate",
            (Qwen2Moe, "ffn_gate_shexp") => "mlp.shared_expert.gate_proj",
            (Qwen2Moe, "ffn_up_shexp") => "mlp.shared_expert.up_proj",
            (Qwen2Moe, "ffn_down_shexp") => "mlp.shared_expert.down_proj",
            (Qwen3 | Qwen3Moe | Gemma3, "attn_q_norm") => "self_attn.q_norm",
            (Qwen3 | Qwen3Moe | Gemma3, "attn_k_norm") => "self_attn.k_norm",
            (Gemma2 | Gemma3, "ffn_norm") => "pre_feedforward_layernorm",
            (Gemma2 | Gemma3, "post_ffw_norm") => "post_feedforward_layernorm",
            (_, "ffn_norm") => "post_attention_layernorm",
            _ => return None,
        })
    }

    fn layout(self, module: &str, parameter: &str) -> Layout {
        match (self, module) {
            (Llama, "attn_q" | "attn_k") => Layout::Permuted,
            (Gpt2, "attn_qkv" | "attn_output" | "ffn_up" | "ffn_down") if parameter == "weight" => {
                Layout::Transposed
            }
            (Gemma2 | Gemma3, module) if module.ends_with("norm") && parameter == "weight" => Layout::OneMore,
            // A matrix of one row, which converters write as a vector.
            (Qwen2Moe, "ffn_gate_inp_shexp") => Layout::Row,
            _ => Layout::Same,
        }
    }
}

/// The row of the stored projection that holds row `row` of the Hugging Face one, for heads of `head_dim` rows.
///
/// Hugging Face rotates `(j, j + D/2)` of a head together, the stored form `(2j, 2j + 1)`: row `i D/2 + j` of a head,
/// with `i` 0 or 1, is stored as row `2j + i`.
pub(crate) fn stored_row(row: usize, head_dim: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let (i, j) = (within / (head_dim / 2), within % (head_dim / 2));
    head * head_dim + 2 * j + i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_translated_level_by_level() {
        let weight = |name: &str, layout| Some(Role::Weight(name.into(), layout));
        for (architecture, stored, expected) in [
            (Llama, "token_embd.weight", weight("model.embed_tokens.weight", Layout::Same)),
            (Llama, "output.weight", weight("lm_head.weight", Layout::Same)),
            (Llama, "blk.11.attn_q.bias", weight("model.layers.11.self_attn.q_proj.bias", Layout::Permuted)),
            (
                Llama,
                "blk.0.ffn_norm.weight",
                weight("model.layers.0.post_attention_layernorm.weight", Layout::Same),
            ),
            (Qwen2, "blk.0.attn_k.weight", weight("model.layers.0.self_attn.k_proj.weight", Layout::Same)),
            (
                Qwen3,
                "blk.2.attn_k_norm.weight",
                weight("model.layers.2.self_attn.k_norm.weight", Layout::Same),
            ),
            (Phi3, "blk.0.ffn_up.weight", weight("model.layers.0.mlp.gate_up_proj.weight", Layout::Same)),
            (
                Gemma2,
                "blk.0.ffn_norm.weight",
                weight("model.layers.0.pre_feedforward_layernorm.weight", Layout::OneMore),
            ),
            (Gemma3, "output_norm.weight", weight("model.norm.weight", Layout::OneMore)),
            (Gpt2, "blk.0.ffn_down.weight", weight("transformer.h.0.mlp.c_proj.weight", Layout::Transposed)),
            (Gpt2, "blk.0.ffn_down.bias", weight("transformer.h.0.mlp.c_proj.bias", Layout::Same)),
            (Gpt2, "position_embd.weight", weight("transformer.wpe.weight", Layout::Same)),
            (Llama, "rope_freqs.weight", Some(Role::Rope)),
            (Llama, "blk.0.attn_qkv.weight", None),
            (Phi3, "blk.0.attn_q.weight", None),
            (Qwen2, "blk.0.attn_q_norm.weight", None),
            (Llama, "blk.x.ffn_up.weight", None),
            (Llama, "blk.01.ffn_up.weight", None),
            (Llama, "blk.0.ffn_up.scale", None),
            (Llama, "position_embd.weight", None),
            (Llama, "weight", None),
        ] {
            assert_eq!(architecture.role(stored), expected, "{stored}");
        }
    }

    #[test]
    fn the_permutation_is_the_inverse_of_the_converters() {
        // llama.cpp's converter: rows [heads, 2, D/2] -> swap the last two -> [heads, D/2, 2].
        let (heads, head_dim) = (3, 8);
        let mut stored = vec![];
        for head in 0..heads {
            for j in 0..head_dim / 2 {
                for i in 0..2 {
                    stored.push(head * head_dim + i * head_dim / 2 + j);
                }
            }
        }
        let restored: Vec<usize> =
            (0..heads * head_dim).map(|row| stored[stored_row(row, head_dim)]).collect();
        assert_eq!(restored, (0..heads * head_dim).collect::<Vec<_>>());
    }
}
