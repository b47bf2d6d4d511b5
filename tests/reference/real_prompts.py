"""Answers 20 real prompts, dense and sparse, and writes both goldens into a folder (not for the repository).

The prompts are the first row of 20 LongBench tasks in the hub's parquet layout, each context cut to its first 1,024
tokens, 32 new tokens. The files are dense.json and streaming_llm.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow.parquet

import golden
import model
from request import Question, Request
from streaming_llm import StreamingLlm

TASKS = (
    "2wikimqa dureader gov_report hotpotqa lcc lsht multi_news multifieldqa_en multifieldqa_zh musique narrativeqa "
    "passage_count passage_retrieval_en passage_retrieval_zh qasper qmsum repobench-p samsum trec triviaqa"
).split()
CONTEXT_TOKENS = 1024


def real_request(folder: Path, task: str) -> Request:
    """The first row of `task` as a request."""
    [file] = sorted((folder / task).glob("*.parquet"))
    row = pyarrow.parquet.read_table(file).slice(0, 1).to_pylist()[0]
    question = Question(row["question"], row["answer_prefix"])
    return Request(row["_id"], row["context"], [question], max_context_length=CONTEXT_TOKENS)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder of parquet files a task")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--model", type=Path, default=model.DEFAULT_MODEL, help="GGUF file (default: %(default)s)")
    arguments = parser.parse_args()
    requests = [real_request(arguments.data, task) for task in TASKS]
    reference = model.load(arguments.model)
    for name, sparse in (("dense", None), ("streaming_llm", StreamingLlm())):
        document = golden.document(reference, requests, sparse)
        golden.write(document, arguments.out / f"{name}.json")
        print(f"{name}: {len(requests)} prompts, smallest margin {golden.smallest_margin(document)}")


if __name__ == "__main__":
    main()
