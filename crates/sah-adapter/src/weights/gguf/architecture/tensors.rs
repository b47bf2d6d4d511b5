//! What a tensor of a file is.

use super::Architecture::{
    self, Gemma2, Gemma3, Gpt2, Granite, Llama, Ministral3, Mistral, Mixtral, Qwen3Next, Qwen35, Qwen35Moe,
    SmolLm3,
};
use super::layout::{Layout, Order, RowOrder, Shape, ValueRows, Values};
use super::names::Names;

/// The modules of all experts of a layer.
const EXPERTS: [&str; 4] = ["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "ffn_gate_up_exps"];

/// What a tensor of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A weight of the model, under its Hugging Face name.
    Weight(String, Layout),
    /// Those of all experts of a layer, one after another: what stands before an expert's number in its Hugging Face names, and what after
    /// it, of each of the equal parts in which an expert's rows are.
    Experts(String, Vec<String>),
    /// Read along with another: the `attn_gate` that [`RowOrder::ByKeyHead`] has beside it.
    Beside,
    /// Factors of rotary frequencies, which become part of the configuration.
    Rope,
}

/// The number of the layer that has the tensor `stored`, and its name there.
pub(crate) fn in_layer(stored: &str) -> Option<(usize, &str)> {
    let (layer, inside) = stored.strip_prefix("blk.")?.split_once('.')?;
    // `007` and `+7` are no layers.
    let layer = layer.parse::<usize>().ok().filter(|number| number.to_string() == layer)?;
    Some((layer, inside))
}

impl Architecture {
    /// What the tensor called `stored` is; `None` where the architecture has no such tensor.
    pub(crate) fn role(self, stored: &str) -> Option<Role> {
        if matches!(stored, "rope_freqs.weight" | "rope_factors_long.weight" | "rope_factors_short.weight") {
            return Some(Role::Rope);
        }
        let Some((layer, inside)) = in_layer(stored) else {
            let (module, parameter) = module(stored)?;
            let (_, ours) = self.outside().iter().find(|(theirs, _)| *theirs == module)?;
            return Some(Role::Weight(format!("{ours}.{parameter}"), self.layout(module, parameter)));
        };
        let ours = |name: &str| format!("{}.{layer}.{name}", self.layers());
        if let Some((theirs, name)) = self.tensors().iter().find(|(theirs, _)| *theirs == inside) {
            return Some(Role::Weight(ours(name), self.layout(theirs, "")));
        }
        let (module, parameter) = module(inside)?;
        if let Some((block, parts)) = self.of_experts(module) {
            let parts = parts.into_iter().map(|part| format!("{part}.{parameter}")).collect();
            return Some(Role::Experts(ours(block), parts));
        }
        if self == Qwen3Next && inside == "attn_gate.weight" {
            return Some(Role::Beside);
        }
        let mut names = self.inside().iter().copied().flatten();
        let (_, name) = names.find(|(theirs, _)| *theirs == module)?;
        Some(Role::Weight(ours(&format!("{name}.{parameter}")), self.layout(module, parameter)))
    }

    /// What a file calls the tensor whose Hugging Face name is `ours`.
    pub(crate) fn stored_name(self, ours: &str) -> Option<String> {
        let layer = ours.strip_prefix(self.layers()).and_then(|rest| rest.strip_prefix('.'));
        let layer = layer.and_then(|rest| rest.split('.').next());
        let stored = |names: Names| names.iter().map(|(theirs, _)| *theirs);
        let candidates: Vec<&str> = if layer.is_none() {
            stored(self.outside()).collect()
        } else {
            let inside = self.inside().iter().flat_map(|module| stored(module));
            inside.chain(stored(self.tensors())).chain(EXPERTS).collect()
        };
        let before = layer.map_or_else(String::new, |layer| format!("blk.{layer}."));
        let full = |name| ["", ".weight", ".bias"].map(|end| format!("{before}{name}{end}"));
        candidates.into_iter().flat_map(full).find(|stored| match self.role(stored) {
            Some(Role::Weight(name, _)) => name == ours,
            Some(Role::Experts(before, parts)) => {
                let rest =
                    ours.strip_prefix(&before).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
                rest.is_some_and(|(_, part)| parts.iter().any(|own| own == part))
            }
            _ => false,
        })
    }

