"""Metrics of this project and of users, and benchmarks of rows and a metric."""

import json

import pytest

import sah

CONTEXT = "The boat Marigold is yellow. The boat Heron is grey. Ines keeps the lighthouse."
ROWS = [
    {"context": CONTEXT, "question": "Which colour has the boat Heron?", "answers": ["grey", "It is grey."], "task": "boats"},
    {"context": CONTEXT, "question": "Which colour has the boat Marigold?", "answers": ["yellow"], "task": "boats"},
    {"context": CONTEXT, "question": "Who keeps the lighthouse?", "answers": ["Ines keeps it", "Ines"], "task": "people"},
]
ROWS = [{**row, "max_new_tokens": 12} for row in ROWS]


class Length(sah.Metric):
    """Letters of the answer."""

    name = "length"

    def score(self, answer, answers, row):
        return float(len(answer))


@pytest.mark.parametrize("name", ["f1", "rouge_l", "contains_all", "edit_similarity", "bleu"])
def test_scores_are_those_of_bench_custom(model, tmp_path, name):
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    custom = sah.bench("custom", model, attention="dense", data=data, metric=name, result_dir=tmp_path, run_name="custom")
    ours = sah.bench(sah.benchmark("ours", ROWS, name), model, attention="dense", result_dir=tmp_path, run_name="ours")
    assert ours.metrics()["task_scores"] == custom.metrics()["task_scores"]
    assert ours.metrics()["overall_score"] == custom.metrics()["overall_score"]
    answers = custom.rows().to_pandas()
    assert list(answers.predicted_answer) == list(ours.rows().to_pandas().predicted_answer)
    metric = sah.metric(name)
    scores = [metric.score(answer, list(right), {}) for answer, right in zip(answers.predicted_answer, answers.answers)]
    assert (scores[0] + scores[1]) / 2 == custom.metrics()["task_scores"]["boats"]
    assert scores[2] == custom.metrics()["task_scores"]["people"]


def test_metrics_have_names_and_a_scale_of_100():
    assert sah.metric("f1").name == "f1"
    assert sah.metric("f1").score("It is Paris.", ["Rome", "Paris"], {}) == 50.0
    with pytest.raises(sah.UsageError, match="no metric \"rouge-L\"; did you mean rouge_l") as raised:
        sah.metric("rouge-L")
    assert raised.value.kind == "usage"
    with pytest.raises(sah.UsageError, match="there is f1, f1_ascii, "):
        sah.benchmark("boats", ROWS, "none")
    with pytest.raises(ValueError, match="a list of right answers, one at least, got 'Paris'"):
        sah.metric("f1").score("Paris", "Paris", {})


def test_meteor_needs_its_words(tmp_path):
    with pytest.raises(sah.UsageError, match="name the folder"):
        sah.metric("meteor")
    with pytest.raises(sah.UsageError, match="data.noun|index.noun"):
        sah.metric("meteor", wordnet=tmp_path)
    with pytest.raises(sah.UsageError, match="f1 looks no words up"):
        sah.metric("f1", wordnet=tmp_path)


def test_rows_may_be_made_later_and_scored_by_a_function_or_a_metric(model, tmp_path):
    def rows(count):
        return ({**row, "tokens": count(row["context"])} for row in ROWS)

    def score(answer, row):
        return row["tokens"] + len(answer)

    run = sah.bench(
        sah.benchmark("later", rows, score, tasks=["boats", "people"], about="what it is"),
        model,
        attention="dense",
        result_dir=tmp_path / "a",
    )
    lengths = sah.bench(sah.benchmark("later", iter(ROWS), Length()), model, attention="dense", result_dir=tmp_path / "b")
    assert list(lengths.metrics()["task_scores"]) == ["boats", "people"]
    difference = run.metrics()["task_scores"]["people"] - lengths.metrics()["task_scores"]["people"]
    assert 10 < difference < 40 and difference == int(difference)
    assert lengths.report().exists() and run.resume().exit_code == 0


def test_what_is_wrong_with_a_benchmark_is_said(model, tmp_path):
    with pytest.raises(ValueError, match="one word"):
        sah.benchmark("two words", ROWS, "f1")
    with pytest.raises(sah.Error, match="row 0: answers must be a list of texts, got 'grey'"):
        wrong = sah.benchmark("wrong", [{"context": "a", "question": "b", "answers": "grey"}], "f1")
        sah.bench(wrong, model, attention="dense", result_dir=tmp_path)


def test_right_answers_of_another_form_are_an_error():
    with pytest.raises(ValueError, match="a letter, A to D"):
        sah.metric("choice").score("E", ["E"], {})
