#!/usr/bin/env python3
"""Writes kivi.json: numbers, and what they are after KIVI has packed them (Liu et al. 2024, arXiv 2402.02750).

    cargo xtask bless kivi

The arithmetic is that of `quant_and_pack_kcache` and `quant_and_pack_vcache` in the authors' `quant/new_pack.py`: keys in groups of
tokens of one channel, values in groups of channels of one token; `scale = (max - min) / (2^bits - 1)` and the minimum in f16;
`code = round(clamp((x - min) / scale, 0, 2^bits - 1))`; `x' = code * scale + min`. The standard library is enough: `struct` knows f16.
"""

import json
import pathlib
import random
import struct

GROUP = 32


def half(number):
    return struct.unpack("<e", struct.pack("<e", number))[0]


def sixteenth(number):
    """Exact in f16, and short in a file."""
    return round(16 * number) / 16


def packed(group, bits):
    """The numbers of one group as they come back."""
    levels = 2**bits - 1
    low, high = min(group), max(group)
    scale, minimum = half((high - low) / levels), half(low)
    if scale == 0:
        return [minimum] * len(group)
    codes = [round(min(max((x - minimum) / scale, 0), levels)) for x in group]
    return [round(code * scale + minimum, 6) for code in codes]


def case(tokens, dim, bits, spread):
    numbers = [[sixteenth(random.gauss(channel % 5, spread * (1 + channel % 3))) for channel in range(dim)] for _ in range(tokens)]
    keys = [[0.0] * dim for _ in range(tokens)]
    for start in range(0, tokens, GROUP):
        for channel in range(dim):
            group = packed([row[channel] for row in numbers[start : start + GROUP]], bits)
            for row, number in zip(keys[start : start + GROUP], group):
                row[channel] = number
    size = GROUP if dim % GROUP == 0 else dim
    values = [sum((packed(row[start : start + size], bits) for start in range(0, dim, size)), []) for row in numbers]
    return {"tokens": tokens, "dim": dim, "bits": bits, "numbers": numbers, "keys": keys, "values": values}


def main():
    random.seed(7)
    cases = [case(64, 32, 4, 1), case(32, 64, 2, 1), case(32, 12, 4, 0.2), case(32, 20, 2, 30), case(32, 8, 4, 0)]
    path = pathlib.Path(__file__).with_name("kivi.json")
    path.write_text(json.dumps({"cases": cases}) + "\n")


main()
