"""Presses of kvpress in our runner leave what they leave in kvpress's own pipeline."""

import copy

import pytest

import sah

torch = pytest.importorskip("torch")
kvpress = pytest.importorskip("kvpress")
transformers = pytest.importorskip("transformers")

CONTEXT = "".join(
    f"Berth {n} of the harbour was given to the {colour} ship in the year {1874 + n}.\n"
    for n, colour in enumerate(["red", "blue", "white", "green", "black"] * 12)
)
QUESTIONS = ["Q: Which ship has berth 7?\nA:", "Q: In which year was berth 31 given away?\nA:"]


@pytest.fixture(scope="module")
def loaded(default_model):
    model, tokenizer = default_model
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = None
    return model, tokenizer


@pytest.mark.parametrize(
    "press",
    [
        kvpress.SnapKVPress(0.5),
        kvpress.KnormPress(0.7),
        kvpress.ExpectedAttentionPress(0.5),
        kvpress.AdaKVPress(kvpress.SnapKVPress(0.5)),
        kvpress.StreamingLLMPress(0.5),
        # It changes keys and drops none.
        kvpress.ThinKPress(0.3),
        kvpress.ComposedPress([kvpress.KnormPress(0.3), kvpress.TOVAPress(0.3)]),
    ],
    ids=lambda press: type(press).__name__,
)
def test_answers_are_those_of_the_pipeline(press, loaded):
    model, tokenizer = loaded
    ours = sah.transformers(model, tokenizer, press=press, name="smollm2")
    answers = ours.generate(QUESTIONS, CONTEXT, max_new_tokens=24)
    tokens = answers[0].context["tokens"]
    pipeline = kvpress.KVPressTextGenerationPipeline(model=model, tokenizer=tokenizer)
    for question, answer in zip(QUESTIONS, answers):
        ids = torch.tensor([tokenizer(CONTEXT + question)["input_ids"]])
        given = {"context_ids": ids[:, :tokens], "questions_ids": [ids[:, tokens:]]}
        assert answer.text == pipeline._forward(given, max_new_tokens=24, press=press)[0]
    kept = answers[0].context["kept"]
    assert kept == pytest.approx(1.0 if isinstance(press, kvpress.ThinKPress) else 1.0 - press.compression_ratio, abs=0.02)


def test_layers_that_keep_different_numbers_of_keys_are_read_as_token_by_token(loaded):
    model, tokenizer = loaded
    press = kvpress.PyramidKVPress(0.5)
    answer = sah.transformers(model, tokenizer, press=press).generate(QUESTIONS[0], CONTEXT, max_new_tokens=16)[0]
    ids = torch.tensor([tokenizer(CONTEXT + QUESTIONS[0])["input_ids"]])
    tokens, cache, new = answer.context["tokens"], transformers.DynamicCache(), []
    with torch.no_grad():
        with press(model):
            model.model(input_ids=ids[:, :tokens], past_key_values=cache)
        assert len({layer.keys.shape[2] for layer in cache.layers}) > 1
        # In one call kvpress reads all layers under the mask of the first one's length.
        for place in range(tokens, ids.shape[1] + 16):
            token = ids[:, place : place + 1] if place < ids.shape[1] else torch.tensor([new[-1:]])
            logits = model(input_ids=token, past_key_values=cache, position_ids=torch.tensor([[place]])).logits
            if place >= ids.shape[1] - 1:
                new.append(int(logits[0, -1].argmax()))
    assert answer.text == tokenizer.decode(new[:16], skip_special_tokens=True)


def test_a_run_with_a_press_says_so(loaded, tmp_path):
    model, tokenizer = loaded
    ours = sah.transformers(model, tokenizer, press=kvpress.SnapKVPress(0.5), name="smollm2")
    given = {"subsets": "trec", "max_samples": 1, "max_context_length": 300, "result_dir": tmp_path, "run_name": "a"}
    run = sah.bench("longbench", ours, attention="dense", **given)
    config = run.config("dense")
    assert config["model"]["name"] == "smollm2+SnapKVPress(0.5)"
    assert any("SnapKVPress(compression_ratio=0.5" in warning["message"] for warning in config["warnings"])
    assert run.report().exists()


def test_what_does_not_go_with_a_press_is_an_error(loaded):
    model, tokenizer = loaded
    ours = sah.transformers(model, tokenizer, press=kvpress.KnormPress(0.5))
    with pytest.raises(sah.Error, match="does not go with a retention"):
        ours.generate(QUESTIONS[0], CONTEXT, retention="snapkv", max_new_tokens=2)
    for press in (
        kvpress.KeyRerotationPress(kvpress.KnormPress(0.5)),
        kvpress.DecodingPress(kvpress.KnormPress()),
        kvpress.ComposedPress([kvpress.KeyRerotationPress(kvpress.KnormPress(0.5))]),
    ):
        with pytest.raises(ValueError, match="moves keys, or drops keys of answers"):
            sah.transformers(model, tokenizer, press=press)
