"""Writes tests/fixtures/quantised: tiny random models in the quantised forms of safetensors, and what their libraries expand them to.

    $(tests/reference/venv.sh transformers-5) tests/reference/quantised.py [NAME ...]

Each folder has a checkpoint (config.json, model.safetensors), and in `expanded` the same model with every matrix expanded by the library
that wrote it, in the kind in which this computes it. The same versions write the same bytes.
"""

import importlib.util
import json
import math
import shutil
import sys
import zlib
from pathlib import Path

import bitsandbytes.functional as bnb
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "quantised"

HIDDEN = 64
CONFIG = dict(
    model_type="llama",
    vocab_size=64,
    hidden_size=HIDDEN,
    intermediate_size=128,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    rope_theta=500.0,
    hidden_act="silu",
    tie_word_embeddings=True,
)
LAYER = "model.layers.0."
MATRICES = {
    "self_attn.q_proj": (64, 64),
    "self_attn.k_proj": (32, 64),
    "self_attn.v_proj": (32, 64),
    "self_attn.o_proj": (64, 64),
    "mlp.gate_proj": (128, 64),
    "mlp.up_proj": (128, 64),
    "mlp.down_proj": (64, 128),
}
GPT_OSS = dict(
    model_type="gpt_oss",
    vocab_size=64,
    hidden_size=HIDDEN,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    num_local_experts=4,
    num_experts_per_tok=2,
    sliding_window=16,
    max_position_embeddings=128,
    rms_norm_eps=1e-5,
    rope_theta=500.0,
    rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "truncate": False},
    tie_word_embeddings=False,
)


def module_of(package, path):
    """A file of a package whose other files need what is not installed."""
    location = Path(importlib.util.find_spec(package).submodule_search_locations[0]) / path
    spec = importlib.util.spec_from_file_location(location.stem, location)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random(generator, shape):
    return torch.randn(shape, generator=generator) / math.sqrt(shape[-1])


def integers(generator, shape):
    """Words of random bits."""
    return torch.randint(-(2**31), 2**31, shape, generator=generator, dtype=torch.int64).to(torch.int32)


def others(generator):
    """What is not quantised."""
    norms = [LAYER + "input_layernorm.weight", LAYER + "post_attention_layernorm.weight", "model.norm.weight"]
    tensors = {name: 1 + 0.2 * torch.randn(HIDDEN, generator=generator) for name in norms}
    tensors["model.embed_tokens.weight"] = 0.3 * torch.randn((64, HIDDEN), generator=generator)
    return {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}


