"""Finished runs in the form of kvpress's evaluation."""

import ast
import csv
import json
import subprocess
import sys

import pytest

import sah
from sah import _export, _kvpress_names

#: A run of a few rows.
SMALL = {"max_samples": 1, "max_context_length": 300, "run_name": "a"}
#: The names of kvpress for presets of ours that it calls otherwise, or that it lacks.
OTHER_NAMES = {
    "adakv_expected_attention": "expected_attention",
    "chunkkv_snapkv": "chunkkv",
    "criticalkv_snapkv": "critical_snapkv",
    "expected_attention": "sah_expected_attention",
}


def small(model, tmp_path, benchmark="longbench", **given):
    return sah.bench(benchmark, model, **{**SMALL, "result_dir": tmp_path, "subsets": "trec", **given})


def exported(*line):
    done = subprocess.run([sys.executable, "-m", "sah", "export", *map(str, line)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def predictions(folder):
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def config(folder):
    """config.yaml, whose values are JSON here."""
    lines = (folder / "config.yaml").read_text(encoding="utf-8").splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


def test_longbench_has_a_folder_for_each_task_and_attention(model, tmp_path):
    given = {"subsets": "trec,qasper_e", "attention": ["dense", "streaming_llm"], "retention": ["none", "snapkv"]}
    run = small(model, tmp_path, **given)
    made = sah.export_kvpress(run, tmp_path / "out")
    names = ("no_press__0.00", "snapkv__0.50", "sah_streaming_llm__0.00", "streaming_llm+snapkv__0.50")
    parts = ("longbench__trec", "longbench-e__qasper_e")
    expected = [f"{part}__smollm2-135m-instruct__{name}__max_context300" for name in names for part in parts]
    assert [folder.name for folder in made] == expected
    trec, qasper = made[2:4]
    scores = run.metrics("dense+snapkv")["task_scores"]
    assert json.loads((trec / "metrics.json").read_text()) == scores["trec"]
    buckets = json.loads((qasper / "metrics.json").read_text())
    assert buckets["0-4k"] == scores["qasper_e"]["0-4k"] and buckets["8k+"] != buckets["8k+"]
    row = predictions(trec)[0]
    assert "context" not in row and row["compression_ratio"] == "0.5" and row["task"] == "trec"
    assert ast.literal_eval(row["answers"]) == ["Date"] and "Date" in ast.literal_eval(row["all_classes"])
    row = predictions(qasper)[0]
    assert row["task"] == "qasper" and row["all_classes"] == "" and int(row["length"]) > 0


def test_config_says_what_was_run(model, tmp_path):
    run = small(model, tmp_path, attention="dense", retention="snapkv")
    (folder,) = sah.export_kvpress(run, tmp_path / "out")
    found = config(folder)
    assert found["dataset"] == "longbench" and found["data_dir"] == "trec" and found["model"] == "smollm2-135m-instruct"
    assert found["press_name"] == "snapkv" and found["compression_ratio"] == 0.5 and found["fraction"] is None
    assert json.loads(found["press_init_command"])["retention"]["rules"][0]["window"] == 64
    assert found["sah_version"] == sah.__version__ and found["max_samples"] == 1 and found["data"]["source"] == "sample"
    assert all(any(word in note for note in found["notes"]) for word in ("max_samples", "Xnhyacinth/LongBench"))
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load((folder / "config.yaml").read_text()) == found


def test_ruler_has_a_folder_for_each_length(model, tmp_path):
    given = {"subsets": "vt,niah_single_1", "lengths": [400, 512], "rows": 1, "max_samples": None, "max_context_length": None}
    run = small(model, tmp_path, "ruler", attention="dense", **given)
    made = sah.export_kvpress(run, tmp_path / "out")
    assert [folder.name.split("__")[:2] for folder in made] == [["ruler", "400"], ["ruler", "512"]]
    scores = run.metrics()["task_scores"]
    for folder, length in zip(made, ("400", "512")):
        found = json.loads((folder / "metrics.json").read_text())
        assert found == {task: {"string_match": scores[task][length]} for task in ("niah_single_1", "vt")}
        assert len(ast.literal_eval(predictions(folder)[0]["answer"])) > 0
        assert any("2 of RULER's 13 tasks" in note for note in config(folder)["notes"])


def test_the_command_writes_once_and_says_what_is_different(model, tmp_path):
    run = small(model, tmp_path, "infinitebench", subsets="passkey,code_run", attention="dense")
    code, out, err = exported("kvpress", run.path, "--out", tmp_path / "out")
    assert code == 0 and len(out.splitlines()) == 2
    assert "note: max_samples is 1" in err and "MaxJeblick/InfiniteBench" in err and "code_run: kvpress's scorer" in err
    code, out, err = exported("kvpress", run.path, "--out", tmp_path / "out")
    assert (code, out) == (1, "") and "nothing is overwritten" in err
    code, _, err = exported("kvpress", run.path, "--out", run.path / "out")
    assert code == 1 and "in the folder of the run" in err


def test_the_command_line_is_checked(tmp_path):
    code, out, _ = exported("--help")
    assert code == 0 and out.startswith("usage: python -m sah export")
    assert exported()[0] == 2 and exported("kvpress")[0] == 2 and exported("other", tmp_path)[0] == 2
    code, _, err = exported("kvpress", tmp_path / "none")
    assert code == 1 and "no results" in err


def test_other_benchmarks_are_an_error(model, tmp_path):
    run = small(model, tmp_path, "mock", subsets=None, max_context_length=None, attention="dense")
    with pytest.raises(ValueError, match="only ruler, longbench, longbench-e, infinitebench can"):
        sah.export_kvpress(run, tmp_path / "out")


def test_presets_have_the_names_of_kvpress():
    listed = subprocess.run([sys.executable, "-m", "sah", "retentions"], capture_output=True, text=True, check=True).stdout
    presets = dict(line.split(maxsplit=1) for line in listed.splitlines() if '{"ratio"' in line)
    assert "snapkv" in presets
    for preset, text in presets.items():
        dense = {"attention": None, "attention_name": f"dense+{preset}"}
        assert _kvpress_names._retention_name(dense, json.loads(text)) == OTHER_NAMES.get(preset, preset)
    other = {"ratio": 0.5, "rules": [{"type": "snapkv", "window": 32, "kernel": 5, "pooling": "mean"}]}
    assert _kvpress_names._retention_name({"attention": None, "attention_name": "dense+snapkv"}, other) == "sah_snapkv"


@pytest.mark.parametrize(
    ("described", "name"),
    [
        ("SnapKVPress(compression_ratio=0.5, window_size=64, kernel_size=5)", "snapkv"),
        ("AdaKVPress(press=ExpectedAttentionPress(compression_ratio=0.5, epsilon=0.01))", "expected_attention"),
        ("ExpectedAttentionPress(compression_ratio=0.5, epsilon=0.0)", "sah_expected_attention"),
        ("ComposedPress(presses=[KnormPress(compression_ratio=0.3), TOVAPress(compression_ratio=0.3)])", "composed_knorm_tova"),
        ("<mine.MyOwnPress object at 0x7f>", "my_own"),
    ],
)
def test_presses_have_the_names_of_kvpress(described, name, tmp_path):
    kind = "MyOwnPress" if described.startswith("<") else described.split("(")[0]
    given = {
        "attention": None,
        "attention_name": "dense",
        "model": {"name": f"org/name+{kind}(0.5)"},
        "warnings": [{"kind": "checkpoint", "message": f"keys of contexts are dropped by kvpress 0.5.5: {described}"}],
    }
    press = _kvpress_names.press_of(given, tmp_path)
    assert press.name == name and press.ratios == {"compression_ratio": 0.5} and press.init_command == described
    assert _kvpress_names.model_of(given) == "org/name"
