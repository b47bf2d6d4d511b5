//! The names of modules and tensors, in the file and of Hugging Face.

use super::Architecture::{
    self, Cohere2, Ernie45, Exaone4, Gemma2, Gemma3, Gemma4, Glm4, Glm4Moe, Gpt2, GptOss, Granite,
    HunyuanDense, Llama, Ministral3, Mistral, Mixtral, Olmo2, Olmo3, Phi3, Qwen2, Qwen2Moe, Qwen3, Qwen3Moe,
    Qwen3Next, Qwen35, Qwen35Moe, SeedOss, SmolLm3,
};

/// Pairs of a name in the file and that of Hugging Face.
pub(super) type Names = &'static [(&'static str, &'static str)];

const OUTSIDE: Names =
    &[("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")];
const OUTSIDE_GPT2: Names = &[
    ("token_embd", "transformer.wte"),
    ("position_embd", "transformer.wpe"),
    ("output_norm", "transformer.ln_f"),
];
const OUTSIDE_GEMMA4: Names = &[
    ("token_embd", "model.embed_tokens"),
    ("per_layer_token_embd", "model.embed_tokens_per_layer"),
    ("per_layer_model_proj", "model.per_layer_model_projection"),
    ("per_layer_proj_norm", "model.per_layer_projection_norm"),
    ("output_norm", "model.norm"),
    ("output", "lm_head"),
];
const GPT2: Names = &[
    ("attn_norm", "ln_1"),
    ("attn_qkv", "attn.c_attn"),
    ("attn_output", "attn.c_proj"),
    ("ffn_norm", "ln_2"),
    ("ffn_up", "mlp.c_fc"),
    ("ffn_down", "mlp.c_proj"),
];

const ATTENTION: Names = &[
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
];
const FUSED_ATTENTION: Names = &[("attn_qkv", "self_attn.qkv_proj"), ("attn_output", "self_attn.o_proj")];
const HEAD_NORMS: Names = &[("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")];
const HUNYUAN_NORMS: Names =
    &[("attn_q_norm", "self_attn.query_layernorm"), ("attn_k_norm", "self_attn.key_layernorm")];

const MLP: Names = &[("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj")];
const FUSED_MLP: Names = &[("ffn_up", "mlp.gate_up_proj"), ("ffn_down", "mlp.down_proj")];
const ROUTER: Names = &[("ffn_gate_inp", "mlp.gate")];
const MIXTRAL_ROUTER: Names = &[("ffn_gate_inp", "block_sparse_moe.gate")];
const GPT_OSS_ROUTER: Names = &[("ffn_gate_inp", "mlp.router")];
const SHARED_EXPERT: Names = &[
    ("ffn_gate_inp_shexp", "mlp.shared_expert_gate"),
    ("ffn_gate_shexp", "mlp.shared_expert.gate_proj"),
    ("ffn_up_shexp", "mlp.shared_expert.up_proj"),
    ("ffn_down_shexp", "mlp.shared_expert.down_proj"),
];
const SHARED_EXPERTS: Names = &[
    ("ffn_gate_shexp", "mlp.shared_experts.gate_proj"),
    ("ffn_up_shexp", "mlp.shared_experts.up_proj"),
    ("ffn_down_shexp", "mlp.shared_experts.down_proj"),
];

/// Norms before attention and MLP, by the two names that files have for the second.
const BEFORE: Names = &[("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm")];
const BEFORE_AS_AFTER: Names =
    &[("attn_norm", "input_layernorm"), ("post_attention_norm", "post_attention_layernorm")];
const AFTER: Names =
    &[("post_attention_norm", "post_attention_layernorm"), ("post_ffw_norm", "post_feedforward_layernorm")];
const ONE: Names = &[("attn_norm", "input_layernorm")];
const GEMMA_NORMS: Names = &[
    ("attn_norm", "input_layernorm"),
    ("post_attention_norm", "post_attention_layernorm"),
    ("ffn_norm", "pre_feedforward_layernorm"),
    ("post_ffw_norm", "post_feedforward_layernorm"),
];
/// Norms around the dense network and the experts beside it.
const GEMMA4_EXPERT_NORMS: Names = &[
    ("post_ffw_norm_1", "post_feedforward_layernorm_1"),
    ("pre_ffw_norm_2", "pre_feedforward_layernorm_2"),
    ("post_ffw_norm_2", "post_feedforward_layernorm_2"),
];
const GEMMA4_ROUTER: Names = &[("ffn_gate_inp", "router.proj")];
/// What lets a layer's own vectors in.
const GEMMA4_INPUT: Names = &[
    ("inp_gate", "per_layer_input_gate"),
    ("proj", "per_layer_projection"),
    ("post_norm", "post_per_layer_input_norm"),
];
const GLM4_NORMS: Names = &[
    ("attn_norm", "input_layernorm"),
    ("post_attention_norm", "post_self_attn_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("post_ffw_norm", "post_mlp_layernorm"),
];

/// The gated delta rule. Qwen3-Next's first files have its inputs in `ssm_in`, as Hugging Face has them.
const DELTA: Names = &[
    ("ssm_conv1d", "linear_attn.conv1d"),
    ("ssm_norm", "linear_attn.norm"),
    ("ssm_out", "linear_attn.out_proj"),
];
const DELTA_BY_HEAD: Names = &[
    ("attn_qkv", "linear_attn.in_proj_qkvz"),
    ("ssm_in", "linear_attn.in_proj_qkvz"),
    ("ssm_ba", "linear_attn.in_proj_ba"),
];
const DELTA_APART: Names = &[
    ("attn_qkv", "linear_attn.in_proj_qkv"),
    ("attn_gate", "linear_attn.in_proj_z"),
    ("ssm_beta", "linear_attn.in_proj_b"),
    ("ssm_alpha", "linear_attn.in_proj_a"),
];

/// The experts of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpertNames {
    /// What Hugging Face calls them.
    pub(super) block: &'static str,
    /// The gate, up and down of each.
    pub(super) gate: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
}

