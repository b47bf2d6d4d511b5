"""A tiny GGUF file of each architecture that llama.cpp's own converter writes, and what the model is that it was made from.

    cargo xtask bless gguf-converted gguf-converted-5
    PYTHON crates/sah-adapter/tests/reference/converted.py [--llama-cpp FOLDER] [--cache FOLDER] [NAME ...]

The models are those of tests/reference/tiny_models.py, with other fields where a file cannot say what theirs are, and the vocabulary of
a small tokenizer of the kind that the published models have. The converter is that of the sdist of llama-cpp-python 0.3.36, which pip
fetches. transformers 4.57.6 makes the models that it has, 5.24.0 the others; each file keeps the configuration, a hash of every tensor as
transformers has it, and the logits behind a prompt that is longer than every window.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "tests/reference"))

import gemma4_tokenizer  # noqa: E402
import tiny_models  # noqa: E402

SDIST = "llama_cpp_python-0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
MXFP4 = ROOT / "tests/fixtures/quantised/mxfp4"

VOCABULARY = {"spm": 512, "gemma4": gemma4_tokenizer.SIZE}  # 300 for all others
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, attention_factor=1.25)

# Name: the tiny model, the tokenizer of its kind, fields that differ.
MODELS = {
    "gpt-oss": ("gpt-oss", "gpt-4o", {}),
    "gpt-oss-mxfp4": (None, "gpt-4o", {}),
    # The converter leaves out the window.
    "mixtral": ("mixtral", "spm", dict(sliding_window=None)),
    "glm4": ("glm4", "glm4", {}),
    "glm4moe": ("glm4-moe", "glm4", dict(num_nextn_predict_layers=1)),
    "olmo2": ("olmo2", "dbrx", {}),
    "olmo3": ("olmo3", "dbrx", dict(rope_scaling=YARN)),
    "granite": ("granite", "refact", {}),
    # No file says which layers are not rotated: llama.cpp takes every fourth.
    "smollm3": ("smollm3", "smaug-bpe", dict(no_rope_layer_interval=4, num_hidden_layers=5)),
    "seed_oss": ("seed-oss", "seed-coder", {}),
    # No file says which layers have a window: llama.cpp takes all but every fourth.
    "cohere2": ("cohere2", "command-r", dict(sliding_window_pattern=4, num_hidden_layers=5, rotary_pct=1.0)),
    "exaone4": ("exaone4", "exaone4", dict(rope_scaling=LLAMA3)),
    "ernie4_5": ("ernie4-5", "spm", {}),
    # The converter knows these values alone.
    "hunyuan-dense": ("hunyuan-v1-dense", "hunyuan-dense", dict(rope_theta=10000.0, max_position_embeddings=32768)),
}
SINCE_5 = {
    "mistral3": ("ministral3", "tekken", {}),
    "qwen3next": ("qwen3-next", "qwen2", {}),
    "qwen35": ("qwen3-5", "qwen35", {}),
    "qwen35moe": ("qwen3-5-moe", "qwen35", {}),
    "gemma4": ("gemma4-e2b", "gemma4", gemma4_tokenizer.FIELDS | dict(vocab_size_per_layer_input=gemma4_tokenizer.SIZE)),
    "gemma4moe": ("gemma4-experts", "gemma4", gemma4_tokenizer.FIELDS),
}


def converter(arguments):
    """Makes the modules of llama.cpp's converter importable, which come with a `gguf` package of their own."""
    folder = arguments.llama_cpp
    if folder is None:
        cache = arguments.cache
        archive = cache / f"{SDIST}.tar.gz"
        if not archive.exists():
            name = SDIST.replace("_", "-").replace("-0", "==0")
            run = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(cache), name]
            subprocess.run(run, check=True)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert found == SHA256, f"{archive} has the SHA-256 {found}, expected {SHA256}"
        folder = cache / SDIST / "vendor/llama.cpp"
        if not folder.exists():
            with tarfile.open(archive) as files:
                files.extractall(cache, filter="data")
    sys.path[:0] = [str(folder), str(folder / "gguf-py")]


