"""The file format of the goldens; README.md describes the fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from model import ReferenceModel
from request import Answer, Request, answer
from streaming_llm import StreamingLlm

FORMAT_VERSION = 2
TOP_LOGITS = 20
# 64 ids spread evenly over the vocabulary: logits are noted at these for every question.
LOGIT_IDS = 64


def document(reference: ReferenceModel, requests: Iterable[Request], sparse: StreamingLlm | None) -> dict[str, Any]:
    """Answers all requests and returns the golden as a JSON value."""
    attention = {"name": "streaming_llm", **asdict(sparse)} if sparse else {"name": "dense"}
    return {
        "format_version": FORMAT_VERSION,
        "attention": attention,
        "dtype": "float32",
        "model": {"file": reference.path.name, "sha256": reference.sha256},
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "gguf")},
        "logit_ids": _logit_ids(reference),
        "cases": [_case(reference, request, sparse) for request in requests],
    }


def write(golden: dict[str, Any], path: Path) -> None:
    """Writes `golden` to `path` as JSON with one case a line, making its folder."""
    head = {name: value for name, value in golden.items() if name != "cases"}
    cases = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in golden["cases"])
    text = json.dumps(head, ensure_ascii=False)[:-1] + f', "cases": [\n{cases}\n]}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def smallest_margin(golden: dict[str, Any]) -> float:
    """The closest that any two best tokens of the golden came: below rounding error, a text may differ by chance."""
    return min(margin for case in golden["cases"] for item in case["questions"] for margin in item["margins"])


def _logit_ids(reference: ReferenceModel) -> list[int]:
    vocabulary = reference.model.config.vocab_size
    return [i * vocabulary // LOGIT_IDS for i in range(LOGIT_IDS)]


def _case(reference: ReferenceModel, request: Request, sparse: StreamingLlm | None) -> dict[str, Any]:
    response = answer(reference, request, sparse)
    logit_ids = _logit_ids(reference)
    return {
        "name": request.name,
        "context": request.context,
        "max_context_length": request.max_context_length,
        "truncation": request.truncation,
        "tokenise": request.tokenise,
        "context_ids": response.context_ids,
        "dropped_tokens": response.dropped_tokens,
        "border_tokens": response.border_tokens,
        "questions": [
            {
                "question": question.text,
                "answer_prefix": question.answer_prefix,
                "max_new_tokens": question.max_new_tokens,
                "question_ids": item.question_ids,
                "generated_ids": item.generated_ids,
                "text": item.text,
                "margins": [_rounded(margin) for margin in item.margins],
                "first_logits": _logits(item, logit_ids),
            }
            for question, item in zip(request.questions, response.answers, strict=True)
        ],
    }


def _logits(item: Answer, logit_ids: list[int]) -> dict[str, Any]:
    top = item.first_logits.topk(TOP_LOGITS)
    return {
        "top": [
            [token, _rounded(value)] for token, value in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ],
        "logsumexp": _rounded(torch.logsumexp(item.first_logits.double(), 0).item()),
        "at_logit_ids": [_rounded(value) for value in item.first_logits[logit_ids].tolist()],
    }


def _rounded(value: float) -> float:
    return round(value, 5)
