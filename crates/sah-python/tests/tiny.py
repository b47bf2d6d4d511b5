"""Small models of transformers with random weights, of many architectures."""

import torch
import transformers


#: Those whose layers with attention all have keys, and which our engine runs, too.
SHARED = ("llama", "qwen2", "qwen3", "phi3", "phi3_sliding", "mistral", "mixtral", "gemma2", "gemma3", "gpt_oss", "cohere2", "olmo2", "gpt2")
#: Those with layers that remember something in the place of keys.
HYBRID = ("bamba", "falcon_h1", "granitemoehybrid", "lfm2", "qwen3_next")
#: Those with attention that is not ours to do.
REFUSED = {"bloom": "no position_ids", "llama4": "attends in chunks"}

_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
_TURNS = ["sliding_attention", "full_attention"] * 2
_MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_d_state": 16, "mamba_chunk_size": 16}
_YARN = {
    "rope_type": "yarn",
    "factor": 4.0,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "original_max_position_embeddings": 1024,
    "truncate": False,
}
_CONFIGS = {
    "llama": ("LlamaConfig", {}),
    "qwen2": ("Qwen2Config", {}),
    "qwen3": ("Qwen3Config", {}),
    "phi3": ("Phi3Config", {"sliding_window": None}),
    "phi3_sliding": ("Phi3Config", {"sliding_window": 20}),
    "mistral": ("MistralConfig", {"sliding_window": 20}),
    "mixtral": ("MixtralConfig", {"num_local_experts": 4}),
    "gemma2": ("Gemma2Config", {"sliding_window": 16, "query_pre_attn_scalar": 16}),
    "gemma3": ("Gemma3TextConfig", {"sliding_window": 16, "query_pre_attn_scalar": 16, "layer_types": _TURNS}),
    "gpt_oss": (
        "GptOssConfig",
        {"sliding_window": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "layer_types": _TURNS, "rope_scaling": _YARN},
    ),
    "cohere2": ("Cohere2Config", {"sliding_window": 16}),
    "olmo2": ("Olmo2Config", {}),
    "gpt2": ("GPT2Config", {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 2048}),
    "bamba": ("BambaConfig", {"attn_layer_indices": [1, 3], "mamba_d_conv": 4, "mamba_expand": 2, **_MAMBA}),
    "falcon_h1": ("FalconH1Config", {"mamba_d_ssm": 64, **_MAMBA, "mamba_n_heads": 4}),
    "granitemoehybrid": (
        "GraniteMoeHybridConfig",
        {
            "layer_types": ["mamba", "attention"] * 2,
            "num_local_experts": 2,
            "num_experts_per_tok": 1,
            "shared_intermediate_size": 64,
            **_MAMBA,
        },
    ),
    "lfm2": ("Lfm2Config", {"full_attn_idxs": [1, 3], "block_ff_dim": 128}),
    "qwen3_next": (
        "Qwen3NextConfig",
        {
            "linear_num_value_heads": 4,
            "linear_num_key_heads": 2,
            "linear_key_head_dim": 16,
            "linear_value_head_dim": 16,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 32,
        },
    ),
    "bloom": ("BloomConfig", {"n_layer": 2, "n_head": 4}),
    "llama4": ("Llama4TextConfig", {"attention_chunk_size": 16, "num_local_experts": 2, "intermediate_size_mlp": 64, "moe_layers": []}),
}


def model(name: str, vocabulary: int) -> torch.nn.Module:
    """The model `name`, always with the same weights. They are larger than new ones, so that attention is no plain mean."""
    kind, own = _CONFIGS[name]
    sizes = _SIZES if not name.startswith(("gpt2", "bloom")) else {"hidden_size": 64, "bos_token_id": 1, "eos_token_id": 2}
    config = getattr(transformers, kind)(vocab_size=vocabulary, **{**sizes, **own})
    torch.manual_seed(0)
    made = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    for parameter in made.parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(0, 0.08)
    made.generation_config.eos_token_id = 2
    made.generation_config.do_sample = False
    return made
