#!/usr/bin/env python3
"""Writes rules.json: what the rules of RULER and LongBench-v2 give for texts of our own.

    cargo xtask bless rules

Their scorers are on no package index; the rules are written down here as they are in NVIDIA/RULER c3f5e3b (scripts/eval) and in THUDM/LongBench
2e00731 (pred.py). Python 3.11 made the file; the texts come from a seeded generator and stay the same.
"""

import json
import pathlib
import random
import re

REFERENCES = ["4217", "kelp", "Élan", "İx", "a\nb", "42", "ΣΟΦΟΣ", "blue tea", " ", "7", "-7", "straße"]
PIECES = REFERENCES + ["KELP", "élan", "421", "7", "\t", "\x00", "\x1f", "\x7f", "\r\n", "  ", ", ", "i̇x", "σοφος", "σοφοσ", "\x85", "\u3000", "STRASSE", "a\tb"]

BEGINNINGS = ["The correct answer is ", "the correct answer is ", "The correct answer is", "The correct answer is: ", "The  correct answer is ", ""]
LETTERS = ["(A)", "(B)", "C", "D", "(E)", "E", "(c)", "b", "(*D*)", "**A**", "( A)", "(A", "Because", "（C）", "[B]", ""]
REST = [".", " ", "\n", "**", " I think so. ", " or ", "*"]


def string_match(prediction, references):
    """The shares of all and of any, of a prediction as RULER prepares it."""
    prediction = re.sub(r"[\x00-\x1f]", "\n", prediction.strip()).strip()
    found = [1.0 if reference.lower() in prediction.lower() else 0.0 for reference in references]
    return [sum(found) / len(found), max(found)]


def stated_choice(response):
    response = response.strip().replace("*", "")
    found = re.search(r"The correct answer is \(([A-D])\)", response) or re.search(r"The correct answer is ([A-D])", response)
    return found.group(1) if found else None


def main():
    draw = random.Random(7)

    def joined(pieces, most):
        return "".join(draw.choice(pieces) for _ in range(draw.randrange(most)))

    matches = []
    for _ in range(400):
        prediction, references = joined(PIECES, 9), draw.sample(REFERENCES, draw.randrange(1, 5))
        if draw.random() < 0.2:
            references += references[:1]
        matches.append({"prediction": prediction, "references": references, "scores": string_match(prediction, references)})
    choices = []
    for _ in range(400):
        sentence = lambda: draw.choice(BEGINNINGS) + draw.choice(LETTERS) + draw.choice(REST)
        text = draw.choice(REST) + "".join(sentence() for _ in range(draw.randrange(4)))
        choices.append([text, stated_choice(text)])
    golden = {"string_match": matches, "stated_choice": choices}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n")


main()
