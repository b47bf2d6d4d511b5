"""Retentions in Python keep what their twins in Rust keep."""

import pytest
import torch

import sah
import small_norms
from test_masker import CONTEXT, QUESTION


def answer(model, retention):
    return model.generate(QUESTION, CONTEXT, retention=retention, answer_tokens=8)[0]


def test_small_norms_are_those_of_the_preset(model):
    ours = answer(model, {"mine": {"ratio": 0.7, "rules": [small_norms.SmallNorms()]}})
    theirs = model.generate(QUESTION, CONTEXT, retention="knorm", set="retention:ratio=0.7", answer_tokens=8)[0]
    assert ours.text == theirs.text
    assert ours.context["kept_keys"] == theirs.context["kept_keys"]
    assert ours.context["kept"] == pytest.approx(0.3, abs=0.01)


def test_it_is_told_what_it_asks_for(model):
    seen = []

    class Looks(sah.Retention):
        queries = 16
        weights = True

        def scores(self, keys, values, context):
            seen.append((context.queries.shape[2], context.weights.shape[1] == keys.shape[2], context.layer))
            return context.weights.view(keys.shape[1], -1, keys.shape[2]).sum(1)

    answer(model, Looks())
    assert {(queries, fits) for queries, fits, _ in seen} == {(16, True)}
    assert [layer for *_, layer in seen] == list(range(30))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda keys: keys, "scores must be [Hkv, n]"),
        (lambda keys: torch.full(keys.shape[1:3], float("nan")), "some scores are NaN"),
        (lambda keys: None, "expected a torch.Tensor"),
    ],
)
def test_what_is_wrong_is_said(model, made, words):
    class Wrong(sah.Retention):
        def scores(self, keys, values, context):
            return made(keys)

    with pytest.raises(sah.Error) as raised:
        answer(model, Wrong())
    assert words in str(raised.value)
