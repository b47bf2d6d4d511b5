"""Makes the goldens beside this file: what other implementations say about GGUF files, tokenizers and chat templates.

    cargo xtask bless gguf-types templates tokenizers gguf-models default-model
    .venv-reference/bin/python crates/sah-adapter/tests/reference/make_goldens.py [PART ...]

Parts: types, grids, tokenizers, architectures, templates, default-model; all by default. Everything random is seeded: the same
packages give the same bytes.
"""

import argparse
import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

import architectures
import bpe
import sentencepieces
import templates

HERE = Path(__file__).resolve().parent
DEFAULT_MODEL = HERE.parents[3] / ".models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"


def write_json(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def random_blocks(rng, kind, rows, columns):
    """Random bytes of a storage type whose scales are finite numbers of all sizes, the smallest and largest too."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = rng.integers(0, 256, (rows, columns // block, size), dtype=np.uint8)
    scales = {
        Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
        Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
        Type.IQ1_S: [0], Type.IQ2_XXS: [0], Type.IQ2_XS: [0], Type.IQ2_S: [0], Type.IQ3_XXS: [0], Type.IQ3_S: [0],
        Type.IQ4_NL: [0], Type.IQ4_XS: [0], Type.TQ1_0: [52], Type.TQ2_0: [64],
    }
    if kind == Type.IQ1_M:
        # The highest bit of the exponent of a scale that lies in parts: without it all are finite.
        data[:, :, 55] &= 0xBF
    for at in scales.get(kind, []):
        values = rng.standard_normal(data.shape[:2]).astype(np.float16)
        values.flat[:4] = np.roll([6e-8, -0.0, 65504, -1e-3], at)
        data[:, :, at : at + 2] = values[..., None].view(np.uint8)
    return data.reshape(rows, -1)


def every_type():
    """A file with a tensor of every storage type we read, and its values as the gguf package gives them."""
    rng = np.random.default_rng(2026)
    writer = gguf.GGUFWriter(HERE / "every_type.gguf", "llama")
    writer.add_uint8("t.u8", 200)
    writer.add_int8("t.i8", -5)
    writer.add_uint16("t.u16", 60000)
    writer.add_int16("t.i16", -300)
    writer.add_int32("t.i32", -70000)
    writer.add_float32("t.f32", 1e-5)
    writer.add_uint64("t.u64", 2**40)
    writer.add_int64("t.i64", -(2**40))
    writer.add_float64("t.f64", 0.1)
    writer.add_bool("t.bool", True)
    writer.add_array("t.strings", ["a", "ü", ""])
    expected = {}
    quantised = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
    quantised += [Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K]
    for kind in quantised:
        data = random_blocks(rng, kind, 3, 512)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.dequantize(data, kind)
    values = rng.standard_normal((3, 512)).astype(np.float32)
    values.flat[:6] = [0.0, -0.0, 1e-40, 3e38, np.inf, -np.inf]
    writer.add_tensor("F32", values)
    expected["F32"] = values
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    writer.add_tensor("F16", halves)
    expected["F16"] = halves.astype(np.float32)
    brains = gguf.quantize(values, Type.BF16)
    writer.add_tensor("BF16", brains, raw_dtype=Type.BF16)
    expected["BF16"] = gguf.dequantize(brains, Type.BF16)
    later = [Type.IQ1_S, Type.IQ1_M, Type.IQ2_XXS, Type.IQ2_XS, Type.IQ2_S, Type.IQ3_XXS, Type.IQ3_S]
    later += [Type.IQ4_NL, Type.IQ4_XS, Type.TQ1_0, Type.TQ2_0, Type.MXFP4]
    for kind in later:
        data = random_blocks(rng, kind, 3, 1024)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.dequantize(data, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in expected.items()},
              HERE / "every_type.safetensors")
    (HERE / "every_type.safetensors").chmod(0o644)


def grids():
    """The points of the grids of the I-quants, a byte for each value."""
    folder = HERE.parents[2] / "sah-tensor/src/blocks/dequant/grids"
    for kind in ["IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S"]:
        quants = getattr(gguf.quants, kind)
        quants.init_grid()
        (folder / f"{kind.lower()}.bin").write_bytes(quants.grid.astype(np.int8).tobytes())


def byte_level(kind):
    """A small tokenizer, and what adds it to the metadata of a file."""
    tokenizer = bpe.train(kind, bpe.TRAINING_TEXT, merges=220)
    return tokenizer, tokenizer.add_to


def published_form(tokenizer):
    """The same as the `tokenizers` package makes it, of the parts that published files of this kind have."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

    kind = tokenizer.kind
    model = models.BPE(tokenizer.ids, tokenizer.merges, ignore_merges=kind in bpe.IGNORING_MERGES)
    published = Tokenizer(model)
    if kind in bpe.COMPOSING:
        published.normalizer = normalizers.NFC()
    patterns = bpe.PATTERNS[kind]
    by_pattern = bpe.GPT2 in patterns
    parts = [
        pre_tokenizers.Digits(individual_digits=True) if pattern == r"\p{N}" else pre_tokenizers.Split(Regex(pattern), "isolated")
        for pattern in patterns
        if pattern != bpe.GPT2
    ]
    parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=by_pattern))
    published.pre_tokenizer = pre_tokenizers.Sequence(parts)
    published.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in tokenizer.added])
    return published


