"""Runs from Python are those of the command line."""

import json
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

import sah
import streaming

#: A run of a few rows.
SMALL = {"subsets": "trec", "max_samples": 2, "max_context_length": 300}


def small(tmp_path, **given):
    return sah.bench("longbench", **{**SMALL, "result_dir": tmp_path, "run_name": "a", **given})


def without_times(value):
    """JSON without what two runs cannot have alike."""
    if isinstance(value, dict):
        return {
            name: without_times(item)
            for name, item in value.items()
            if not any(word in name for word in ("seconds", "time", "memory", "per_second", "argv", "directory"))
        }
    return [without_times(item) for item in value] if isinstance(value, list) else value


def files(folder: pathlib.Path) -> dict[str, object]:
    read = {}
    for path in sorted(folder.rglob("*.json")):
        read[str(path.relative_to(folder))] = without_times(json.loads(path.read_text()))
    return read


def test_the_command_line_gives_the_same_files(model, tmp_path):
    ours = small(tmp_path / "python", model=model, attention=["dense", "streaming_llm"])
    line = ["bench", "longbench", "--subsets=trec", "--max-samples=2", "--max-context-length=300"]
    line += ["--attention=dense,streaming_llm", f"--result-dir={tmp_path / 'line'}", "--run-name=a"]
    subprocess.run([sys.executable, "-m", "sah", *line], check=True)
    found, expected = files(ours.path), files(tmp_path / "line" / "a")
    found.pop("run.json"), expected.pop("run.json")
    assert found == expected
    rows = [(run.path / "dense" / "raw_results.csv").read_text().splitlines()[0] for run in (ours, sah.Run(tmp_path / "line" / "a"))]
    assert rows[0] == rows[1]


def test_a_run_has_rows_scores_and_a_report(model, tmp_path):
    run = small(tmp_path, model=model, attention=["dense", streaming.Streaming()])
    assert run.attentions == ["Streaming", "dense"] and run.exit_code == 0
    assert len(run.rows("dense")) == 2
    pandas = pytest.importorskip("pandas")
    frame = run.rows("Streaming").to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == run.rows("Streaming").column_names
    assert run.config("Streaming")["attention"]["maskers"][0]["class"] == "streaming:Streaming"
    assert "trec" in run.metrics("dense")["task_scores"]
    assert run.report().exists()
    with pytest.raises(ValueError, match="name one"):
        run.rows()


def test_a_method_that_raises_costs_its_own_rows(model, tmp_path):
    class Raises(sah.Masker):
        def select(self, queries, keys, values, layer, previous):
            raise ValueError("no idea")

    run = small(tmp_path, model=model, attention=["dense", Raises()])
    assert run.exit_code == 3
    assert "ValueError: no idea" in (run.path / "Raises" / "raw_results.csv").read_text()
    assert "no idea" not in (run.path / "dense" / "raw_results.csv").read_text()


def test_errors_are_exceptions(tmp_path):
    with pytest.raises(sah.UsageError, match="did you mean"):
        small(tmp_path, modle="x")
    with pytest.raises(sah.UsageError, match="there is no"):
        small(tmp_path, attention="no_such.py:Idea")
    with pytest.raises(sah.Error) as raised:
        small(tmp_path, model=str(tmp_path / "none"))
    assert raised.value.kind in ("model", "other")


def test_ctrl_c_ends_after_the_context_and_resume_goes_on(model, tmp_path):
    steps = []

    def progress(step):
        if step.step == "begins" and not steps:
            threading.Thread(target=lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
        steps.append(step)

    with pytest.raises(KeyboardInterrupt):
        small(tmp_path, model=model, attention=["dense", streaming.Streaming()], progress=progress, max_samples=3)
    run = sah.resume(tmp_path / "a", model, attention=[streaming.Streaming()])
    assert run.exit_code == 0 and len(run.rows("Streaming")) == 3


def test_the_command_line_takes_a_class_of_a_file(tmp_path, examples):
    line = ["bench", "longbench", "--subsets=trec", "--max-samples=1", "--max-context-length=200"]
    line += [f"--attention={examples / 'streaming.py'}:Streaming", f"--result-dir={tmp_path}", "--run-name=a"]
    subprocess.run([sys.executable, "-m", "sah", *line], check=True)
    config = json.loads((tmp_path / "a" / "Streaming" / "config.json").read_text())
    assert config["attention"]["maskers"][0]["class"].endswith("streaming.py:Streaming")


def test_scores_are_a_table(model, tmp_path):
    run = small(tmp_path, model=model, attention=["dense", "streaming_llm"])
    scores = run.scores("dense").to_pandas()
    assert list(scores.columns) == ["task", "bucket", "score", "rows", "low", "high", "error"]
    (row,) = scores.itertuples()
    assert (row.task, row.score, row.rows) == ("trec", run.metrics("dense")["task_scores"]["trec"], 2)
    assert row.bucket is None and row.error is None and scores.low.isna().all()


def test_scores_of_buckets_and_repeats(model, tmp_path):
    given = {"attention": "dense", "max_samples": 2, "lengths": [512], "subsets": "niah_single_1", "result_dir": tmp_path}
    once = sah.bench("ruler", model, **given, run_name="once").scores().to_pandas()
    assert (once.task[0], once.bucket[0]) == ("niah_single_1", "512") and once.rows.isna().all()
    run = sah.bench("ruler", model, **given, repeats=2, temperature=0.7, run_name="twice")
    figures = run.metrics()["repeats"]["figures"]["niah_single_1 512"]
    twice = run.scores().to_pandas()
    assert twice.rows[0] == 2 and twice.low[0] == figures["mean"]["low"] and twice.high[0] == figures["mean"]["high"]


def test_calls_are_a_table_of_every_library(model, tmp_path):
    run = small(tmp_path, model=model, attention=["dense", "streaming_llm"], micro_metrics=0.2)
    calls = run.calls("streaming_llm")
    count, frame = len(calls), calls.to_pandas()
    assert len(frame) == count and frame.call_density.between(0, 1).all() and set(frame.task) == {"trec"}
    table = pytest.importorskip("pyarrow").table(calls)
    assert table.num_rows == count and table.column_names == calls.column_names


def test_calls_open_in_polars(model, tmp_path):
    polars = pytest.importorskip("polars")
    calls = small(tmp_path, model=model, attention=["streaming_llm"], micro_metrics=0.2).calls("streaming_llm")
    frame = calls.to_polars()
    assert isinstance(frame, polars.DataFrame) and frame.columns == calls.column_names and len(frame) == len(calls)


def test_calls_open_in_duckdb(model, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    calls = small(tmp_path, model=model, attention=["streaming_llm"], micro_metrics=0.2).calls("streaming_llm")
    assert duckdb.sql("select count(*) from calls").fetchall() == [(len(calls),)]
