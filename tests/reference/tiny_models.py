"""Writes tests/fixtures/models: tiny random checkpoints of every architecture, and what transformers makes of them.

    .venv-reference/bin/python tests/reference/tiny_models.py [NAME ...]
    .venv-transformers-5/bin/python tests/reference/tiny_models.py [NAME ...]

Version 5 writes those of architectures that version 4 does not have, and what it makes of the others.

The same versions write the same bytes. golden.json, and golden-5.json of checkpoints that version 4 wrote, hold logits after the last token of a prompt read at once, of the
same prompt read in two pieces, and of tokens decoded one by one behind it, in f32 and in bf16. The attention is
transformers' `eager` one: `sdpa` leaves out the soft cap of Gemma 2 and the layer-wise scale of GPT-2.
"""

import json
import math
import shutil
import sys
import zlib
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

from tiny_tokenizer import write_tokenizer

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "models"

IS_5 = transformers.__version__.startswith("5")

LENGTH = 48  # of the prompt: longer than every window and every trained length below
STEPS = 8  # decoded behind it

COMMON = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
GEMMA = dict(COMMON, head_dim=12, num_hidden_layers=4, query_pre_attn_scalar=20, sliding_window=10)
DEEPSEEK = dict(
    {key: value for key, value in COMMON.items() if key != "num_key_value_heads"},
    num_key_value_heads=4,
    moe_intermediate_size=16,
    kv_lora_rank=20,
    qk_rope_head_dim=8,
    qk_nope_head_dim=12,
    v_head_dim=10,
)


def llama(scaling, **extra):
    return ("llama", dict(COMMON, rope_scaling=scaling, tie_word_embeddings=True, **extra))


