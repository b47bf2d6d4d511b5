"""Writes tests/fixtures/saved: tiny random models as each version of transformers saves them, and its logits.

    .venv-reference/bin/python tests/reference/saved_folders.py
    .venv-transformers-5/bin/python tests/reference/saved_folders.py

Version 5 saves a checkpoint of every architecture (those of version 4 are tests/fixtures/models), and both save models
that read images too, whose language model is run here on text alone. golden.json has the logits in f32 after the last
token of a prompt read at once.
"""

import json
import shutil
import zlib
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from tiny_models import ALL, COMMON, DELTA, GEMMA, HEADLESS, LENGTH, SHARDED, SINCE_5, fill

MAJOR = transformers.__version__.split(".")[0]
OUT = Path(__file__).resolve().parents[1] / "fixtures" / "saved" / f"transformers-{MAJOR}"

# Of tiny_models.py, at least one of each architecture.
PLAIN = [
    "llama",
    "llama-llama3",
    "llama-dynamic",
    "mistral-window",
    "qwen2-window",
    "qwen3-yarn",
    "phi3-longrope",
    "mixtral",
    "qwen2-moe",
    "qwen3-moe",
    "olmo2",
    "granite",
    "smollm3",
    "smollm3-window",
    "seed-oss",
    "olmo3",
    "glm4",
    "glm4-moe",
    "gpt-oss",
    "hunyuan-v1-dense",
    "deepseek-v3",
    "deepseek-v3-direct",
    "cohere2",
    "exaone4",
    "ernie4-5",
    "gpt2",
    "gpt2-options",
    "gemma2",
    "gemma3",
    "gemma3-linear",
]

# What version 4 does not have.
NEW = SINCE_5 | {"gpt-oss-limit": ("gpt_oss", dict(ALL["gpt-oss"][1], swiglu_limit=0.4, swiglu_alpha=1.2))}

TEXT = {key: value for key, value in COMMON.items() if not key.endswith("_token_id")}
VISION = dict(
    hidden_size=8,
    intermediate_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    image_size=8,
    patch_size=4,
)
QWEN_VISION = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=2, out_hidden_size=32, patch_size=4)
SECTIONS = {"rope_type": "default", "mrope_section": [1, 1, 2]}

# Name: model_type and the fields of the config. The language models leave out what they can.
WRAPPED = {
    "gemma3": (
        "gemma3",
        dict(
            text_config=dict(GEMMA, model_type="gemma3_text", rope_scaling={"rope_type": "linear", "factor": 8.0}),
            vision_config=dict(VISION, model_type="siglip_vision_model"),
            mm_tokens_per_image=4,
        ),
    ),
    "llava": (
        "llava",
        dict(
            text_config=dict(TEXT, model_type="llama"),
            vision_config=dict(VISION, model_type="clip_vision_model", projection_dim=8),
            image_token_index=95,
        ),
    ),
    "mistral3": (
        "mistral3",
        dict(
            text_config=dict(TEXT, model_type="mistral", head_dim=16, sliding_window=None),
            vision_config=dict(VISION, model_type="pixtral", head_dim=4),
            image_token_index=95,
        ),
    ),
    "qwen2_5_vl": (
        "qwen2_5_vl",
        dict(
            text_config=dict(TEXT, model_type="qwen2_5_vl_text", rope_scaling=dict(SECTIONS)),
            vision_config=dict(QWEN_VISION, fullatt_block_indexes=[0]),
            image_token_id=95,
            video_token_id=94,
            vision_start_token_id=93,
            vision_end_token_id=92,
        ),
    ),
    "qwen3_vl": (
        "qwen3_vl",
        dict(
            text_config=dict(
                TEXT, model_type="qwen3_vl_text", head_dim=8, rope_scaling=dict(SECTIONS, mrope_interleaved=True)
            ),
            vision_config=dict(QWEN_VISION, deepstack_visual_indexes=[0], num_position_embeddings=4),
            image_token_id=95,
            video_token_id=94,
            vision_start_token_id=93,
            vision_end_token_id=92,
        ),
    ),
}

# The same that version 4 does not have.
WRAPPED_SINCE_5 = {
    "gemma4": (
        "gemma4",
        dict(
            text_config=dict(SINCE_5["gemma4-e2b"][1], vocab_size=96, model_type="gemma4_text"),
            vision_config=dict(
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                num_key_value_heads=2,
                head_dim=4,
                patch_size=4,
            ),
            audio_config=None,
        ),
    ),
    "ministral3": (
        "mistral3",
        dict(
            text_config=dict(SINCE_5["ministral3"][1], model_type="ministral3"),
            vision_config=dict(VISION, model_type="pixtral", head_dim=4),
            image_token_index=95,
        ),
    ),
}


def save(name, folder):
    """Saves the model and gives it back as it is loaded."""
    wrapped = folder.name.startswith("wrapped-")
    model_type, fields = (WRAPPED | WRAPPED_SINCE_5)[name] if wrapped else (ALL | NEW)[name]
    auto = AutoModelForImageTextToText if wrapped else AutoModelForCausalLM
    model = auto.from_config(AutoConfig.for_model(model_type, **json.loads(json.dumps(fields))))
    fill(model, name)
    model = model.to(torch.bfloat16)
    saved = model.transformer if name in HEADLESS and not wrapped else model
    saved.save_pretrained(folder, max_shard_size=SHARDED.get(name, "1GB"))
    (folder / "generation_config.json").unlink(missing_ok=True)
    return auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def golden(model, name):
    generator = torch.Generator().manual_seed(zlib.crc32(b"prompt " + name.encode()))
    # The last ids stand for images.
    prompt = torch.randint(0, 90, (1, LENGTH), generator=generator)
    logits = model(prompt).logits[0, -1].float()
    return {
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "prompt": prompt[0].tolist(),
        "whole": [round(value, 6) for value in logits.tolist()],
    }


def main():
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    plain, wrapped = ([*PLAIN, *NEW], WRAPPED | WRAPPED_SINCE_5) if MAJOR == "5" else ([], WRAPPED)
    for name, folder in [(name, name) for name in plain] + [(name, f"wrapped-{name}") for name in wrapped]:
        folder = OUT / folder
        folder.mkdir(parents=True)
        torch.manual_seed(0)
        model = save(name, folder)
        (folder / "golden.json").write_text(json.dumps(golden(model, name)) + "\n")
        print(folder.name, sum(file.stat().st_size for file in folder.iterdir()) // 1024, "KiB")


if __name__ == "__main__":
    main()