def write_tokenizer(name, add, goldens):
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", "llama")
    add(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    write_json(f"{name}.json", goldens)


def tokenizers():
    """A small tokenizer of each kind as a GGUF file, and the tokens of varied texts."""
    for kind in bpe.KINDS:
        tokenizer, add = byte_level(kind)
        goldens = [{"text": text, "ids": tokenizer.encode(text)} for text in bpe.TEXTS]
        published = published_form(tokenizer)
        for golden in goldens:
            ids = published.encode(golden["text"], add_special_tokens=False).ids
            assert ids == golden["ids"], f"{kind}: {golden['text']!r} {ids}"
        write_tokenizer(f"tokenizer-{kind}", add, goldens)
    for kind in sentencepieces.KINDS:
        model = sentencepieces.train(kind)
        write_tokenizer(f"tokenizer-{kind}", model.add_to, model.goldens())


def architectures_of():
    """A small model of each architecture."""
    pre = {"llama": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2", "qwen2moe": "qwen2", "qwen3moe": "qwen2", "phi3": "gpt-4o", "gpt2": "gpt-2"}
    sentencepiece = sentencepieces.train("gemma")

    def tokenizer_for(architecture):
        if architecture in pre:
            return byte_level(pre[architecture])[1]
        return sentencepiece.add_to

    # As many rows as tokens in the largest vocabulary, and some more.
    architectures.make_all(HERE, 512, tokenizer_for, write_json)


def chat_templates():
    """What transformers renders, and what Python makes of dates."""
    write_json("chat_templates.json", templates.render_all(templates.SOURCES) + templates.constructs())
    write_json("strftime.json", templates.strftime())


def default_model(path):
    """Tokens, template and weights of the default model, the weights as one hash over all tensors by name."""
    reader = gguf.GGUFReader(path)
    field = lambda name: reader.fields[name].contents()
    tokens, types = field("tokenizer.ggml.tokens"), field("tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in field("tokenizer.ggml.merges")]
    added = [token for token, kind in zip(tokens, types) if kind == 3]
    tokenizer = bpe.Tokenizer(field("tokenizer.ggml.pre"), tokens, merges, added)
    texts = bpe.TEXTS + ["<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n"]
    digest = hashlib.sha256()
    for tensor in sorted(reader.tensors, key=lambda tensor: tensor.name):
        digest.update(tensor.name.encode())
        digest.update(gguf.dequantize(tensor.data, tensor.tensor_type).astype("<f4").tobytes())
    write_json("smollm2.json", {
        "file_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "tensors_sha256": digest.hexdigest(),
        "tokens": [{"text": text, "ids": tokenizer.encode(text)} for text in texts],
        # The source is in the model's file.
        "templates": [
            {"user": golden["user"], "rendered": golden["rendered"]}
            for golden in templates.render_all([field("tokenizer.chat_template")])
        ],
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="its GGUF file (default: %(default)s)")
    parts = {
        "types": every_type,
        "grids": grids,
        "tokenizers": tokenizers,
        "architectures": architectures_of,
        "templates": chat_templates,
        "default-model": lambda: default_model(arguments.model),
    }
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    arguments = parser.parse_args()
    for part in arguments.parts or parts:
        parts[part]()


if __name__ == "__main__":
    main()
