"""Writes tests/fixtures/transformers/{dense,streaming_llm,apart}.json from the prompts of prompts.py."""

from __future__ import annotations

import argparse
from pathlib import Path

import golden
import model
from prompts import apart, requests
from streaming_llm import StreamingLlm


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=model.DEFAULT_MODEL, help="GGUF file (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=model.REPOSITORY / "tests/fixtures/transformers")
    arguments = parser.parse_args()
    reference = model.load(arguments.model)
    files = [("dense", requests(), None), ("streaming_llm", requests(), StreamingLlm()), ("apart", apart(), StreamingLlm())]
    for name, prompts, sparse in files:
        document = golden.document(reference, prompts, sparse)
        path = arguments.out / f"{name}.json"
        golden.write(document, path)
        print(f"{path}: {path.stat().st_size} bytes, smallest margin {golden.smallest_margin(document)}")


if __name__ == "__main__":
    main()