def fields_of(model_type, fields):
    return transformers.AutoConfig.for_model(model_type, **fields)


def build(name):
    """The model, and the tensors of its checkpoint by their names there."""
    tiny, kind, changes = (MODELS | SINCE_5)[name]
    if tiny is None:
        # That of the tests of quantised safetensors, with its experts expanded.
        return load(MXFP4 / "expanded", torch.bfloat16), {}
    model_type, fields = tiny_models.ALL[tiny]
    config = fields_of(model_type, fields | {"vocab_size": VOCABULARY.get(kind, 300)} | changes)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    tiny_models.fill(model, tiny)
    model = model.to(torch.bfloat16)
    extra = {}
    if changes.get("num_nextn_predict_layers"):
        extra = prediction_layer(config.num_hidden_layers, model.state_dict())
    return model, extra


def prediction_layer(number, state):
    """A layer that predicts further tokens, which no model here runs: that of the layer before it, and what is particular to it."""
    last = f"model.layers.{number - 1}."
    layer = {name.replace(last, f"model.layers.{number}."): value.clone() for name, value in state.items() if name.startswith(last)}
    hidden = state["model.norm.weight"].shape[0]
    for part, shape in {"eh_proj": (hidden, 2 * hidden), "enorm": (hidden,), "hnorm": (hidden,), "shared_head.norm": (hidden,)}.items():
        layer[f"model.layers.{number}.{part}.weight"] = torch.ones(shape, dtype=torch.bfloat16)
    return layer


def load(folder, dtype):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


def save(name, model, extra, folder):
    model.save_pretrained(folder)
    if name == "gpt-oss-mxfp4":
        for file in ("config.json", "model.safetensors"):
            (folder / file).write_bytes((MXFP4 / file).read_bytes())
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"architectures": [type(model).__name__]} | (MODELS | SINCE_5)[name][2]
    path.write_text(json.dumps(config))
    if (MODELS | SINCE_5)[name][1] == "gemma4":
        gemma4_tokenizer.tokenizer().save_pretrained(folder)
    if extra:
        from safetensors.torch import save_file

        save_file(extra, folder / "model-prediction.safetensors", metadata={"format": "pt"})


def vocabulary(kind):
    """What writes the metadata of a small tokenizer; none where the converter itself does."""
    if kind == "gemma4":
        return None
    if kind == "spm":
        import sentencepieces

        return sentencepieces.train(kind).add_to
    import bpe

    tokenizer = bpe.train(kind, bpe.TRAINING_TEXT, merges=30)

    def add(writer):
        tokenizer.add_to(writer)
        writer.add_eos_token_id(tokenizer.ids["<|end|>"])

    return add


def convert(name, folder, path, kind):
    import gguf
    from conversion import ModelBase, get_model_class

    hparams = ModelBase.load_hparams(folder, False)
    cls = get_model_class(hparams["architectures"][0])
    cls = getattr(cls, "Ministral3Model", cls)
    add = vocabulary(kind)
    own = {"set_vocab": lambda self: add(self.gguf_writer)} if add else {}
    cls = type(cls.__name__, (cls,), {"model_arch": cls.model_arch} | own)
    if name in ("qwen3next", "qwen35", "qwen35moe"):
        # The tiny ones predict one token only.
        cls.no_mtp = True
    # One with the gates and ups of its experts in one tensor.
    fused = dict(fuse_gate_up_exps=name == "qwen35moe")
    with torch.inference_mode():
        cls(folder, gguf.LlamaFileType.MOSTLY_BF16, path, eager=True, model_name="tiny", **fused).write()


