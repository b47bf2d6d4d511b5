"""What a request means: which tokens are context, which are question, and how an answer is decoded."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Literal

import torch
from transformers import DynamicCache

from model import ReferenceModel
from streaming_llm import StreamingLlm

# Marks the end of the context in the rendered chat template. No prompt contains it.
SEPARATOR = "\ue000end-of-context\ue000"


@dataclass(frozen=True)
class Question:
    """One question about a context, and how its answer begins."""

    text: str
    answer_prefix: str = ""
    max_new_tokens: int = 32


@dataclass(frozen=True)
class Request:
    """A context and its questions."""

    name: str
    context: str
    questions: list[Question]
    max_context_length: int | None = None
    truncation: Literal["head", "middle"] = "head"
    # Whether a prompt is one text, or context and question are two.
    tokenise: Literal["whole", "apart"] = "whole"


@dataclass(frozen=True)
class Answer:
    """One greedy answer."""

    question_ids: list[int]
    # Ends with the end-of-turn token when the model ended its turn.
    generated_ids: list[int]
    # Without the end-of-turn token and other special tokens.
    text: str
    # Logits of the first new token: f32 [vocabulary].
    first_logits: torch.Tensor
    # For each new token, how far the best logit was above the second best.
    margins: list[float]


@dataclass(frozen=True)
class Response:
    """The answers of a request, in the order of its questions."""

    context_ids: list[int]
    # Tokens that truncation dropped.
    dropped_tokens: int
    # Tokens at the end of the context that are read with each question.
    border_tokens: int
    answers: list[Answer] = field(default_factory=list)


def split_prompt(reference: ReferenceModel, context: str, question: Question) -> tuple[str, str]:
    """The texts of context and question.

    Context and question are one user message. The rendered template is cut at the end of the context, and the answer
    prefix goes behind the generation prompt.
    """
    rendered = reference.tokenizer.apply_chat_template(
        [{"role": "user", "content": context + SEPARATOR + question.text}], tokenize=False, add_generation_prompt=True
    )
    before, after = rendered.split(SEPARATOR)
    return before, after + question.answer_prefix


def tokens(reference: ReferenceModel, request: Request) -> tuple[list[int], int, list[list[int]]]:
    """The tokens of the context before truncation, how many at its end are read with each question, and those of the questions.

    A whole prompt has the tokens that `apply_chat_template` gives. Its context is what all prompts and the context alone begin
    with; one token at least stays with each question.
    """
    texts = [split_prompt(reference, request.context, question) for question in request.questions]
    alone = _encode(reference, texts[0][0])
    if request.tokenise == "apart":
        return alone, 0, [_encode(reference, question) for _, question in texts]
    prompts = [_encode(reference, before + after) for before, after in texts]
    shared = min(min(_equal_beginning(alone, prompt), len(prompt) - 1) for prompt in prompts)
    return alone[:shared], len(alone) - shared, [prompt[shared:] for prompt in prompts]


def _equal_beginning(left: list[int], right: list[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))


def truncate(ids: list[int], request: Request) -> list[int]:
    """Cuts `ids` to the request's limit: the first n, or the first n // 2 and the last n - n // 2."""
    limit = request.max_context_length
    if limit is None or len(ids) <= limit:
        return ids
    if request.truncation == "head":
        return ids[:limit]
    return ids[: limit // 2] + ids[len(ids) - (limit - limit // 2) :]


@torch.inference_mode()
def answer(reference: ReferenceModel, request: Request, sparse: StreamingLlm | None) -> Response:
    """Answers a request: dense prefill of the context, then each question from a copy of the same cache.

    `sparse` is the attention of question and new tokens; None is dense.
    """
    dense_name = "sdpa"
    sparse_name = sparse.register() if sparse else dense_name
    all_ids, border, questions = tokens(reference, request)
    context_ids = truncate(all_ids, request)
    response = Response(context_ids, len(all_ids) - len(context_ids), border)

    reference.model.set_attn_implementation(dense_name)
    cache = DynamicCache(config=reference.model.config)
    if context_ids:
        _last_logits(reference, context_ids, cache)
    reference.model.set_attn_implementation(sparse_name)
    for question, question_ids in zip(request.questions, questions, strict=True):
        response.answers.append(_decode(reference, question_ids, copy.deepcopy(cache), question.max_new_tokens))
    reference.model.set_attn_implementation(dense_name)
    return response


def _encode(reference: ReferenceModel, text: str) -> list[int]:
    return reference.tokenizer.encode(text, add_special_tokens=False)


def _last_logits(reference: ReferenceModel, ids: list[int], cache: DynamicCache) -> torch.Tensor:
    """Appends `ids` to the cache; returns the logits behind the last of them: [vocabulary]."""
    output = reference.model(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return output.logits[0, -1]


def _decode(reference: ReferenceModel, question_ids: list[int], cache: DynamicCache, max_new_tokens: int) -> Answer:
    first_logits = logits = _last_logits(reference, question_ids, cache)
    generated: list[int] = []
    margins: list[float] = []
    while True:
        best, second = logits.topk(2).values.tolist()
        generated.append(int(logits.argmax()))
        margins.append(best - second)
        if generated[-1] == reference.eos_token_id or len(generated) == max_new_tokens:
            break
        logits = _last_logits(reference, generated[-1:], cache)
    kept = [token for token in generated if token != reference.eos_token_id]
    text = reference.tokenizer.decode(kept, skip_special_tokens=True)
    return Answer(question_ids, generated, text, first_logits, margins)
