"""Models of transformers answer as they do there, and as our engine does where it runs them."""

import pytest

import sah
import streaming

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tiny  # noqa: E402

CONTEXT = (
    "The keeper of the lighthouse writes down every ship that passes, the hour, the weather and the colour of its flag. "
    "In the evening he reads the list aloud to his dog, who sleeps.\n"
) * 2
QUESTIONS = ["Who reads the list?", "Who sleeps, and where does the dog of the keeper live?"]
ORACLE = {"maskers": [{"type": "oracle_top_k", "heavy_size": 8}]}
STREAMING = {"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 16}]}


@pytest.fixture(scope="session")
def tokenizer(default_model, tmp_path_factory):
    """The tokenizer of the default model, without a chat template."""
    folder = tmp_path_factory.mktemp("tokenizer")
    default_model[1].save_pretrained(folder)
    made = transformers.AutoTokenizer.from_pretrained(folder)
    made.chat_template = None
    return made


def generated(model, tokenizer, ids, tokens=16):
    """What `generate` answers to a prompt, greedily."""
    out = model.generate(torch.tensor([ids]), max_new_tokens=tokens, do_sample=False)[0, len(ids) :]
    return tokenizer.decode(out, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def texts(answers):
    return [answer.text for answer in answers]


@pytest.mark.parametrize("name", tiny.SHARED)
def test_answers_are_those_of_generate_and_of_our_engine(name, tokenizer, tmp_path):
    model = tiny.model(name, len(tokenizer))
    ours = sah.transformers(model, tokenizer, name=name)
    dense = ours.generate(QUESTIONS, CONTEXT, max_new_tokens=16)
    prompts = [tokenizer(CONTEXT + question)["input_ids"] for question in QUESTIONS]
    assert texts(dense) == [generated(model, tokenizer, ids) for ids in prompts]

    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = sah.load(str(tmp_path))
    for attention in ({"streaming": STREAMING}, {"python": streaming.Streaming(4, 16)}, {"oracle": ORACLE}):
        here, there = (model.generate(QUESTIONS, CONTEXT, attention=attention, max_new_tokens=16) for model in (ours, engine))
        assert texts(here) == texts(there)
        assert [answer.stats["density"] for answer in here] == [answer.stats["density"] for answer in there]
    assert here[0].stats["density"] < 1.0


@pytest.mark.parametrize("name", tiny.HYBRID)
def test_layers_without_attention_stay_as_they_are(name, tokenizer):
    model = tiny.model(name, len(tokenizer))
    ours = sah.transformers(model, tokenizer, name=name)
    prompts = [tokenizer(CONTEXT + question)["input_ids"] for question in QUESTIONS]
    dense = ours.generate(QUESTIONS, CONTEXT, max_new_tokens=16)
    assert texts(dense) == [generated(model, tokenizer, ids) for ids in prompts]
    alone = ours.generate(QUESTIONS[0], CONTEXT, max_new_tokens=16)
    assert alone[0].text == dense[0].text
    sparse = ours.generate(QUESTIONS, CONTEXT, attention={"streaming": STREAMING}, max_new_tokens=16)
    assert all(answer.stats["density"] < 0.3 for answer in sparse)


@pytest.mark.parametrize(("name", "reason"), tiny.REFUSED.items())
def test_attention_of_other_kinds_is_refused(name, reason, tokenizer):
    with pytest.raises((ValueError, NotImplementedError), match=reason):
        sah.transformers(tiny.model(name, len(tokenizer)), tokenizer)


def test_a_model_that_does_more_than_it_says_is_refused(tokenizer):
    model = tiny.model("llama", len(tokenizer))
    attention = model.model.layers[1].self_attn
    before = attention.forward

    def forward(*given, **named):
        # A bias that transformers' own attention is given by the mask, and ours is not.
        mask = named.get("attention_mask")
        if model.config._attn_implementation != "sah":
            rows = named["hidden_states"].shape[1]
            mask = torch.full((1, 1, rows, rows), float("-inf")).triu(1) + torch.eye(rows) * 3
        return before(*given, **{**named, "attention_mask": mask})

    attention.forward = forward
    with pytest.raises(ValueError, match="does something that attention functions are not told"):
        sah.transformers(model, tokenizer)


def test_the_default_model_answers_the_same_here_and_there(default_model, model):
    theirs, tokenizer = default_model
    ours = sah.transformers(theirs, tokenizer, name="smollm2")
    context = "The harbour of Aldmere opened in 1874. " * 20 + "Its lighthouse is kept by Ada Quill.\n"
    questions = ["Who keeps the lighthouse?", "When did the harbour open?"]
    for attention in ("dense", {"streaming": {"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 64}]}}):
        here, there = (one.generate(questions, context, attention=attention, max_new_tokens=24) for one in (ours, model))
        assert texts(here) == texts(there)
    message = [{"role": "user", "content": context + questions[0]}]
    prompt = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert texts(ours.generate(questions, context, max_new_tokens=24))[0] == generated(theirs, tokenizer, ids, 24)


def test_a_model_in_memory_has_runs_that_are_resumed(tokenizer, tmp_path):
    ours = sah.transformers(tiny.model("qwen3", len(tokenizer)), tokenizer, name="tiny-qwen3")
    given = {"subsets": "trec", "max_samples": 2, "max_context_length": 200, "result_dir": tmp_path, "run_name": "a"}
    run = sah.bench("longbench", ours, attention=["dense", streaming.Streaming()], **given)
    config = run.config("dense")
    assert config["model"]["name"] == "tiny-qwen3" and config["model"]["format"] == "external"
    assert config["model"]["source"].startswith("transformers ") and len(config["model"]["hash"]) == 64
    (run.path / "Streaming" / "metrics.json").unlink()
    other = tiny.model("qwen3", len(tokenizer))
    other.lm_head.weight.data.mul_(2)
    with pytest.raises(sah.Error, match="model.hash"):
        sah.resume(run, sah.transformers(other, tokenizer, name="tiny-qwen3"), attention=[streaming.Streaming()])
    assert sah.resume(run, ours, attention=[streaming.Streaming()]).exit_code == 0


def test_what_has_no_effect_is_an_error(tokenizer, tmp_path):
    ours = sah.transformers(tiny.model("llama", len(tokenizer)), tokenizer, name="tiny")
    for options in ({"dtype": "bf16"}, {"weights": "bf16"}, {"revision": "main"}, {"rope_theta": 1000.0}):
        with pytest.raises((sah.Error, sah.UsageError)):
            ours.generate("Who?", "A context.", max_new_tokens=2, **options)
    with pytest.raises(sah.Error, match="which one that another library runs cannot give"):
        ours.generate("Who?", CONTEXT, retention="expected_attention", max_new_tokens=2)