    /// What Hugging Face calls the experts, and the matrices of each that the module `stored` has, one above another.
    fn of_experts(self, stored: &str) -> Option<(&'static str, Vec<&'static str>)> {
        let names = self.experts()?;
        let parts = match stored {
            "ffn_gate_exps" => vec![names.gate],
            "ffn_up_exps" => vec![names.up],
            "ffn_down_exps" => vec![names.down],
            "ffn_gate_up_exps" => vec![names.gate, names.up],
            _ => return None,
        };
        Some((names.block, parts))
    }

    /// That of a module's parameter, or, without one, of a tensor that has a name of its own.
    fn layout(self, module: &str, parameter: &str) -> Layout {
        let is_weight = parameter == "weight";
        match (self, module) {
            (Llama | Mixtral | Mistral | Ministral3 | Granite | SmolLm3, "attn_q" | "attn_k") => {
                Layout::rows(RowOrder::Rotary)
            }
            (Gpt2, "attn_qkv" | "attn_output" | "ffn_up" | "ffn_down") if is_weight => {
                Layout::ordered(Order::Transposed)
            }
            (Qwen3Next | Qwen35 | Qwen35Moe, "ssm_norm") => Layout::SAME,
            (Gemma2 | Gemma3 | Qwen3Next | Qwen35 | Qwen35Moe, _)
                if module.ends_with("norm") && is_weight =>
            {
                Layout { values: Values::OneMore, ..Layout::SAME }
            }
            // A matrix of one row, which converters may write as a vector.
            (_, "ffn_gate_inp_shexp") => Layout { shape: Shape::Row, ..Layout::SAME },
            (Qwen3Next, "attn_qkv") => Layout::rows(RowOrder::ByKeyHead),
            (Qwen3Next, "ssm_conv1d") => Layout { shape: Shape::Kernels, ..Layout::SAME },
            (Qwen3Next, "ssm_a") => Layout { values: Values::MinusExp, ..Layout::SAME },
            (Qwen35 | Qwen35Moe, _) => Self::layout_of_delta(module),
            _ => Layout::SAME,
        }
    }

    /// That of Qwen3.5's layers with the gated delta rule, whose value heads take turns.
    fn layout_of_delta(module: &str) -> Layout {
        let values = |rows: ValueRows| Layout::rows(RowOrder::Values(rows));
        match module {
            "attn_qkv" => values(ValueRows::BehindKeys),
            "ssm_conv1d" => Layout { shape: Shape::Kernels, ..values(ValueRows::BehindKeys) },
            "attn_gate" => values(ValueRows::OfHeads),
            "ssm_beta" | "ssm_alpha" | "ssm_dt.bias" => values(ValueRows::OnePerHead),
            "ssm_a" => Layout { values: Values::MinusExp, ..values(ValueRows::OnePerHead) },
            "ssm_out" => Layout::ordered(Order::ValueColumns),
            _ => Layout::SAME,
        }
    }
}

/// A module and its parameter.
fn module(stored: &str) -> Option<(&str, &str)> {
    stored.rsplit_once('.').filter(|(_, parameter)| matches!(*parameter, "weight" | "bias"))
}

#[cfg(test)]
mod tests {
    use super::super::Architecture::{Gemma4, Glm4Moe, GptOss, Phi3, Qwen2, Qwen3};
    use super::*;

