"""Writes what transformers makes of configs: rotary frequencies, and, from version 5 on, the configs as it saves them.

    .venv-reference/bin/python tests/reference/rotary.py
    .venv-transformers-5/bin/python tests/reference/rotary.py

The configs are those of published models, crates/sah-adapter/tests/configs/published.json, as hubs have them, and the
VARIANTS below. Each version writes files of its own, crates/sah-adapter/tests/reference/rotary-4.json and rotary-5.json,
and version 5 published-5.json beside them. A table is the frequencies of one type of layer for a sequence of `length`
positions, as the bits of f32 in hexadecimal, and the factor of cosines and sines.
"""

import copy
import importlib
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig

ROOT = Path(__file__).resolve().parents[2] / "crates" / "sah-adapter" / "tests"
MAJOR = int(transformers.__version__.split(".")[0])

# Module and class of the rotary embeddings, by model_type of the language model.
ROTARY = {
    "llama": ("llama", "LlamaRotaryEmbedding"),
    "mistral": ("mistral", "MistralRotaryEmbedding"),
    "qwen2": ("qwen2", "Qwen2RotaryEmbedding"),
    "qwen3": ("qwen3", "Qwen3RotaryEmbedding"),
    "phi3": ("phi3", "Phi3RotaryEmbedding"),
    "mixtral": ("mixtral", "MixtralRotaryEmbedding"),
    "qwen3_moe": ("qwen3_moe", "Qwen3MoeRotaryEmbedding"),
    "gpt_oss": ("gpt_oss", "GptOssRotaryEmbedding"),
    "qwen3_next": ("qwen3_next", "Qwen3NextRotaryEmbedding"),
    "deepseek_v3": ("deepseek_v3", "DeepseekV3RotaryEmbedding"),
    "smollm3": ("smollm3", "SmolLM3RotaryEmbedding"),
    "gemma2": ("gemma2", "Gemma2RotaryEmbedding"),
    "gemma3_text": ("gemma3", "Gemma3RotaryEmbedding"),
    "qwen2_5_vl_text": ("qwen2_5_vl", "Qwen2_5_VLRotaryEmbedding"),
    "qwen3_vl_text": ("qwen3_vl", "Qwen3VLTextRotaryEmbedding"),
}

SMALL = dict(
    model_type="llama",
    hidden_size=512,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=8192,
    vocab_size=64,
)


def small(scaling, **fields):
    return dict(SMALL, rope_scaling=scaling, **fields)


YARN = {"rope_type": "yarn", "factor": 4.0}
# Conventions that published models of the architectures here do not use all, each by itself.
VARIANTS = {
    "yarn without the trained positions": small(YARN),
    "yarn, max_position_embeddings before scaling": small({**YARN, "original_max_position_embeddings": 8192}),
    "yarn, max_position_embeddings after scaling": small({**YARN, "original_max_position_embeddings": 2048}),
    "yarn with an attention_factor": small({**YARN, "attention_factor": 0.7}),
    "yarn with mscale": small({**YARN, "factor": 40.0, "mscale": 0.707, "mscale_all_dim": 0.5}),
    "yarn with mscale_all_dim of 0": small({**YARN, "factor": 40.0, "mscale": 0.707, "mscale_all_dim": 0}),
    "yarn with mscale alone": small({**YARN, "factor": 40.0, "mscale": 0.707}),
    "yarn without truncation, other betas": small(
        {
            **YARN,
            "factor": 32.0,
            "beta_fast": 16.0,
            "beta_slow": 2.0,
            "truncate": False,
            "original_max_position_embeddings": 4096,
        },
        rope_theta=150000.0,
    ),
    "yarn with a factor below 1": small({**YARN, "factor": 0.5}),
    "yarn with bounds that meet": small({**YARN, "beta_fast": 1.0, "beta_slow": 1.0, "truncate": False}),
    "yarn, by its older name": small({"type": "yarn", "factor": 2.0}, head_dim=96),
    "linear": small({"rope_type": "linear", "factor": 8.0}, rope_theta=1000000.0),
    "linear with a whole number": small({"type": "linear", "factor": 3}),
    "dynamic": small({"rope_type": "dynamic", "factor": 2.0}),
    "dynamic with trained positions, which are not read": small(
        {"rope_type": "dynamic", "factor": 4.0, "original_max_position_embeddings": 2048}
    ),
    "llama3 with other bounds": small(
        {
            "rope_type": "llama3",
            "factor": 16.0,
            "low_freq_factor": 2.0,
            "high_freq_factor": 32.0,
            "original_max_position_embeddings": 4096,
        },
        rope_theta=500000.0,
        head_dim=80,
    ),
    "longrope of a Llama": small(
        {
            "rope_type": "longrope",
            "factor": 4.0,
            "short_factor": [1.0 + i / 100 for i in range(64)],
            "long_factor": [1.0 + i / 4 for i in range(64)],
        },
        original_max_position_embeddings=2048,
    ),
    "longrope with an attention_factor": small(
        {
            "rope_type": "longrope",
            "attention_factor": 1.3,
            "short_factor": [1.0] * 64,
            "long_factor": [2.0] * 64,
        },
        original_max_position_embeddings=4096,
    ),
    "longrope of Phi-3's first files": dict(
        SMALL,
        model_type="phi3",
        partial_rotary_factor=0.5,
        rope_scaling={"type": "su", "short_factor": [1.0] * 32, "long_factor": [1.5] * 32},
    ),
    "default, named": small({"rope_type": "default"}, rope_theta=20000),
    "Gemma 3 without any field": dict(SMALL, model_type="gemma3_text", head_dim=64),
}


