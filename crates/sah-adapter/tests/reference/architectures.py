"""A tiny GGUF file of every architecture, made from a random Hugging Face model, and what that model is.

Tensor names come from the `gguf` package; what converters do to some tensors (the permutation of Llama's queries and
keys, GPT-2's transposition, Gemma's 1 on norms) is written down here. transformers' own loader of GGUF files reads each
file before it is kept, and must find the weights that it was made from.
"""

import hashlib
import json
import math

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    Phi3Config,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)
from transformers.integrations.ggml import GGUF_CONFIG_MAPPING
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

# transformers 4.57.6 looks for this under another name, and takes 60 experts for those of any file.
GGUF_CONFIG_MAPPING["qwen2_moe"] = GGUF_CONFIG_MAPPING["qwen2moe"] | {"expert_count": "num_experts"}

COMMON = dict(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
LONGROPE = dict(type="longrope", short_factor=[1.0, 1.25], long_factor=[1.5, 4.75])
PROMPT = [5, 17, 200, 33, 64, 90, 128, 7, 21, 250, 11, 77, 140, 3, 99, 61, 180, 42, 230, 15, 8, 121, 56, 70]


def configs(vocabulary):
    """Architecture of the file, and the model's configuration."""
    ids = dict(vocab_size=vocabulary, bos_token_id=0, eos_token_id=1, pad_token_id=None)
    common = COMMON | ids
    gemma = common | dict(bos_token_id=2, eos_token_id=1)
    return {
        "llama": LlamaConfig(**common, rope_scaling=LLAMA3, rope_theta=100.0),
        "qwen2": Qwen2Config(**common, rope_scaling=YARN, rope_theta=1000.0, tie_word_embeddings=True),
        "qwen3": Qwen3Config(**common, head_dim=16),
        "qwen2moe": Qwen2MoeConfig(**common, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
                                   shared_expert_intermediate_size=96),
        "qwen3moe": Qwen3MoeConfig(**common, head_dim=16, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=32,
                                   norm_topk_prob=True),
        "phi3": Phi3Config(**common, rope_scaling=LONGROPE, original_max_position_embeddings=16,
                           partial_rotary_factor=0.5, sliding_window=8),
        "gemma2": Gemma2Config(**gemma, head_dim=16, query_pre_attn_scalar=16, sliding_window=8),
        "gemma3": Gemma3TextConfig(**gemma, head_dim=16, query_pre_attn_scalar=16, sliding_window=8,
                                   rope_scaling=dict(rope_type="linear", factor=8.0)),
        "gpt2": GPT2Config(**ids, n_embd=32, n_layer=2, n_head=4, n_positions=64),
    }


def model_of(architecture, config):
    """A random model whose matrices are numbers that Q8_0 can hold, seen as they lie in the file."""
    torch.manual_seed(2026)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    generator = np.random.default_rng(2026)
    state = {}
    for name, tensor in model.state_dict().items():
        shape = tuple(tensor.shape)
        if len(shape) == 2:
            turned = is_transposed(architecture, name)
            values = generator.normal(0, 0.2, shape[::-1] if turned else shape).astype(np.float32)
            values = gguf.dequantize(gguf.quantize(values, Type.Q8_0), Type.Q8_0)
            values = values.T if turned else values
        else:
            # Multiples of 1/64: nothing is lost when 1 is added and taken off.
            values = generator.integers(-32, 33, shape).astype(np.float32) / 64
            if "norm" in name or "ln_" in name:
                values += 0 if architecture.startswith("gemma") else 1
        state[name] = torch.from_numpy(np.ascontiguousarray(values))
    if config.tie_word_embeddings:
        table = "transformer.wte.weight" if architecture == "gpt2" else "model.embed_tokens.weight"
        state["lm_head.weight"] = state[table]
    model.load_state_dict(state)
    return model, {name: tensor.numpy() for name, tensor in state.items()}


def is_transposed(architecture, name):
    return architecture == "gpt2" and any(part in name for part in ["c_attn.weight", "c_proj.weight", "c_fc.weight"])


def permuted(values, heads):
    """Rows of each head from halves to neighbouring pairs, as the converter writes them."""
    size = values.shape[0] // heads
    return values.reshape(heads, 2, size // 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def stored(architecture, config, name, values):
    if architecture == "llama" and ".q_proj." in name:
        return permuted(values, config.num_attention_heads)
    if architecture == "llama" and ".k_proj." in name:
        return permuted(values, config.num_key_value_heads)
    if is_transposed(architecture, name):
        return values.T
    if name.endswith("shared_expert_gate.weight"):
        return values[0]
    if architecture.startswith("gemma") and name.endswith("norm.weight"):
        return values + np.float32(1)
    return values


def together(state):
    """The experts of a layer in one tensor."""
    result = {}
    for name, values in state.items():
        before, number, after = name.partition(".experts.")
        if number:
            number, _, after = after.partition(".")
            result.setdefault(f"{before}.experts.{after}", []).append(values)
        else:
            result[name] = values
    return {name: np.stack(values) if isinstance(values, list) else values for name, values in result.items()}


def write(path, architecture, config, state, tokenizer):
    """Writes the file as llama.cpp's converter does; `tokenizer` adds its part of the metadata."""
    writer = gguf.GGUFWriter(path, architecture)
    get = lambda *names: next(value for name in names if (value := getattr(config, name, None)) is not None)
    layers, heads, hidden = get("num_hidden_layers"), get("num_attention_heads"), get("hidden_size")
    writer.add_block_count(layers)
    writer.add_context_length(get("max_position_embeddings"))
    writer.add_embedding_length(hidden)
    writer.add_head_count(heads)
    if architecture == "gpt2":
        writer.add_feed_forward_length(4 * hidden)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        head_dim = getattr(config, "head_dim", None) or hidden // heads
        if architecture.endswith("moe"):
            writer.add_expert_count(config.num_experts)
            writer.add_expert_used_count(config.num_experts_per_tok)
            writer.add_expert_feed_forward_length(config.moe_intermediate_size)
            if architecture == "qwen2moe":
                writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
        if architecture in ("qwen3", "qwen3moe", "gemma2", "gemma3"):
            writer.add_key_length(head_dim)
            writer.add_value_length(head_dim)
        if architecture != "gemma2":
            writer.add_rope_freq_base(config.rope_theta)
        scaling = getattr(config, "rope_scaling", None) or {}
        if architecture == "llama":
            writer.add_vocab_size(config.vocab_size)
            writer.add_rope_dimension_count(head_dim)
            writer.add_tensor("rope_freqs.weight", np.array(frequency_factors(config), np.float32))
        elif architecture == "phi3":
            writer.add_rope_dimension_count(int(config.partial_rotary_factor * head_dim))
            writer.add_sliding_window(config.sliding_window)
            original = config.original_max_position_embeddings
            writer.add_rope_scaling_orig_ctx_len(original)
            stretch = config.max_position_embeddings / original
            writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(stretch) / math.log(original)))
            for length in ("long", "short"):
                factors = np.array(scaling[f"{length}_factor"], np.float32)
                writer.add_tensor(f"rope_factors_{length}.weight", factors)
        elif scaling.get("rope_type") == "yarn":
            writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            writer.add_rope_scaling_factor(scaling["factor"])
            writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
        elif scaling.get("rope_type") == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(scaling["factor"])
        if architecture.startswith("gemma"):
            writer.add_sliding_window(config.sliding_window)
        if architecture == "gemma2":
            writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
            writer.add_final_logit_softcapping(config.final_logit_softcapping)
    tokenizer(writer)

    arch = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(arch, layers)
    for name, values in together(state).items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = np.ascontiguousarray(stored(architecture, config, name, values))
        kind = Type.Q8_0 if values.ndim >= 2 else Type.F32
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def frequency_factors(config):
    """What the rotary frequencies of Llama 3.1 are divided by."""
    plain, _ = ROPE_INIT_FUNCTIONS["default"](config, "cpu")
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    return [float(factor) for factor in (plain.double() / scaled.double()).float()]


