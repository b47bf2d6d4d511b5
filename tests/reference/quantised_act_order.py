"""Writes the folders of tests/fixtures/quantised in which compressed-tensors has groups of inputs that are not neighbours (`actorder: group`).

    $(tests/reference/venv.sh transformers-5) tests/reference/quantised_act_order.py

Version 0.18.0 is the last one that reads and writes them, and lies beside the newer one in the environment: 0.19.0 refuses the config and has
no `weight_g_idx`.
"""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.prefix) / "older"))

import compressed_tensors
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams

import quantised

VERSION = "0.18.0"


def ordered(form, kind=torch.bfloat16, **args):
    arguments = QuantizationArgs(strategy="group", actorder="group", **args)
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments)
    compressor = BaseCompressor.get_value_from_registry(form)

    def write(generator, shape):
        size = arguments.group_size
        weight = quantised.random(generator, shape).to(kind)
        order = torch.randperm(shape[1], generator=generator)
        groups_of = torch.empty(shape[1], dtype=torch.int32)
        groups_of[order] = torch.arange(shape[1], dtype=torch.int32) // size
        groups = weight.float()[:, order].view(shape[0], -1, size)
        scale, zero_point = calculate_qparams(groups.amin(2), groups.amax(2), arguments)
        state = {"weight": weight, "weight_scale": scale.to(kind), "weight_zero_point": zero_point}
        stored = compressor.compress(state | {"weight_g_idx": groups_of}, scheme)
        expanded = compressor.decompress(dict(stored), scheme)["weight"]
        assert (expanded - weight).abs().max() < 0.2, "expanded in another order than it was quantised in"
        return stored, expanded

    weights = json.loads(arguments.model_dump_json())
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}
    config = {"quant_method": "compressed-tensors", "format": form, "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
    return write, config


def main():
    assert compressed_tensors.__version__ == VERSION, f"version {compressed_tensors.__version__}, not {VERSION}"
    torch.set_num_threads(1)
    forms = {
        "compressed-int4-act-order": ordered("pack-quantized", num_bits=4, group_size=32),
        "compressed-int3-act-order": ordered("pack-quantized", torch.float16, num_bits=3, group_size=16, symmetric=False),
        "compressed-int8-act-order": ordered("naive-quantized", num_bits=8, group_size=16),
    }
    quantised.FORMS |= forms
    for name in forms:
        folder = quantised.OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        quantised.write_llama(name, folder)
        print(name, flush=True)


if __name__ == "__main__":
    main()