def language_model(fields):
    """The config of the language model, as transformers reads it."""
    fields = copy.deepcopy(fields)
    return AutoConfig.for_model(fields.pop("model_type"), **fields).get_text_config()


def bits(frequencies):
    return frequencies.contiguous().view(torch.int32).numpy().astype("uint32").byteswap().tobytes().hex()


def lengths(config):
    """Short, and where the length matters, at the border and far beyond it."""
    positions = config.max_position_embeddings
    parameters = getattr(config, "rope_scaling", None) or {}
    kind = parameters.get("rope_type", parameters.get("type"))
    if kind == "dynamic":
        return [100, positions, positions + 1, 3 * positions]
    if kind == "longrope":
        trained = getattr(config, "original_max_position_embeddings", None) or positions
        return [100, trained, trained + 1]
    return [100]


def table(config, length, layer_type, suffix=""):
    """Frequencies and factor after a forward pass that ends at `length`."""
    module, name = ROTARY[config.model_type]
    rotary = getattr(importlib.import_module(f"transformers.models.{module}.modeling_{module}"), name)(config)
    if not config.model_type.endswith("vl_text"):
        last = torch.tensor([[length - 1]])
        rotary(torch.zeros(1), last, **({"layer_type": suffix} if suffix else {}))
    prefix = f"{suffix}_" if suffix else ""
    return {
        "layer_type": layer_type,
        "length": length,
        "frequencies": bits(getattr(rotary, f"{prefix}inv_freq")),
        "attention_factor": float(getattr(rotary, f"{prefix}attention_scaling")),
    }


def tables(config):
    if config.model_type != "gemma3_text":
        return [table(config, length, None) for length in lengths(config)]
    kinds = ["full_attention", "sliding_attention"]
    if MAJOR >= 5:
        config.layer_types = kinds
        return [table(config, 100, kind, kind) for kind in kinds]
    local = copy.deepcopy(config)
    local.rope_theta, local.rope_scaling = config.rope_local_base_freq, {"rope_type": "default"}
    return [table(config, 100, kinds[0]), table(local, 100, kinds[1])]


def write(name, content):
    cases = ",\n".join(json.dumps(case) for case in content["cases"])
    text = f'{{"versions": {json.dumps(content["versions"])}, "cases": [\n{cases}\n]}}\n'
    (ROOT / "reference" / name).write_text(text)
    print(f"{name}: {len(content['cases'])} cases")


def main():
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    published = json.loads((ROOT / "configs" / "published.json").read_text())
    supported = {entry["name"]: entry["config"] for entry in published if "refused" not in entry}
    version = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]}
    cases = []
    for name, fields in (supported | VARIANTS).items():
        if fields["model_type"] == "gpt2":
            continue
        try:
            made = {"tables": tables(language_model(fields))}
        except Exception as error:  # what a version cannot do is part of the golden
            made = {"error": f"{type(error).__name__}: {error}"[:200]}
        cases.append({"name": name, **({} if name in supported else {"config": fields}), **made})
    write(f"rotary-{MAJOR}.json", {"versions": version, "cases": cases})
    if MAJOR >= 5:
        saved = []
        for name, fields in supported.items():
            fields = copy.deepcopy(fields)
            config = AutoConfig.for_model(fields.pop("model_type"), **fields)
            saved.append({"name": name, "config": json.loads(config.to_json_string())})
        write("published-5.json", {"versions": version, "cases": saved})


if __name__ == "__main__":
    main()
