"""Finished runs in the form that kvpress's evaluation writes and its leaderboard reads."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import math
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union

from sah._kvpress_names import Press, model_of, press_of
from sah._run import Run

#: The data sets of kvpress that can be written, and where it loads them from.
_HUB = {
    "ruler": "simonjegou/ruler",
    "longbench": "Xnhyacinth/LongBench",
    "longbench-e": "Xnhyacinth/LongBench",
    "infinitebench": "MaxJeblick/InfiniteBench",
}
#: Why results of other benchmarks cannot be given as kvpress's.
_NOT_WRITTEN = {
    "loogle": "kvpress has a BERTScore, which is not computed here",
    "zeroscrolls": "kvpress scores none of its answers",
    "longbench-v2": "kvpress finds the chosen option by another rule",
    "aime2025": "kvpress reads the final answer by another rule",
    "needle": "kvpress hides another needle in other texts",
}
#: Columns of predictions.csv by benchmark, with those of raw_results.csv that they are made of.
_COLUMNS = {
    "ruler": {"answer": "answers"},
    "longbench": {name: name for name in ("answers", "all_classes", "length", "dataset", "language", "_id")},
    "infinitebench": {"answer": "answers"},
}
_SHARED_COLUMNS = ("task", "question", "answer_prefix", "max_new_tokens", "predicted_answer")
_LISTS = ("answers", "all_classes")
_RULER_TASKS = 13
#: Tasks of InfiniteBench that kvpress's scorer fails at, or where it calls every answer wrong: it expects right answers of other
#: types than the hub has, and no summaries.
_UNSCORED = ("code_debug", "code_run", "longbook_sum_eng", "math_calc", "math_find")

@dataclasses.dataclass(frozen=True)
class _Part:
    """The rows of an attention that kvpress evaluates at once, and their scores."""

    dataset: str
    data_dir: str
    rows: list[dict[str, str]]
    metrics: Any
    notes: list[str]


@dataclasses.dataclass(frozen=True)
class _Evaluation:
    """A folder of kvpress's evaluation."""

    attention: str
    folder: pathlib.Path
    predictions: list[dict[str, Any]]
    metrics: Any
    config: dict[str, Any]

    def write(self) -> pathlib.Path:
        self.folder.mkdir(parents=True)
        with (self.folder / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(self.predictions[0]))
            table.writeheader()
            table.writerows(self.predictions)
        (self.folder / "metrics.json").write_text(json.dumps(self.metrics, indent=4), encoding="utf-8")
        (self.folder / "config.yaml").write_text(_yaml(self.config), encoding="utf-8")
        return self.folder


def export_kvpress(
    run: Union[Run, str, os.PathLike[str]], out: Union[str, os.PathLike[str], None] = None
) -> list[pathlib.Path]:
    """Writes each attention of a finished run as kvpress's evaluation would have, and gives the folders.

    They go to `out`, `kvpress_results` by default, and kvpress's leaderboard reads them. kvpress scores one length of RULER, or
    one task of LongBench or InfiniteBench, at a time: each has a folder of its own. config.yaml says under `notes` what sets a
    result apart from kvpress's own.

    Retentions and presses have kvpress's names where kvpress has the same. Other retentions, and attentions, keep their names,
    with `sah_` before those that mean something else in kvpress.
    """
    return [evaluation.write() for evaluation in _evaluations(run, out)]