def separate(state):
    """Each expert's matrices by themselves, whatever form the version of transformers keeps them in."""
    result = {}
    for name, values in state.items():
        before, found, rest = name.partition(".experts.")
        if found and rest in ("gate_up_proj", "down_proj", "gate_up_proj_bias", "down_proj_bias"):
            gpt_oss = f"{before}.experts.down_proj_bias" in state
            part = "bias" if rest.endswith("_bias") else "weight"
            for number, value in enumerate(values):
                value = value.T if gpt_oss and part == "weight" else value
                if rest.startswith("down"):
                    result[f"{before}.experts.{number}.down_proj.{part}"] = value
                    continue
                half = value.shape[0] // 2
                gate, up = (value[::2], value[1::2]) if gpt_oss else (value[:half], value[half:])
                result[f"{before}.experts.{number}.gate_proj.{part}"] = gate
                result[f"{before}.experts.{number}.up_proj.{part}"] = up
        else:
            result[name] = values
    return result


def told(name, config):
    """The fields as a file can tell them."""
    fields = json.loads(config.to_json_string(use_diff=False))
    fields.pop("_name_or_path")
    rope = fields.pop("rope_parameters", None)
    if rope and "full_attention" in rope:
        fields["rope_parameters"] = rope
    elif rope:
        # As version 4 has them.
        fields |= {key: rope.pop(key) for key in ("rope_theta", "partial_rotary_factor") if key in rope}
        fields["rope_scaling"] = None if rope.get("rope_type") == "default" else rope
    scaling = fields.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3":
        import architectures

        fields["rope_scaling"] = {"rope_type": "frequency_factors", "factors": architectures.frequency_factors(config)}
    if "alpha" in scaling:
        dim = config.head_dim
        fields |= dict(rope_theta=config.rope_theta * scaling["alpha"] ** (dim / (dim - 2)), rope_scaling=None, max_position_embeddings=256 * 1024)
    # Those of the small tokenizer.
    bos, eos = {"spm": (1, 2), "gemma4": (2, 1)}.get((MODELS | SINCE_5)[name][1], (0, 1))
    return fields | {"bos_token_id": bos, "eos_token_id": eos}


@torch.no_grad()
def expected(name, folder):
    # Read anew: a model that was made bf16 has rounded rotary frequencies.
    model = load(MXFP4 / "expanded" if name == "gpt-oss-mxfp4" else folder, torch.float32)
    config = model.config
    generator = torch.Generator().manual_seed(2026)
    prompt = torch.randint(0, config.vocab_size, (tiny_models.LENGTH,), generator=generator).tolist()
    logits = model(torch.tensor([prompt])).logits[0, -1]
    tensors = {}
    for key, values in separate(model.state_dict()).items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = values.contiguous().numpy().astype("<f4")
        if name == "gpt-oss-mxfp4":
            # MXFP4 has a 0 below 0, which llama.cpp reads as 0.
            values = values + np.float32(0)
        tensors[key] = {"shape": list(values.shape), "sha256": hashlib.sha256(values.tobytes()).hexdigest()}
    return {
        "versions": {"transformers": transformers.__version__, "llama-cpp-python": SDIST.rpartition("-")[2]},
        "config": told(name, config),
        "tensors": tensors,
        "prompt": prompt,
        "logits": [round(float(logit), 6) for logit in logits],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-cpp", type=Path, help="an unpacked llama.cpp (default: that of the sdist)")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/sah-llama-cpp", help="where the sdist is kept")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    converter(arguments)
    torch.set_num_threads(1)
    names = arguments.names or (MODELS if transformers.__version__.startswith("4") else SINCE_5)
    for name in names:
        model, extra = build(name)
        path = HERE / f"converted-{name}.gguf"
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder) / "tiny"
            folder.mkdir()
            save(name, model, extra, folder)
            convert(name, folder, path, (MODELS | SINCE_5)[name][1])
            golden = expected(name, folder)
            if name == "gemma4":
                golden["texts"] = list(gemma4_tokenizer.goldens(folder))
        (HERE / f"converted-{name}.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
        print(f"{name:<16} {path.stat().st_size // 1024:>4} KiB", flush=True)


if __name__ == "__main__":
    main()