def fp8(block):
    def write(generator, shape):
        rows, columns = block
        scales = 0.01 + 0.01 * torch.rand((shape[0] // rows, shape[1] // columns), generator=generator)
        weight = (20 * torch.randn(shape, generator=generator)).to(torch.float8_e4m3fn)
        expanded = Fp8Dequantize(None)._dequantize_one(weight, scales, torch.float32)
        return {"weight": weight, "weight_scale_inv": scales}, expanded

    return write, {"quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3", "weight_block_size": block}


def fp8_of_tensors():
    def write(generator, shape):
        scale = (0.01 + 0.01 * torch.rand((), generator=generator)).to(torch.bfloat16)
        weight = (20 * torch.randn(shape, generator=generator)).to(torch.float8_e4m3fn)
        expanded = Fp8Dequantize(None)._dequantize_one(weight, scale, torch.float32)
        tensors = {"weight": weight, "weight_scale_inv": scale, "activation_scale": torch.tensor(0.1)}
        return tensors, expanded

    return write, {"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": None}


def compressed(form, kind=torch.bfloat16, **args):
    arguments = QuantizationArgs(**args)
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments)
    compressor = BaseCompressor.get_value_from_registry(form)

    def write(generator, shape):
        weight = random(generator, shape).to(kind)
        parts = weight.float()
        if arguments.strategy == "tensor":
            low, high = parts.min().view(1), parts.max().view(1)
        elif arguments.strategy == "channel":
            low, high = parts.amin(1, keepdim=True), parts.amax(1, keepdim=True)
        elif arguments.strategy == "group":
            groups = parts.view(shape[0], -1, arguments.group_size)
            low, high = groups.amin(2), groups.amax(2)
        else:
            rows, columns = arguments.block_structure
            missing = (-shape[1] % columns, -shape[0] % rows)
            padded = torch.nn.functional.pad(parts, (0, missing[0], 0, missing[1]))
            blocks = padded.view(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns)
            low, high = blocks.amin((1, 3)), blocks.amax((1, 3))
        scale, zero_point = calculate_qparams(low, high, arguments)
        state = {"weight": weight, "weight_scale": scale.to(kind), "weight_zero_point": zero_point}
        stored = compressor.compress(state, scheme)
        expanded = compressor.decompress(dict(stored), scheme)["weight"]
        return stored, expanded

    weights = json.loads(arguments.model_dump_json())
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}
    config = {"quant_method": "compressed-tensors", "format": form, "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
    return write, config


def awq(group):
    dequantise = module_of("awq", "utils/packing_utils.py").dequantize_gemm

    def write(generator, shape):
        outputs, inputs = shape
        tensors = {
            "qweight": integers(generator, (inputs, outputs // 8)),
            "qzeros": integers(generator, (inputs // group, outputs // 8)),
            "scales": (0.01 + 0.02 * torch.rand((inputs // group, outputs), generator=generator)).half(),
        }
        return tensors, dequantise(tensors["qweight"], tensors["qzeros"], tensors["scales"], 4, group).T

    return write, {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}


def gptq(bits, group, act_order=False, version="gptq"):
    linear = module_of("auto_gptq", "nn_modules/qlinear/qlinear_cuda.py").QuantLinear

    def write(generator, shape):
        outputs, inputs = shape
        size = inputs if group == -1 else group
        module = linear(bits, size, inputs, outputs, False)
        module.qweight = integers(generator, tuple(module.qweight.shape))
        module.qzeros = integers(generator, tuple(module.qzeros.shape))
        spread = 0.3 / 2**bits
        module.scales = (spread + spread * torch.rand(tuple(module.scales.shape), generator=generator)).half()
        if act_order:
            module.g_idx = module.g_idx[torch.randperm(inputs, generator=generator)].to(torch.int32)
        # The layer of the unit matrix is the transposed weight: a sum of one number and zeros.
        expanded = module(torch.eye(inputs, dtype=torch.float16)).T
        tensors = {name: getattr(module, name) for name in ["qweight", "qzeros", "scales", "g_idx"]}
        if version == "gptq_v2":
            # 1 more in every zero point, as GPTQModel turns one version into the other; none is the largest here.
            ones = sum(1 << at for at in range(0, 32, bits))
            words = tensors["qzeros"].to(torch.int64) & 0xFFFFFFFF
            kept = sum(((1 << bits) - 2) << at for at in range(0, 32, bits))
            module.qzeros = as_int32(words & kept)
            expanded = module(torch.eye(inputs, dtype=torch.float16)).T
            tensors["qzeros"] = as_int32((words & kept) + ones)
        return tensors, expanded

    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": act_order, "sym": False}
    return write, config | {"checkpoint_format": version}


def as_int32(words):
    return torch.where(words >= 2**31, words - 2**32, words).to(torch.int32)


def four_bits(kind, nested, dtype):
    def write(generator, shape):
        weight = random(generator, shape).to(dtype)
        packed, state = bnb.quantize_4bit(weight, blocksize=64, compress_statistics=nested, quant_type=kind)
        tensors = {"weight": packed}
        tensors |= {f"weight.{name}": value for name, value in state.as_dict(packed=True).items()}
        return tensors, bnb.dequantize_4bit(packed, state)

    config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": kind}
    return write, config | {"bnb_4bit_use_double_quant": nested, "bnb_4bit_compute_dtype": "bfloat16"}


def eight_bits():
    def write(generator, shape):
        weight, largest, _ = bnb.int8_vectorwise_quant(random(generator, shape).half())
        tensors = {"weight": weight, "SCB": largest, "weight_format": torch.tensor(0, dtype=torch.uint8)}
        return tensors, bnb.int8_vectorwise_dequant(weight, largest)

    return write, {"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False}


FORMS = {
    "fp8": fp8([32, 64]),
    "fp8-tensor": fp8_of_tensors(),
    "compressed-fp8-tensor": compressed("float-quantized", num_bits=8, type="float", strategy="tensor"),
    "compressed-fp8-channel": compressed("float-quantized", num_bits=8, type="float", strategy="channel"),
    "compressed-fp8-block": compressed(
        "float-quantized", num_bits=8, type="float", strategy="block", block_structure=[40, 24]
    ),
    "compressed-int8": compressed("int-quantized", num_bits=8, strategy="channel"),
    "compressed-int8-zero-points": compressed(
        "int-quantized", torch.float16, num_bits=8, strategy="channel", symmetric=False
    ),
    "compressed-int4": compressed("pack-quantized", num_bits=4, strategy="group", group_size=32),
    "compressed-int4-zero-points": compressed(
        "pack-quantized", num_bits=4, strategy="group", group_size=16, symmetric=False
    ),
    "compressed-int4-channel": compressed("pack-quantized", num_bits=4, strategy="channel"),
    "compressed-int3": compressed("pack-quantized", num_bits=3, strategy="group", group_size=32, symmetric=False),
    "awq": awq(32),
    "gptq": gptq(4, 32),
    "gptq-act-order": gptq(4, 16, act_order=True),
    "gptq-v2": gptq(4, 32, version="gptq_v2"),
    "gptq-whole": gptq(8, -1),
    "gptq-3": gptq(3, 32, act_order=True),
    "gptq-2": gptq(2, 32),
    "nf4": four_bits("nf4", False, torch.float16),
    "nf4-nested": four_bits("nf4", True, torch.bfloat16),
    "fp4": four_bits("fp4", True, torch.bfloat16),
    "int8": eight_bits(),
}


def write_llama(name, folder):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    write, said = FORMS[name]
    stored = others(generator)
    expanded = dict(stored)
    for matrix, shape in MATRICES.items():
        tensors, values = write(generator, shape)
        stored |= {f"{LAYER}{matrix}.{suffix}": tensor.contiguous() for suffix, tensor in tensors.items()}
        expanded[f"{LAYER}{matrix}.weight"] = values.contiguous()
    save(folder, CONFIG | {"quantization_config": said}, stored)
    save(folder / "expanded", CONFIG, expanded)


def write_gpt_oss(folder):
    generator = torch.Generator().manual_seed(zlib.crc32(b"mxfp4"))
    config, experts = GPT_OSS, GPT_OSS["num_local_experts"]
    width, heads = config["intermediate_size"], config["num_attention_heads"]
    rest = others(generator)
    rest["lm_head.weight"] = random(generator, (64, HIDDEN)).to(torch.bfloat16)
    for name in ["q_proj", "k_proj", "v_proj", "o_proj"]:
        shape = MATRICES[f"self_attn.{name}"]
        rest[f"{LAYER}self_attn.{name}.weight"] = random(generator, shape).to(torch.bfloat16)
        rest[f"{LAYER}self_attn.{name}.bias"] = (0.2 * torch.randn(shape[0], generator=generator)).to(torch.bfloat16)
    rest[LAYER + "self_attn.sinks"] = torch.randn(heads, generator=generator).to(torch.bfloat16)
    rest[LAYER + "mlp.router.weight"] = random(generator, (experts, HIDDEN)).to(torch.bfloat16)
    rest[LAYER + "mlp.router.bias"] = (0.2 * torch.randn(experts, generator=generator)).to(torch.bfloat16)
    stored, expanded = dict(rest), dict(rest)
    for name, outputs, inputs in [("gate_up_proj", 2 * width, HIDDEN), ("down_proj", HIDDEN, width)]:
        blocks = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), generator=generator, dtype=torch.uint8)
        scales = torch.randint(121, 125, (experts, outputs, inputs // 32), generator=generator, dtype=torch.uint8)
        full = LAYER + "mlp.experts." + name
        stored[full + "_blocks"], stored[full + "_scales"] = blocks, scales
        expanded[full] = convert_moe_packed_tensors(blocks, scales, dtype=torch.bfloat16).contiguous()
        bias = (0.2 * torch.randn((experts, outputs), generator=generator)).to(torch.bfloat16)
        stored[full + "_bias"] = expanded[full + "_bias"] = bias
    said = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]}
    save(folder, config | {"quantization_config": said}, stored)
    save(folder / "expanded", config, expanded)


def save(folder, config, tensors):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or [*FORMS, "mxfp4"]:
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        if name == "mxfp4":
            write_gpt_oss(folder)
        else:
            write_llama(name, folder)
        print(name, flush=True)


if __name__ == "__main__":
    main()
