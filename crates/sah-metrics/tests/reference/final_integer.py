#!/usr/bin/env python3
"""Writes final_integer.json: which solutions of our own three published harnesses call right.

    cargo xtask bless final-integer

The harnesses are math-verify 0.9.0, lm-eval 0.4.13 and inspect-evals 0.28.0, each called as its own task does; MathArena, the fourth that the
rule follows, is on no package index. Python 3.11 made the file.
"""

import asyncio
import importlib.util
import json
import logging
import pathlib
import site
import sys
import types

logging.disable(logging.CRITICAL)

from inspect_ai.scorer import Target
from math_verify import parse, verify

BOXES = """70|070|0070|70.0|+70|$70$|\\$70|(70)|[70]|\\left(70\\right)|n = 70|AB=70|20 + 50 = 70|70\\text{ cm}|70 cm|70^\\circ|70^{\\circ}|\\,70|
-70|70.5|70\\pi|70x|70, 71|\\frac{140}{2}|\\frac{70}{2}|7|0|1,070|x|71|700|{70}|\\boxed{70}|140/2|70\\%|\\quad 70""".replace("\n", "").split("|")
FRAMES = ["\\boxed{%s}", "So $\\boxed{%s}$.", "$$\n\\boxed{%s}\n$$", "First $\\boxed{12}$, no: $\\boxed{%s}$", "Of 100 it is \\(\\boxed{%s}\\)"]
WORDS = """70|The answer is 70.|ANSWER: 70|ANSWER: 070|**70**|$70$|So $m + n = 70$.|12 + 58 = 70|70 of 100|-70|12-70|70.5|x70|\\boxed{70|7 0|I do not know.|
seventy|The answer is 71.|ANSWER: 7|70, 71|It is 70 cm|\\frac{140}{2}|$\\frac{70}{2}$|70.0|9 0 2|The answer is:\n70|70\nThe answer is 71""".split("|")


def file_of_package(name):
    """A module by its file: its package wants model libraries that scoring does not need."""
    path = next(path for folder in site.getsitepackages() if (path := pathlib.Path(folder, name)).exists())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


LM_EVAL = file_of_package("lm_eval/tasks/aime/utils.py")
INSPECT = file_of_package("inspect_evals/utils/aime_common.py").aime_scorer()


def math_verify(text, answer):
    return bool(verify(parse(answer), parse(text)))


def lm_eval(text, answer):
    return LM_EVAL.process_results({"Answer": answer}, [text])["exact_match"] == 1


def inspect_evals(text, answer):
    state = types.SimpleNamespace(output=types.SimpleNamespace(completion=text))
    return asyncio.run(INSPECT(state, Target(answer))).value == "C"


def main():
    # A dollar within dollars is no LaTeX.
    fits = lambda frame, content: not ("$" in frame and content.startswith("$"))
    texts = [frame.replace("%s", content) for content in BOXES for frame in FRAMES if fits(frame, content)] + WORDS
    rows = []
    for text in texts:
        for answer in ("70", "7", "0"):
            verdicts = [harness(text, answer) for harness in (math_verify, lm_eval, inspect_evals)]
            if answer == "70" or any(verdicts):
                rows.append({"text": text, "answer": int(answer), "verdicts": verdicts})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


main()
