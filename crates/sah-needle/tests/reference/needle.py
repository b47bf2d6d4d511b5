#!/usr/bin/env python3
"""Writes needle.json: the figures that kvpress gives answers of our own.

    cargo xtask bless needle

kvpress hands the package rouge 1.0.1 the needle as hypothesis and the answer as reference, and raises on an empty answer. Python 3.11 made the
file; the texts come from a seeded generator and stay the same.
"""

import json
import pathlib
import random

from rouge import Rouge

NEEDLES = ["The key is kept in a blue teapot.", "At noon. The best thing to do is eat a sandwich, and rest.", "钥匙在 茶壶 里。", "kelp"]
WORDS = "the The key is kept in a blue teapot. teapot sandwich, eat and rest. . ... noon 钥匙在 里。 kelp kelp kelp no".split()
SEPARATORS = [" ", " ", " ", "\n", "  ", ". "]


def figures(answer, needle):
    try:
        return Rouge().get_scores(needle, answer)[0]
    except ValueError:
        return None


def main():
    draw = random.Random(8)
    answers = ["", " ", "...", ".", *NEEDLES]
    for _ in range(60):
        answers.append("".join(draw.choice(WORDS) + draw.choice(SEPARATORS) for _ in range(draw.randrange(25))))
    rows = []
    for answer in answers:
        needle = draw.choice(NEEDLES)
        rows.append({"prediction": answer, "needle": needle, "figures": figures(answer, needle)})
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(rows, ensure_ascii=False, indent=0) + "\n")


main()