def main(arguments: Sequence[str]) -> int:
    """`python -m sah export`, with what stands behind it; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        evaluations = _evaluations(options.run, options.out)
        for evaluation in evaluations:
            print(evaluation.write())
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for note in dict.fromkeys(note for evaluation in evaluations for note in evaluation.config["notes"]):
        print(f"note: {note}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sah export", description="Write finished runs in the form of another program")
    forms = parser.add_subparsers(dest="form", metavar="FORM", required=True)
    kvpress = forms.add_parser(
        "kvpress",
        help="folders of kvpress's evaluation, for its leaderboard",
        description="Write a folder with predictions.csv, metrics.json and config.yaml, as kvpress's evaluation does, for each "
        "attention and each length of RULER or task of LongBench, LongBench-E and InfiniteBench. "
        "Standard error, and config.yaml under `notes`, say what sets a result apart from kvpress's own.",
    )
    kvpress.add_argument("run", metavar="RUN", help="the folder of a finished run, such as `benchmark_results/NAME`")
    kvpress.add_argument("--out", metavar="DIR", help="where the folders go; `kvpress_results` by default")
    return parser


def _evaluations(
    run: Union[Run, str, os.PathLike[str]], out: Union[str, os.PathLike[str], None]
) -> list[_Evaluation]:
    run = run if isinstance(run, Run) else Run(run)
    out = pathlib.Path("kvpress_results" if out is None else out)
    if not run.attentions:
        raise ValueError(f"{run.path} has no results of a finished run")
    if run.path.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError(f"{out} is in the folder of the run, where its files would be taken for results; write elsewhere")
    evaluations = [one for attention in run.attentions for one in _of_attention(run, attention, out)]
    _check_folders(evaluations)
    return evaluations


def _check_folders(evaluations: list[_Evaluation]) -> None:
    """Fails where a folder exists, or would be written twice."""
    taken: dict[pathlib.Path, str] = {}
    for evaluation in evaluations:
        folder = evaluation.folder
        if folder.exists():
            raise FileExistsError(f"{folder} exists; nothing is overwritten, write elsewhere")
        if folder in taken:
            raise ValueError(f"{taken[folder]} and {evaluation.attention} would both be written to {folder}")
        taken[folder] = evaluation.attention


def _of_attention(run: Run, attention: str, out: pathlib.Path) -> list[_Evaluation]:
    config, metrics = run.config(attention), run.metrics(attention)
    benchmark = config["benchmark"]
    if benchmark not in _COLUMNS:
        why = _NOT_WRITTEN.get(benchmark, "kvpress has no such data set")
        raise ValueError(f"{benchmark} cannot be written as a result of kvpress: {why}; only {', '.join(_HUB)} can")
    for task, score in metrics["task_scores"].items():
        if isinstance(score, dict) and "error" in score:
            raise ValueError(f"{run.path / attention}: {task} has no score: {score['error']}")
    press = press_of(config, run.path / attention)
    rows = _rows(run.path / attention / "raw_results.csv")
    parts = _PARTS[benchmark](metrics["task_scores"], rows)
    return [_evaluation(attention, config, press, part, out) for part in parts]


def _evaluation(attention: str, config: dict[str, Any], press: Press, part: _Part, out: pathlib.Path) -> _Evaluation:
    fields = _config(config, press, part, out)
    columns = _COLUMNS[config["benchmark"]]
    predictions = [_prediction(row, columns, press.dropped) for row in part.rows]
    return _Evaluation(attention, out / _folder(fields), predictions, part.metrics, fields)


def _folder(fields: dict[str, Any]) -> str:
    """The name that kvpress gives the folder of such a config.yaml."""
    ratio = fields.get("head_compression_ratio", fields.get("compression_ratio"))
    model = fields["model"].replace("/", "--")
    parts = [fields["dataset"], fields["data_dir"], model, fields["press_name"], f"{ratio:.2f}"]
    if fields["max_context_length"] is not None:
        parts.append(f"max_context{fields['max_context_length']}")
    if fields["query_aware"]:
        parts.append("query_aware")
    if fields["key_channel_compression_ratio"] is not None:
        parts.append(f"key_channel_cr{fields['key_channel_compression_ratio']:.2f}")
    return "__".join(parts)


def _config(config: dict[str, Any], press: Press, part: _Part, out: pathlib.Path) -> dict[str, Any]:
    """config.yaml: the fields of kvpress's EvaluationConfig, and what else a reader has to know."""
    retention = config.get("retention") or {}
    decodes = "every" in retention
    return {
        "dataset": part.dataset,
        "data_dir": part.data_dir,
        "model": model_of(config),
        "device": config["device"],
        "press_name": press.name,
        "key_channel_compression_ratio": None,
        **press.ratios,
        "fraction": 1.0 if config["max_samples"] is None else None,
        "max_new_tokens": config["generation"]["max_new_tokens"],
        "max_context_length": config["limits"]["max_context_length"],
        "query_aware": config.get("retention_sees") == "question",
        "needle_depth": None,
        "compression_interval": retention["every"] if decodes else None,
        "target_size": retention.get("keys") if decodes else None,
        "hidden_states_buffer_size": None,
        "output_dir": str(out),
        "log_level": "INFO",
        "model_kwargs": {},
        "trust_remote_code": False,
        "press_init_command": press.init_command,
        "seed": config["seed"],
        "fp8": False,
        "sah_version": config["versions"]["sah"],
        "dtype": config["dtype"],
        "kv_dtype": config["kv_dtype"],
        "weights": config["weights"],
        "data": config["data"],
        "max_samples": config["max_samples"],
        "notes": [*_notes(config, part), *press.notes],
    }