const EXPERTS: ExpertNames =
    ExpertNames { block: "mlp.experts", gate: "gate_proj", up: "up_proj", down: "down_proj" };
const GEMMA4_EXPERTS: ExpertNames = ExpertNames { block: "experts", ..EXPERTS };
const MIXTRAL_EXPERTS: ExpertNames =
    ExpertNames { block: "block_sparse_moe.experts", gate: "w1", up: "w3", down: "w2" };

impl Architecture {
    /// Modules outside the layers.
    pub(super) fn outside(self) -> Names {
        match self {
            Gpt2 => OUTSIDE_GPT2,
            Gemma4 => OUTSIDE_GEMMA4,
            _ => OUTSIDE,
        }
    }

    /// What stands before the number of a layer in Hugging Face names.
    pub(super) fn layers(self) -> &'static str {
        if self == Gpt2 { "transformer.h" } else { "model.layers" }
    }

    /// Modules of a layer, which have a `weight` and may have a `bias`.
    pub(super) fn inside(self) -> &'static [Names] {
        match self {
            Gpt2 => &[GPT2],
            Llama | Mistral | Ministral3 | Qwen2 | Granite | SmolLm3 | Ernie45 => &[ATTENTION, MLP, BEFORE],
            Qwen3 => &[ATTENTION, HEAD_NORMS, MLP, BEFORE],
            HunyuanDense => &[ATTENTION, HUNYUAN_NORMS, MLP, BEFORE],
            SeedOss => &[ATTENTION, MLP, BEFORE_AS_AFTER],
            Cohere2 => &[ATTENTION, MLP, ONE],
            Olmo2 | Olmo3 | Exaone4 => &[ATTENTION, HEAD_NORMS, MLP, AFTER],
            Phi3 => &[FUSED_ATTENTION, FUSED_MLP, BEFORE],
            Glm4 => &[ATTENTION, FUSED_MLP, GLM4_NORMS],
            Gemma2 => &[ATTENTION, MLP, GEMMA_NORMS],
            Gemma3 => &[ATTENTION, HEAD_NORMS, MLP, GEMMA_NORMS],
            Gemma4 => {
                &[ATTENTION, HEAD_NORMS, MLP, GEMMA_NORMS, GEMMA4_EXPERT_NORMS, GEMMA4_ROUTER, GEMMA4_INPUT]
            }
            Mixtral => &[ATTENTION, MIXTRAL_ROUTER, BEFORE],
            GptOss => &[ATTENTION, GPT_OSS_ROUTER, BEFORE_AS_AFTER],
            Qwen2Moe => &[ATTENTION, MLP, ROUTER, SHARED_EXPERT, BEFORE],
            Qwen3Moe => &[ATTENTION, HEAD_NORMS, MLP, ROUTER, BEFORE],
            Glm4Moe => &[ATTENTION, HEAD_NORMS, MLP, ROUTER, SHARED_EXPERTS, BEFORE_AS_AFTER],
            Qwen3Next => {
                &[ATTENTION, HEAD_NORMS, DELTA, DELTA_BY_HEAD, ROUTER, SHARED_EXPERT, BEFORE_AS_AFTER]
            }
            Qwen35 => &[ATTENTION, HEAD_NORMS, DELTA, DELTA_APART, MLP, BEFORE_AS_AFTER],
            Qwen35Moe => &[ATTENTION, HEAD_NORMS, DELTA, DELTA_APART, ROUTER, SHARED_EXPERT, BEFORE_AS_AFTER],
        }
    }

    /// Tensors of a layer whose names are not those of modules.
    pub(super) fn tensors(self) -> Names {
        match self {
            GptOss => &[("attn_sinks.weight", "self_attn.sinks")],
            Glm4Moe => &[("exp_probs_b.bias", "mlp.gate.e_score_correction_bias")],
            Gemma4 => &[
                ("layer_output_scale.weight", "layer_scalar"),
                ("ffn_gate_inp.scale", "router.scale"),
                ("ffn_down_exps.scale", "router.per_expert_scale"),
            ],
            Qwen3Next | Qwen35 | Qwen35Moe => {
                &[("ssm_a", "linear_attn.A_log"), ("ssm_dt.bias", "linear_attn.dt_bias")]
            }
            _ => &[],
        }
    }

    pub(super) fn experts(self) -> Option<ExpertNames> {
        match self {
            Mixtral => Some(MIXTRAL_EXPERTS),
            Gemma4 => Some(GEMMA4_EXPERTS),
            Qwen2Moe | Qwen3Moe | Qwen3Next | Qwen35Moe | Glm4Moe | GptOss => Some(EXPERTS),
            _ => None,
        }
    }
}