def expected(architecture, config, model, state):
    """Configuration, a hash of every tensor, and the logits behind a prompt longer than every window."""
    fields = json.loads(config.to_json_string(use_diff=False))
    if architecture == "llama":
        fields["rope_scaling"] = {"rope_type": "frequency_factors", "factors": frequency_factors(config)}
    elif fields.get("rope_scaling"):
        scaling = fields["rope_scaling"]
        scaling["rope_type"] = scaling.pop("type", scaling.get("rope_type"))
    with torch.no_grad():
        logits = model(torch.tensor([PROMPT])).logits[0, -1]
    return {
        "config": fields,
        "tensors": {
            name: {"shape": list(values.shape), "sha256": hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()}
            for name, values in state.items()
            if not (name == "lm_head.weight" and config.tie_word_embeddings)
        },
        "prompt": PROMPT,
        "logits": [round(float(logit), 6) for logit in logits],
    }


def check(path, architecture, model, state):
    """transformers' loader must find the weights that went in."""
    read = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    tied = "lm_head.weight" if model.config.tie_word_embeddings else None
    for name, values in state.items():
        if name != tied:
            assert np.array_equal(read[name].numpy(), values), f"{architecture}: {name}"


def make_all(folder, vocabulary, tokenizer_for, write_json):
    for architecture, config in configs(vocabulary).items():
        model, state = model_of(architecture, config)
        path = folder / f"model-{architecture}.gguf"
        write(path, architecture, config, state, tokenizer_for(architecture))
        check(path, architecture, model, state)
        write_json(f"model-{architecture}.json", expected(architecture, config, model, state))
