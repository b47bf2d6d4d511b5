#!/usr/bin/env python3
"""Writes text_metrics.json: what the Python packages behind published scores give for texts of our own.

    cargo xtask bless text-metrics

Python 3.11 made the file; the texts come from a seeded generator and stay the same.
"""

import collections
import json
import pathlib
import random
import re
import string
import unicodedata
import warnings

warnings.filterwarnings("ignore")

from nltk.translate.bleu_score import sentence_bleu
from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer
from unidecode import unidecode

WORDS = "the a an cat dog sat on mat it's Élan naïve 3.5 2024 don't state-of-the-art. end. İstanbul ΣΊΣΥΦΟΣ 中文 K ...".split()
SEPARATORS = [" ", " ", " ", "  ", "\n", ". ", "\n\n", "\t"]
TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
SCORER = RougeScorer(TYPES)


def texts():
    draw = random.Random(11)

    def text(longest):
        return "".join(draw.choice(WORDS) + draw.choice(SEPARATORS) for _ in range(draw.randrange(longest)))

    pairs = [("", ""), ("", "a"), ("a", ""), ("...", "a."), ("a\n\nb", "b\na"), (" ", "\n")]
    for longest in (4, 12, 40, 130):
        pairs += [(text(longest), text(longest)) for _ in range(12)]
    for _ in range(8):
        reference = text(60)
        words = reference.split(" ")
        draw.shuffle(words)
        pairs.append((" ".join(words[: draw.randrange(len(words) + 1)]), reference))
    return pairs


def rouge_package(prediction, reference):
    try:
        scores = Rouge().get_scores(hyps=[prediction], refs=[reference])[0]
    except ValueError:
        return None
    return [[scores[name][figure] for figure in "prf"] for name in ("rouge-1", "rouge-2", "rouge-l")]


def bleu(prediction, reference):
    prediction, reference = prediction.split(), reference.split()
    weights = [(1, 0, 0, 0), (0, 0, 0, 1), (0.25, 0.25, 0.25, 0.25)]
    return [sentence_bleu([reference], prediction, weights=each) for each in weights]


def f1_in_ascii(prediction, reference):
    def words(text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return unidecode(" ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())).split()

    prediction, reference = words(prediction), words(reference)
    same = sum((collections.Counter(prediction) & collections.Counter(reference)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(prediction), 1.0 * same / len(reference)
    return (2 * precision * recall) / (precision + recall)


def characters():
    """Small letters and all that is neither capital nor small, of the ranges that unidecode.rs puts right, as runs."""
    kept = []
    for code in [*range(0x80, 0x530), *range(0x1E00, 0x2650), *range(0x2660, 0x2800), *range(0x2900, 0x2C00), *range(0x3000, 0x3400),
                 *range(0xFE00, 0xFFF0), *range(0x1D400, 0x1D6A8), *range(0x1D7CE, 0x1D800), *range(0x1F600, 0x1F640)]:
        c = chr(code)
        if c.lower() == c and unicodedata.category(c) not in ("Co", "Cs", "Cn"):
            kept.append(c)
    return [["".join(run), unidecode("|".join(run))] for run in (kept[i : i + 64] for i in range(0, len(kept), 64))]


LITERALS = [
    "{'<mask-0>': 'Ann'}", '{"<mask-0>": "Ann Lee", "<mask-1>": "it\'s"}', "  {'<mask-0>': 'A' 'nn'}\n\n", "\n{'<mask-0>': 'Ann'}",
    "\n {'<mask-0>': 'Ann'}", "{'<mask-0>': '''Ann'''}", '{"<mask-0>": """A"nn""",}', "{'<mask-0>': 'Ann'} # right", "{'<mask-0>' 'x': 'Ann'}",
    "{'<mask-0>': 'Ann',\n\n'<mask-1>': 'Bo'\n}", "{'<mask-0>': 'Ann', '<mask-0>': 'Bo'}", "({'<mask-0>': 'Ann'})", "{'<mask-0>': 'Ann'},",
    "{'<mask-0>': u'\\u0041nn'}", "{'<mask-0>': r'\\d'}", "{'<mask-0>': b'Ann'}", "{'<mask-0>': f'Ann'}", "{'<mask-0>': ('Ann')}",
    "{'<mask-0>': ('Ann',)}", "{'<mask-0>': 'Ann' + ' Lee'}", "{'<mask-0>': None}", "{'<mask-0>': null}", "{'<mask-0>': true}",
    "{'<mask-0>': 1_0, 'x': -0x1f, 'y': 1e3j}", "{'<mask-0>': 01}", "{'<mask-0>': 00}", "{'<mask-0>': 'Ann\n'}", "{'<mask-0>': 'A\\\nnn'}",
    "{'<mask-0>': 'Ann'", "{<mask-0>: 'Ann'}", "{'<mask-0>'= 'Ann'}", "{'<mask-0>', 'Ann'}", "['<mask-0>']", "Ann", "", "{}", "\ufeff{}",
    "{'<mask-0>': \u2018Ann\u2019}", "{\u3000'<mask-0>': 'Ann'}", "{[1]: 2}", "{(1, 2): 2, '<mask-0>': 'Ann'}", "{'<mask-0>': 'Ann';}",
    "{'<mask-0>': '\\x41nn'}", "{'<mask-0>': '\\x4'}", "{'<mask-0>': '\\101nn'}", "{'<mask-0>': 'A\\q'}", "\t{'<mask-0>': 'Ann'}\t",
    "{'<mask-0>': 'Ann'}\n{}", "{'<mask-0>': 'Ann'} {}", "{'<mask-0>': 'Ann'}\\\n", "{'a':1,,}", "{'<mask-0>': 'Ann' 'Lee' \"x\"\n'y'}",
    "{\r\n'<mask-0>':\r'Ann'}", "{'<mask-0>': \"Ann\\\"s\"}", "{'<mask-0>': +-+1.5, '<mask-1>': 'x'}", "```{'<mask-0>': 'Ann'}```",
]


def evaluated(source):
    """The texts of the dictionary; None where it is none, false where a value is no text."""
    try:
        value = eval(source)
    except Exception:
        return None
    if not isinstance(value, dict):
        return None
    return {key: text if isinstance(text, str) else False for key, text in value.items() if isinstance(key, str)}


def main():
    pairs = texts()
    golden = {
        "pairs": [
            {
                "prediction": prediction,
                "reference": reference,
                "rouge_score": [list(SCORER.score(reference, prediction)[name]) for name in TYPES],
                "rouge": rouge_package(prediction, reference),
                "bleu": bleu(prediction, reference),
                "f1_in_ascii": f1_in_ascii(prediction, reference),
            }
            for prediction, reference in pairs
        ],
        "characters": characters(),
        "literals": [[source, evaluated(source)] for source in LITERALS],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


main()
