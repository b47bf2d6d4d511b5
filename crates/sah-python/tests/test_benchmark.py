"""Benchmarks in Python run as all others."""

import json

import pytest

import colours
import sah


def test_rows_are_scored_resumed_and_reported(model, tmp_path):
    run = sah.bench(colours.Colours(), model, attention=["dense", "streaming_llm"], result_dir=tmp_path)
    rows = run.rows("dense").to_pandas()
    right = [row.answers[0] in row.predicted_answer.lower() for row in rows.itertuples()]
    assert len(rows) == 4 and run.metrics("dense")["overall_score"] == 25.0 * sum(right)
    assert [json.loads(row)["boat"] for row in rows.row] == list(colours.BOATS)
    assert run.report().exists()
    assert run.resume().exit_code == 0


def test_tokens_are_counted_while_rows_are_made(model, tmp_path):
    counted = []

    class Counts(colours.Colours):
        def rows(self, count):
            counted.append((count, count("The boat is yellow.")))
            return super().rows(count)

    sah.bench(Counts(), model, attention="dense", result_dir=tmp_path, max_samples=1)
    count, tokens = counted[0]
    assert 3 < tokens < 12
    with pytest.raises(RuntimeError, match="as long as"):
        count("The boat")


def test_what_is_wrong_with_a_row_is_said(model, tmp_path):
    class Wrong(colours.Colours):
        def rows(self, count):
            return [{"context": "a", "question": 1}]

    with pytest.raises(sah.Error, match="row 0: question must be a text, got 1") as raised:
        sah.bench(Wrong(), model, result_dir=tmp_path)
    assert raised.value.kind == "data"
