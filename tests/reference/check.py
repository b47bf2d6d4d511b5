"""Checks the reference itself against transformers and against cases worked out by hand. Prints one line a check."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

import model
from request import Question, Request, answer
from streaming_llm import StreamingLlm

# Neither border between context and question is one between tokens.
REQUEST = Request(
    "check",
    "A fox lives by a lake. Write a short sto",
    [Question("ry about how it learns to swim."), Question("ne about a fox.")],
)


def weights_equal_transformers(reference: model.ReferenceModel) -> None:
    """The weights are bit for bit those of transformers' own GGUF loader."""
    theirs = AutoModelForCausalLM.from_pretrained(
        str(reference.path.parent), gguf_file=reference.path.name, dtype=torch.float32
    ).state_dict()
    ours = reference.model.state_dict()
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    unequal = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert not unequal, unequal


def tokenizer_is_right(reference: model.ReferenceModel) -> None:
    """Digits stand alone, no BOS, the end of turn is `<|im_end|>`, and decoding gives the text back."""
    tokenizer = reference.tokenizer
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.tokenize("in 2024") == ["in", "Ġ", "2", "0", "2", "4"], tokenizer.tokenize("in 2024")
    assert tokenizer.encode("in") == tokenizer.encode("in", add_special_tokens=False)
    text = "  Straße ½ 12\t\r\n小林 👩‍🚀 don't<|im_end|>"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def split_decode_equals_generate(reference: model.ReferenceModel) -> None:
    """Prefill, question and decoding give the tokens of transformers' `apply_chat_template` and `generate` on the whole prompt."""
    response = answer(reference, REQUEST, sparse=None)
    assert response.border_tokens > 0
    for question, answered in zip(REQUEST.questions, response.answers, strict=True):
        prompt = response.context_ids + answered.question_ids
        message = {"role": "user", "content": REQUEST.context + question.text}
        whole = reference.tokenizer.apply_chat_template([message], add_generation_prompt=True)
        assert prompt == whole, (prompt, whole)
        output = reference.model.generate(
            torch.tensor([prompt]), do_sample=False, max_new_tokens=32, eos_token_id=reference.eos_token_id
        )
        assert output[0, len(prompt) :].tolist() == answered.generated_ids


def wide_window_equals_dense(reference: model.ReferenceModel) -> None:
    """StreamingLLM whose window holds everything gives dense logits; the real window does not."""
    dense, wide, narrow = (
        answer(reference, REQUEST, sparse).answers[0].first_logits
        for sparse in (None, StreamingLlm(local_window=10_000), StreamingLlm(sink_size=1, local_window=2))
    )
    assert (dense - wide).abs().max() < 1e-4, (dense - wide).abs().max()
    assert (dense - narrow).abs().max() > 0.1, (dense - narrow).abs().max()


def visible_keys_by_hand(_: model.ReferenceModel) -> None:
    """Small masks: the plain case, and the caches that are short enough to be dense."""
    attention = StreamingLlm(sink_size=2, local_window=3)

    def rows(queries: int, keys: int) -> list[str]:
        return ["".join("#" if seen else "." for seen in row) for row in attention.visible(queries, keys).tolist()]

    assert rows(2, 8) == ["##..###.", "##...###"]
    assert rows(1, 6) == ["##.###"]
    # K <= local_window + Q: dense, though the last row alone would skip key 2.
    assert rows(3, 6) == ["####..", "#####.", "######"]
    assert rows(1, 4) == ["####"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=model.DEFAULT_MODEL, help="GGUF file (default: %(default)s)")
    reference = model.load(parser.parse_args().model)
    for check in (
        visible_keys_by_hand,
        tokenizer_is_right,
        weights_equal_transformers,
        split_decode_equals_generate,
        wide_window_equals_dense,
    ):
        check(reference)
        print(f"ok: {check.__name__}")


if __name__ == "__main__":
    main()
