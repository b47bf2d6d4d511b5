"""Maskers in Python select what their twins in Rust select, and what they return is checked."""

import pytest
import torch

import sah
import streaming

CONTEXT = "The harbour of Marigold has four piers. " * 40 + "The lighthouse keeper is called Ines. " + "Boats come and go. " * 40
QUESTION = "What is the lighthouse keeper called?"


def answer(model, attention, **options):
    return model.generate(QUESTION, CONTEXT, attention=attention, answer_tokens=12, **options)[0]


def test_sinks_and_a_window_are_those_of_the_preset(model):
    ours = answer(model, streaming.Streaming())
    theirs = answer(model, "streaming_llm")
    assert ours.text == theirs.text
    assert ours.stats["density"] == theirs.stats["density"]
    assert theirs.text != answer(model, "dense").text, "the window makes no difference here"


def test_the_best_keys_are_those_of_the_preset(model):
    config = {"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 16}, streaming.BestKeys(0.05)]}
    twin = {"maskers": [*config["maskers"][:2], {"type": "oracle_top_k", "heavy_size": {"fraction": 0.05}}]}
    ours, theirs = answer(model, config), answer(model, {"twin": twin})
    assert ours.text == theirs.text
    assert ours.stats["density"] == theirs.stats["density"]


class Returns(sah.Masker):
    """What a function makes of the arguments."""

    def __init__(self, function):
        self._function = function

    def select(self, queries, keys, values, layer, previous):
        return self._function(queries, keys, layer, previous)


def mask_of_window(queries, keys, layer, previous):
    rows, count = queries.shape[2], keys.shape[2]
    at = torch.arange(count - rows, count).view(-1, 1)
    key = torch.arange(count)
    near = (key <= at) & ((key > at - 64) | (key < 4))
    return near.expand(*queries.shape[:3], count)


@pytest.mark.parametrize(
    "function",
    [
        mask_of_window,
        lambda q, k, layer, p: sah.Pages(
            torch.arange(-(-k.shape[2] // 16)).expand(*q.shape[:3], -1), page_size=16
        ),
        lambda q, k, layer, p: sah.EVERYTHING,
        lambda q, k, layer, p: sah.Best(layer.scores(), k.shape[2]),
    ],
    ids=["mask", "pages", "everything", "best"],
)
def test_all_that_may_be_returned(model, function):
    found = answer(model, Returns(function))
    expected = answer(model, "streaming_llm" if function is mask_of_window else "dense")
    assert found.text == expected.text


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda q, k, layer, p: [1, 2], "it returned a list; return indices"),
        (lambda q, k, layer, p: torch.zeros(1), "a tensor of Float"),
        (lambda q, k, layer, p: torch.zeros(2, 2, dtype=torch.bool), "a mask must be"),
        (lambda q, k, layer, p: torch.full((*q.shape[:3], 2), 0), "twice"),
        (lambda q, k, layer, p: torch.full((*q.shape[:3], 1), k.shape[2]), "index"),
        (lambda q, k, layer, p: sah.Sampled(torch.zeros(1), torch.zeros(1)), "sampling = True"),
        (lambda q, k, layer, p: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda q, k, layer, p: None, "nothing is selected for query row 0"),
    ],
)
def test_what_is_wrong_is_said(model, function, words):
    with pytest.raises(sah.Error) as raised:
        answer(model, Returns(function))
    assert words in str(raised.value) and raised.value.kind == "model"


class Counts(sah.Masker):
    """Keeps how many keys it has seen in each layer."""

    def __init__(self):
        self._log = []

    def select(self, queries, keys, values, layer, previous):
        if layer.value is None:
            layer.value = Seen()
        self._log.append((layer.index, layer.value.keys, keys.shape[2]))
        layer.value.keys = keys.shape[2]
        return sah.EVERYTHING


class Seen:
    def __init__(self, keys=0):
        self.keys = keys

    def fork(self):
        return Seen(self.keys)

    def truncate(self, keys):
        self.keys = min(self.keys, keys)


def test_state_follows_the_cache(model):
    counts = Counts()
    model.generate([QUESTION, "How many piers are there?"], CONTEXT, attention=counts, answer_tokens=4)
    of_layer = [(before, now) for layer, before, now in counts._log if layer == 3]
    assert of_layer, "it was called"
    assert all(before == 0 or before == now - 1 or before < now for before, now in of_layer)
    assert any(before == now - 1 for before, now in of_layer), "tokens follow one another"


def test_state_that_cannot_follow_the_cache_is_an_error(model):
    class Keeps(sah.Masker):
        def select(self, queries, keys, values, layer, previous):
            layer.value = {}
            return sah.EVERYTHING

    with pytest.raises(sah.Error, match=r"a dict, has no fork\(\)"):
        answer(model, Keeps())