def _notes(config: dict[str, Any], part: _Part) -> list[str]:
    """What sets a result apart from kvpress's own."""
    data, limits = config["data"], config["limits"]
    is_cut_elsewhere = limits["max_context_length"] is not None and limits["truncation"] != "head"
    failed = sum(bool(row["error"]) for row in part.rows)
    said = {
        f"max_samples is {config['max_samples']}: no more rows of each task were answered": config["max_samples"] is not None,
        f"data: rows are not those of {_HUB[part.dataset]}, which kvpress reads, but {_origin(data)}": data["source"] != "hub",
        f"{failed} of {len(part.rows)} rows of {part.dataset} {part.data_dir} have no answer, and count as wrong": failed > 0,
        "limits on new tokens are those of the benchmark's authors, not the rows'": config["answer_limits"] == "authors",
        "contexts that are too long lost their middle, not their end": is_cut_elsewhere,
        "prompts had no chat template": config["chat_template"]["mode"] == "never",
        f"tokens were sampled: {config['generation']['sampling']}": config["generation"]["sampling"] != "greedy",
        f"scores are means over {config.get('repeats')} answers to each row": config.get("repeats", 1) > 1,
        f"keys and values were kept as {config['kv_dtype']}": config["kv_dtype"].startswith("int"),
    }
    return [note for note, holds in said.items() if holds] + part.notes


def _origin(data: dict[str, Any]) -> str:
    return f"{data['source']} ({data['location']})" if data["location"] else str(data["source"])


def _ruler(scores: dict[str, Any], rows: list[dict[str, str]]) -> Iterator[_Part]:
    for length in dict.fromkeys(row["length"] for row in rows):
        there = [row for row in rows if row["length"] == length]
        tasks = sorted({row["task"] for row in there})
        metrics = {task: {"string_match": round(scores[task][length], 2)} for task in tasks}
        missing = [f"{len(tasks)} of RULER's {_RULER_TASKS} tasks were run"] if len(tasks) < _RULER_TASKS else []
        yield _Part("ruler", length, there, metrics, missing)


def _longbench(scores: dict[str, Any], rows: list[dict[str, str]]) -> Iterator[_Part]:
    for task, score in scores.items():
        there = [{**row, "task": task.removesuffix("_e")} for row in rows if row["task"] == task]
        if isinstance(score, dict):
            # A mean over no rows is NaN in kvpress.
            buckets = {bucket: math.nan if mean is None else round(mean, 2) for bucket, mean in score.items()}
            yield _Part("longbench-e", task, there, buckets, [])
        else:
            yield _Part("longbench", task, there, round(score, 2), [])


def _infinitebench(scores: dict[str, Any], rows: list[dict[str, str]]) -> Iterator[_Part]:
    for task, score in scores.items():
        there = [row for row in rows if row["task"] == task]
        note = f"{task}: kvpress's scorer does not work for it; the score is by the official rules"
        yield _Part("infinitebench", task, there, score, [note] if task in _UNSCORED else [])


_PARTS: dict[str, Callable[[dict[str, Any], list[dict[str, str]]], Iterator[_Part]]] = {
    "ruler": _ruler,
    "longbench": _longbench,
    "infinitebench": _infinitebench,
}


def _rows(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of raw_results.csv without their contexts. They are read as CSV, since Parquet needs a further package."""
    limit = csv.field_size_limit(1 << 30)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [{name: value for name, value in row.items() if name != "context"} for row in csv.DictReader(file)]
    finally:
        csv.field_size_limit(limit)


def _prediction(row: dict[str, str], columns: dict[str, str], dropped: float) -> dict[str, Any]:
    """A row of predictions.csv. Lists are written as Python shows them, as kvpress does."""
    made: dict[str, Any] = {name: row[name] for name in _SHARED_COLUMNS}
    for name, source in columns.items():
        made[name] = json.loads(row[source]) if source in _LISTS and row[source] else row[source]
    return {**made, "compression_ratio": dropped}


def _yaml(fields: dict[str, Any]) -> str:
    """A mapping as YAML: values are JSON, which YAML includes, with letters beyond ASCII as YAML escapes them."""
    return "".join(f"{name}: {_escaped(json.dumps(value, ensure_ascii=False))}\n" for name, value in fields.items())


def _escaped(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", lambda letter: f"\\U{ord(letter[0]):08x}", text)