# Name: model_type, and the fields of its config.
MODELS = {
    "llama": ("llama", dict(COMMON, rope_theta=500.0)),
    "llama-bias": ("llama", dict(COMMON, attention_bias=True, mlp_bias=True, head_dim=12)),
    "llama-linear": llama({"rope_type": "linear", "factor": 3.0}),
    "llama-dynamic": llama({"rope_type": "dynamic", "factor": 2.0}, max_position_embeddings=32),
    "llama-llama3": llama(
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
        rope_theta=50.0,
    ),
    "llama-yarn": llama(
        {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 32,
            "beta_fast": 4.0,
            "mscale": 0.7,
            "mscale_all_dim": 0.4,
            "truncate": False,
        },
        rope_theta=50.0,
    ),
    "mistral": ("mistral", dict(COMMON, sliding_window=None, head_dim=16)),
    "mistral-window": ("mistral", dict(COMMON, sliding_window=12)),
    "qwen2": ("qwen2", dict(COMMON, tie_word_embeddings=True, rope_theta=1000.0)),
    "qwen2-window": (
        "qwen2",
        dict(COMMON, use_sliding_window=True, sliding_window=9, max_window_layers=1, num_hidden_layers=3),
    ),
    "qwen3": (
        "qwen3",
        dict(
            COMMON,
            vocab_size=104,
            head_dim=16,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
            bos_token_id=None,
            eos_token_id=3,
        ),
    ),
    "qwen3-yarn": (
        "qwen3",
        dict(
            COMMON,
            head_dim=16,
            rope_theta=100.0,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        ),
    ),
    "phi3": ("phi3", dict(COMMON, partial_rotary_factor=0.5, sliding_window=11)),
    "phi3-longrope": (
        "phi3",
        dict(
            COMMON,
            num_attention_heads=2,
            num_key_value_heads=1,
            partial_rotary_factor=0.75,
            original_max_position_embeddings=24,
            tie_word_embeddings=True,
            rope_scaling={
                "type": "longrope",
                "short_factor": [1.0, 1.1, 1.2, 1.3, 1.5, 1.8],
                "long_factor": [1.0, 1.5, 2.5, 4.0, 7.0, 12.0],
            },
        ),
    ),
    "mixtral": (
        "mixtral",
        dict(COMMON, intermediate_size=24, num_local_experts=5, num_experts_per_tok=2, sliding_window=13),
    ),
    # Experts in the second of four layers alone.
    "qwen2-moe": (
        "qwen2_moe",
        dict(
            COMMON,
            num_hidden_layers=4,
            num_experts=6,
            num_experts_per_tok=3,
            moe_intermediate_size=16,
            shared_expert_intermediate_size=20,
            decoder_sparse_step=2,
            mlp_only_layers=[3],
        ),
    ),
    "qwen3-moe": (
        "qwen3_moe",
        dict(
            COMMON,
            head_dim=16,
            num_experts=8,
            num_experts_per_tok=3,
            moe_intermediate_size=20,
            mlp_only_layers=[1],
            norm_topk_prob=True,
            tie_word_embeddings=True,
        ),
    ),
    "olmo2": ("olmo2", dict(COMMON, rope_theta=300.0)),
    "granite": (
        "granite",
        dict(
            COMMON,
            embedding_multiplier=6.0,
            attention_multiplier=0.2,
            residual_multiplier=0.7,
            logits_scaling=1.5,
            attention_bias=True,
            mlp_bias=True,
        ),
    ),
    "smollm3": ("smollm3", dict(COMMON, num_hidden_layers=4, no_rope_layer_interval=3, rope_theta=700.0)),
    "smollm3-window": (
        "smollm3",
        dict(COMMON, num_hidden_layers=3, no_rope_layers=[0, 1, 0], use_sliding_window=True, sliding_window=9),
    ),
    "seed-oss": ("seed_oss", dict(COMMON, head_dim=12, attention_out_bias=True)),
    "olmo3": (
        "olmo3",
        dict(
            COMMON,
            num_hidden_layers=4,
            sliding_window=11,
            rope_theta=200.0,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        ),
    ),
    "glm4": ("glm4", dict(COMMON, head_dim=16, rope_theta=300.0)),
    "glm4-moe": (
        "glm4_moe",
        dict(
            COMMON,
            num_hidden_layers=3,
            head_dim=16,
            attention_bias=True,
            use_qk_norm=True,
            n_routed_experts=8,
            n_shared_experts=2,
            num_experts_per_tok=3,
            moe_intermediate_size=16,
            n_group=4,
            topk_group=2,
            routed_scaling_factor=1.7,
        ),
    ),
    "gpt-oss": (
        "gpt_oss",
        dict(
            COMMON,
            num_hidden_layers=3,
            head_dim=16,
            num_local_experts=6,
            num_experts_per_tok=3,
            sliding_window=12,
            rope_theta=500.0,
            rope_scaling={
                "rope_type": "yarn",
                "factor": 4.0,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
                "original_max_position_embeddings": 32,
            },
        ),
    ),
    "hunyuan-v1-dense": (
        "hunyuan_v1_dense",
        dict(COMMON, head_dim=12, rope_theta=500.0, rope_scaling={"type": "dynamic", "alpha": 50.0, "factor": 1.0}),
    ),
    # As V3: dense layers, then experts in groups.
    "deepseek-v3": (
        "deepseek_v3",
        dict(
            DEEPSEEK,
            vocab_size=104,
            eos_token_id=3,
            max_position_embeddings=4096,
            num_hidden_layers=4,
            q_lora_rank=24,
            first_k_dense_replace=2,
            n_routed_experts=8,
            num_experts_per_tok=3,
            n_group=2,
            topk_group=1,
            rope_theta=500.0,
            rope_scaling={
                "type": "yarn",
                "factor": 4.0,
                "beta_fast": 32,
                "beta_slow": 1,
                "mscale": 1.0,
                "mscale_all_dim": 0.8,
                "original_max_position_embeddings": 32,
            },
        ),
    ),
    # As Moonlight: queries without a vector of their own.
    "deepseek-v3-direct": (
        "deepseek_v3",
        dict(
            DEEPSEEK,
            q_lora_rank=None,
            first_k_dense_replace=1,
            n_routed_experts=4,
            num_experts_per_tok=2,
            n_group=1,
            topk_group=1,
            attention_bias=True,
            rope_theta=300.0,
        ),
    ),
    "cohere2": (
        "cohere2",
        dict(COMMON, num_hidden_layers=3, sliding_window=10, sliding_window_pattern=3, logit_scale=0.8, rope_theta=300.0),
    ),
    "exaone4": (
        "exaone4",
        dict(COMMON, num_hidden_layers=3, sliding_window=12, sliding_window_pattern=2, rope_theta=300.0),
    ),
    "ernie4-5": ("ernie4_5", dict(COMMON, head_dim=12, use_bias=True, rope_theta=300.0)),
    "gpt2": (
        "gpt2",
        dict(vocab_size=96, n_positions=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2),
    ),
    "gpt2-options": (
        "gpt2",
        dict(
            vocab_size=96,
            n_positions=64,
            n_embd=32,
            n_layer=3,
            n_head=2,
            n_inner=40,
            activation_function="gelu",
            scale_attn_by_inverse_layer_idx=True,
            bos_token_id=1,
            eos_token_id=2,
        ),
    ),
    "gemma2": ("gemma2", dict(GEMMA, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3": ("gemma3_text", dict(GEMMA, sliding_window_pattern=3, rope_theta=1000.0, rope_local_base_freq=100.0)),
    "gemma3-linear": (
        "gemma3_text",
        dict(
            GEMMA,
            num_hidden_layers=2,
            layer_types=["full_attention", "sliding_attention"],
            rope_scaling={"rope_type": "linear", "factor": 8.0},
        ),
    ),
}

# Added to the seed where choices of experts would hang on rounding to bf16.
SEEDS = {"deepseek-v3": 2}
# How the weights are stored; bf16 where nothing else is said.
STORED = {"llama": torch.float32, "mistral": torch.float16}
# Written in several files.
SHARDED = {"mistral-window": "30KB"}
# Written by the model without a head: names have no `transformer.` before them.
HEADLESS = {"gpt2-options"}
# Fields that hub checkpoints have and transformers does not read.
PATCHES = {"qwen3-yarn": {"rope_scaling": {"attn_factor": 0.8782488562869419}}}


DELTA = dict(
    COMMON,
    num_hidden_layers=4,
    head_dim=16,
    linear_num_key_heads=2,
    linear_num_value_heads=4,
    linear_key_head_dim=8,
    linear_value_head_dim=12,
    rope_parameters={"rope_type": "default", "rope_theta": 300.0, "partial_rotary_factor": 0.25},
)
DELTA_EXPERTS = dict(
    DELTA, num_experts=8, num_experts_per_tok=4, moe_intermediate_size=16, shared_expert_intermediate_size=24
)

GEMMA_4 = dict(
    COMMON,
    head_dim=12,
    sliding_window=10,
    vocab_size_per_layer_input=96,
    rope_parameters={
        "full_attention": {"rope_type": "proportional", "rope_theta": 1000.0, "partial_rotary_factor": 0.5},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
    },
)

# The same of architectures that only version 5 has.
SINCE_5 = {
    "ministral3": (
        "ministral3",
        dict(
            COMMON,
            head_dim=16,
            rope_parameters={
                "rope_type": "yarn",
                "rope_theta": 500.0,
                "factor": 4.0,
                "original_max_position_embeddings": 16,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
                "llama_4_scaling_beta": 0.3,
            },
        ),
    ),
    "qwen3-next": ("qwen3_next", dict(DELTA_EXPERTS)),
    "qwen3-5": ("qwen3_5_text", dict(DELTA, vocab_size=104, eos_token_id=3, max_position_embeddings=4096, layer_types=["linear_attention", "full_attention"] * 2)),
    "qwen3-5-moe": ("qwen3_5_moe_text", dict(DELTA_EXPERTS)),
    # As E2B and E4B: vectors of each layer's own, and two layers that read the keys of others.
    "gemma4-e2b": (
        "gemma4_text",
        dict(
            GEMMA_4,
            vocab_size=104,
            vocab_size_per_layer_input=104,
            eos_token_id=3,
            max_position_embeddings=4096,
            num_hidden_layers=6,
            global_head_dim=16,
            hidden_size_per_layer_input=8,
            num_kv_shared_layers=3,
            use_double_wide_mlp=True,
            final_logit_softcapping=3.0,
            layer_types=["sliding_attention", "full_attention"] * 3,
        ),
    ),
    # As 26B-A4B: experts beside the dense network, and layers with one projection for keys and values.
    "gemma4-experts": (
        "gemma4_text",
        dict(
            GEMMA_4,
            num_hidden_layers=3,
            global_head_dim=20,
            num_global_key_value_heads=1,
            attention_k_eq_v=True,
            hidden_size_per_layer_input=0,
            enable_moe_block=True,
            num_experts=6,
            top_k_experts=2,
            moe_intermediate_size=24,
            tie_word_embeddings=False,
            layer_types=["full_attention", "sliding_attention", "full_attention"],
        ),
    ),
}
ALL = MODELS | SINCE_5


def fill(model, name):
    """Random weights for which every part of the model matters: logits of order 1, attention that is not flat."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + SEEDS.get(name, 0))
    one_plus = name.startswith(("gemma2", "gemma3", "qwen3-next", "qwen3-5"))
    for key, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if key.endswith("A_log"):
            # A memory of some ten tokens.
            value = 0.2 * noise - 2.0
        elif parameter.dim() == 1:
            is_norm = key.endswith(("weight", "scale"))
            value = 0.2 * noise + (1.0 if is_norm and (not one_plus or key.endswith("linear_attn.norm.weight")) else 0.0)
            if name.startswith("gemma4") and key.endswith("q_norm.weight"):
                # Scores that rounding to bf16 changes little: nothing else scales them.
                value = 0.3 * value
        elif any(part in key for part in ("embed", "wte", "wpe")):
            value = 0.2 * noise
        else:
            inputs = parameter.shape[0] if name.startswith("gpt2") else parameter.shape[-1]
            gain = 1.6 if any(part in key for part in ("q_proj", "k_proj", "qkv", "c_attn")) else 1.0
            if one_plus and key.endswith("mlp.gate.weight"):
                # Choices that rounding to bf16 changes rarely.
                gain = 4.0
            if key.endswith("router.proj.weight"):
                gain = 4.0 * math.sqrt(inputs)
            value = gain / math.sqrt(inputs) * noise
        parameter.data.copy_(value)
    # What is no parameter, but learned. Above 0: version 4 lets experts of other groups win against scores below.
    for key, buffer in sorted(model.named_buffers()):
        if key.endswith("e_score_correction_bias"):
            buffer.copy_(0.3 * torch.randn(buffer.shape, generator=generator).abs())
        if key.endswith("layer_scalar"):
            buffer.copy_(1.0 + 0.2 * torch.randn(buffer.shape, generator=generator))


def write_checkpoint(name, folder):
    model_type, fields = ALL[name]
    config = AutoConfig.for_model(model_type, **fields)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    fill(model, name)
    model = model.to(STORED.get(name, torch.bfloat16))
    saved = model.transformer if name in HEADLESS else model
    saved.save_pretrained(folder, max_shard_size=SHARDED.get(name, "1GB"))
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for field, patch in PATCHES.get(name, {}).items():
        config[field] |= patch
    path.write_text(json.dumps(config, indent=2) + "\n")


def load(folder, dtype):
    """Anew for each run: rotary embeddings of type `dynamic` keep the longest sequence that they have seen."""
    config, options = AutoConfig.from_pretrained(folder), {"attn_implementation": "eager"}
    if IS_5:
        if folder.name in MODELS:
            # Its products of all experts want rows of 16 bytes.
            options["experts_implementation"] = "eager"
        if config.model_type == "olmo3":
            # It does not take the base at the top of a config of version 4 for layers with a window.
            theta = config.rope_parameters["full_attention"]["rope_theta"]
            config.rope_parameters["sliding_attention"]["rope_theta"] = theta
    return AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=dtype, **options).eval()


def last_logits(output):
    return output.logits[0, -1].float()


def rounded(logits):
    return [round(value, 6) for value in logits.tolist()]


@torch.no_grad()
def run(folder, dtype, prompt, pieces, forced=None):
    """Logits of all ways to read the prompt; decodes greedily, or the tokens `forced`."""
    whole = load(folder, dtype)(torch.tensor([prompt]))
    model = load(folder, dtype)
    cache = DynamicCache(config=model.config)
    read, result = 0, {"whole": rounded(last_logits(whole)), "pieces": [], "decoded": []}
    for length in pieces:
        output = model(torch.tensor([prompt[read : read + length]]), past_key_values=cache, use_cache=True)
        result["pieces"].append(rounded(last_logits(output)))
        read += length
    generated, margins = [], []
    for step in range(STEPS):
        best = last_logits(output).topk(2)
        margins.append((best.values[0] - best.values[1]).item())
        token = best.indices[0].item() if forced is None else forced[step]
        generated.append(token)
        output = model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        result["decoded"].append(rounded(last_logits(output)))
    return result, generated, min(margins)


def golden(name, folder):
    generator = torch.Generator().manual_seed(zlib.crc32(b"prompt " + name.encode()))
    vocabulary = AutoConfig.from_pretrained(folder).vocab_size
    prompt = torch.randint(0, vocabulary, (LENGTH,), generator=generator).tolist()
    pieces = [20, LENGTH - 20]
    f32, generated, margin = run(folder, torch.float32, prompt, pieces)
    assert margin > 1e-3, f"{name}: greedy decoding hangs on a difference of {margin}; change the seed"
    bf16, _, _ = run(folder, torch.bfloat16, prompt, pieces, forced=generated)
    return {
        "format_version": 1,
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "prompt": prompt,
        "pieces": pieces,
        "generated": generated,
        "f32": f32,
        "bf16": bf16,
    }


def write_golden(path, golden):
    text = json.dumps(golden, separators=(",", ":"))
    # One line for each list of numbers.
    path.write_text(text.replace("],", "],\n").replace('{"', '{\n"') + "\n")


def main():
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    for name in sys.argv[1:] or (ALL if IS_5 else MODELS):
        folder = OUT / name
        if name in MODELS and IS_5:
            write_golden(folder / "golden-5.json", golden(name, folder))
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_checkpoint(name, folder)
        if name in ["qwen3", "qwen3-5", "gemma4-e2b", "deepseek-v3"]:
            write_tokenizer(folder, ALL[name][1]["vocab_size"])
        write_golden(folder / "golden.json", golden(name, folder))
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name:<16} {size // 1024:>4} KiB")


if __name__ == "__main__":
    main()
