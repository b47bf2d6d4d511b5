"""Benchmarks by the names of their classes, which other processes find again."""

import json
import shutil
import subprocess
import sys

import pytest

import colours
import sah


def line(*words, cwd=None):
    """`python -m sah` in a process of its own."""
    return subprocess.run([sys.executable, "-m", "sah", *map(str, words)], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path, examples):
    """A folder with a benchmark, which tests may change."""
    shutil.copy(examples / "colours.py", tmp_path)
    return tmp_path


def run(folder, name="a", *words):
    made = line("bench", "colours.py:Colours", "--attention=dense", "--result-dir=runs", f"--run-name={name}", *words, cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "runs" / name


def test_a_run_names_the_class_and_its_file(folder, model, tmp_path):
    made = run(folder)
    config = sah.Run(made).config()
    assert config["benchmark"] == "colours.py:Colours"
    assert list(config["metric_files"]) == [str(folder / "colours.py")]
    ours = sah.bench(colours.Colours(), model, attention="dense", result_dir=tmp_path / "ours")
    assert sah.Run(made).metrics()["task_scores"] == ours.metrics()["task_scores"]


def test_other_processes_find_it_from_elsewhere(folder, tmp_path_factory):
    made, other, elsewhere = run(folder), run(folder, "b", "--max-samples=2"), tmp_path_factory.mktemp("elsewhere")
    shutil.rmtree(made / "dense")
    for words in (["bench", "--resume", made], ["report", made], ["compare", made, made], ["report", made, "--out", elsewhere]):
        done = line(*words, cwd=elsewhere)
        assert done.returncode == 0, done.stderr
    assert (made / "report" / "report.html").exists() and (elsewhere / "report.html").exists()
    assert sah.report(made, other, out=elsewhere / "both") == 0
    assert sah.resume(made).exit_code == 0


def test_processes_of_a_matrix_find_it(folder):
    made = run(folder, "a", "--jobs=1", "--max-samples=1")
    assert len(sah.Run(made).rows()) == 1


def test_a_file_that_changed_is_refused(folder):
    made = run(folder)
    (made / "dense" / "metrics.json").unlink()
    with open(folder / "colours.py", "a") as file:
        file.write("\n# changed\n")
    resumed = line("bench", "--resume", made)
    assert resumed.returncode == 1 and "metric_files" in resumed.stderr and "colours.py" in resumed.stderr


def test_a_file_that_moved_is_found_in_the_current_folder(folder, tmp_path_factory, examples):
    made, elsewhere = run(folder), tmp_path_factory.mktemp("elsewhere")
    (folder / "colours.py").unlink()
    gone = line("report", made, cwd=elsewhere)
    assert gone.returncode == 2 and "put colours.py into the current folder" in gone.stderr
    assert line("report", made, cwd=examples).returncode == 0


def test_a_class_of_a_module(folder):
    words = ["--attention=dense", "--max-samples=1", "--result-dir=runs", "--run-name=m"]
    made = line("bench", "colours:Colours", *words, cwd=folder)
    assert made.returncode == 0, made.stderr
    assert sah.Run(folder / "runs" / "m").config()["benchmark"] == "colours:Colours"
    assert line("report", "runs/m", cwd=folder).returncode == 0


def test_python_takes_the_name_too(model, tmp_path, examples):
    named = sah.bench(f"{examples / 'colours.py'}:Colours", model, attention="dense", max_samples=1, result_dir=tmp_path)
    assert named.report().exists() and named.resume().exit_code == 0
    assert json.loads((named.path / "run.json").read_text())["arguments"][1] == "colours.py:Colours"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.py:Colours", "there is no such file"),
        ("colours.py:Colors", "has no class Colors"),
        ("colours.py:Colours,longbench", "runs alone"),
        ("pathlib:PurePath", "is no sah.Benchmark"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(folder, name, said):
    wrong = line("bench", name, cwd=folder)
    assert wrong.returncode == 2 and said in wrong.stderr and "Traceback" not in wrong.stderr
    with pytest.raises(sah.UsageError):
        sah.bench(name)


def test_predictions_are_not_scored_by_a_class(folder):
    wrong = line("score", "colours.py:Colours", "--predictions", "x.jsonl", cwd=folder)
    assert wrong.returncode == 2 and "call its score()" in wrong.stderr


def test_a_file_that_changed_in_this_process_is_refused(folder, model):
    place = f"{folder / 'colours.py'}:Colours"
    sah.bench(place, model, attention="dense", max_samples=1, result_dir=folder / "runs")
    with open(folder / "colours.py", "a") as file:
        file.write("\n# changed\n")
    with pytest.raises(sah.UsageError, match="start a new process"):
        sah.bench(place, model, attention="dense", max_samples=1, result_dir=folder / "runs")


def test_two_files_of_one_name_are_not_confused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "colours.py").write_text((folder / "colours.py").read_text().replace("100.0", "1.0"))
    wrong = line("compare", run(folder), run(other))
    assert wrong.returncode == 2 and "name one run at a time" in wrong.stderr