    #[test]
    fn names_are_translated_level_by_level() {
        let weight = |name: &str, layout| Some(Role::Weight(name.into(), layout));
        let same = |name: &str| weight(name, Layout::SAME);
        let one_more = Layout { values: Values::OneMore, ..Layout::SAME };
        for (architecture, stored, expected) in [
            (Llama, "token_embd.weight", same("model.embed_tokens.weight")),
            (Llama, "output.weight", same("lm_head.weight")),
            (
                Llama,
                "blk.11.attn_q.bias",
                weight("model.layers.11.self_attn.q_proj.bias", Layout::rows(RowOrder::Rotary)),
            ),
            (Llama, "blk.0.ffn_norm.weight", same("model.layers.0.post_attention_layernorm.weight")),
            (Qwen2, "blk.0.attn_k.weight", same("model.layers.0.self_attn.k_proj.weight")),
            (Qwen3, "blk.2.attn_k_norm.weight", same("model.layers.2.self_attn.k_norm.weight")),
            (Phi3, "blk.0.ffn_up.weight", same("model.layers.0.mlp.gate_up_proj.weight")),
            (
                Gemma2,
                "blk.0.ffn_norm.weight",
                weight("model.layers.0.pre_feedforward_layernorm.weight", one_more),
            ),
            (Gemma3, "output_norm.weight", weight("model.norm.weight", one_more)),
            (
                Gpt2,
                "blk.0.ffn_down.weight",
                weight("transformer.h.0.mlp.c_proj.weight", Layout::ordered(Order::Transposed)),
            ),
            (Gemma4, "blk.0.post_norm.weight", same("model.layers.0.post_per_layer_input_norm.weight")),
            (Gemma4, "blk.0.ffn_down_exps.scale", same("model.layers.0.router.per_expert_scale")),
            (Gpt2, "blk.0.ffn_down.bias", same("transformer.h.0.mlp.c_proj.bias")),
            (Gpt2, "position_embd.weight", same("transformer.wpe.weight")),
            (GptOss, "blk.1.attn_sinks.weight", same("model.layers.1.self_attn.sinks")),
            (Glm4Moe, "blk.1.exp_probs_b.bias", same("model.layers.1.mlp.gate.e_score_correction_bias")),
            (Qwen35, "blk.0.ssm_norm.weight", same("model.layers.0.linear_attn.norm.weight")),
            (Qwen3Next, "blk.0.ssm_in.weight", same("model.layers.0.linear_attn.in_proj_qkvz.weight")),
            (Qwen3Next, "blk.0.attn_gate.weight", Some(Role::Beside)),
            (Llama, "rope_freqs.weight", Some(Role::Rope)),
            (Llama, "blk.0.attn_qkv.weight", None),
            (Phi3, "blk.0.attn_q.weight", None),
            (Qwen2, "blk.0.attn_q_norm.weight", None),
            (Llama, "blk.x.ffn_up.weight", None),
            (Llama, "blk.01.ffn_up.weight", None),
            (Llama, "blk.0.ffn_up.scale", None),
            (Llama, "position_embd.weight", None),
            (Llama, "blk.0.ffn_up_exps.weight", None),
            (Qwen35, "blk.0.ssm_a.weight", None),
            (Llama, "weight", None),
        ] {
            assert_eq!(architecture.role(stored), expected, "{stored}");
        }
    }

    #[test]
    fn names_are_found_from_either_side() {
        for (architecture, stored, ours) in [
            (Llama, "output.weight", "lm_head.weight"),
            (Llama, "blk.3.attn_k.bias", "model.layers.3.self_attn.k_proj.bias"),
            (Gpt2, "blk.0.ffn_up.weight", "transformer.h.0.mlp.c_fc.weight"),
            (GptOss, "blk.1.attn_sinks.weight", "model.layers.1.self_attn.sinks"),
            (Gemma4, "per_layer_token_embd.weight", "model.embed_tokens_per_layer.weight"),
            (Gemma4, "blk.2.layer_output_scale.weight", "model.layers.2.layer_scalar"),
            (Gemma4, "blk.2.ffn_gate_inp.scale", "model.layers.2.router.scale"),
            (Gemma4, "blk.2.ffn_down_exps.weight", "model.layers.2.experts.0.down_proj.weight"),
            (GptOss, "blk.1.ffn_up_exps.bias", "model.layers.1.mlp.experts.2.up_proj.bias"),
            (Qwen35, "blk.0.ssm_a", "model.layers.0.linear_attn.A_log"),
        ] {
            assert_eq!(architecture.stored_name(ours).as_deref(), Some(stored));
        }
        assert_eq!(Llama.stored_name("model.layers.0.linear_attn.A_log"), None);
    }

    #[test]
    fn experts_are_in_one_tensor_or_two_halves_of_one() {
        let experts = |before: &str, parts: &[&str]| {
            Some(Role::Experts(before.into(), parts.iter().map(|part| (*part).to_owned()).collect()))
        };
        for (architecture, stored, expected) in [
            (
                Mixtral,
                "blk.0.ffn_down_exps.weight",
                experts("model.layers.0.block_sparse_moe.experts", &["w2.weight"]),
            ),
            (GptOss, "blk.3.ffn_up_exps.bias", experts("model.layers.3.mlp.experts", &["up_proj.bias"])),
            (
                Qwen35Moe,
                "blk.0.ffn_gate_up_exps.weight",
                experts("model.layers.0.mlp.experts", &["gate_proj.weight", "up_proj.weight"]),
            ),
        ] {
            assert_eq!(architecture.role(stored), expected, "{stored}");
        }
    }
}
