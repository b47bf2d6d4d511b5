#!/usr/bin/env python3
"""Reads the Parquet files of a run with pandas, polars and DuckDB, and holds each against raw_results.csv.

    tests/reference/venv.sh results
    .venv-results/bin/python tests/reference/read_results.py benchmark_results/RUN

Lists must be lists of texts, figures numbers, and missing values missing. Ends with 1 where anything differs.
"""

import csv
import json
import math
import pathlib
import sys

import duckdb
import pandas
import polars

LISTS = ["answers", "all_classes"]
INTEGERS = ["length", "max_new_tokens", "group_size", "context_tokens", "truncated_tokens", "border_tokens", "question_tokens", "generated_tokens"]
FIGURES = ["prefill_seconds", "question_seconds", "decode_seconds", "density"]


def wanted(folder):
    """The rows of raw_results.csv with the types of docs/results-format.md."""
    csv.field_size_limit(1 << 30)
    with open(folder / "raw_results.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name, read in [(LISTS, json.loads), (INTEGERS, int), (FIGURES, float)]:
            for column in name:
                row[column] = read(row[column]) if row[column] else None
    return rows


def plain(value):
    """Without the types of a library."""
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return list(value) if hasattr(value, "__len__") and not isinstance(value, (str, list)) else value


def with_pandas(path):
    return pandas.read_parquet(path).to_dict("records")


def with_polars(path):
    return polars.read_parquet(path).to_dicts()


def with_duckdb(path):
    found = duckdb.sql(f"select * from '{path}'")
    return [dict(zip(found.columns, row)) for row in found.fetchall()]


def types(path):
    """The types of columns of lists, as each library names them."""
    schema = polars.read_parquet_schema(path)
    described = {name: kind for name, kind, *_ in duckdb.sql(f"describe select * from '{path}'").fetchall()}
    for column in LISTS:
        assert schema[column] == polars.List(polars.String), schema[column]
        assert described[column] == "VARCHAR[]", described[column]
    for column in INTEGERS:
        assert schema[column] == polars.Int64 and described[column] == "BIGINT", column
    for column in FIGURES:
        assert schema[column] == polars.Float64 and described[column] == "DOUBLE", column


def check_rows(folder):
    path = folder / "raw_results.parquet"
    types(path)
    expected = wanted(folder)
    for library, read in [("pandas", with_pandas), ("polars", with_polars), ("DuckDB", with_duckdb)]:
        rows = read(path)
        assert len(rows) == len(expected), f"{library}: {len(rows)} rows, not {len(expected)}"
        for number, (row, right) in enumerate(zip(rows, expected)):
            assert list(row) == list(right), f"{library}: columns {list(row)}"
            for column, value in right.items():
                # An empty field is an empty text or null.
                found = plain(row[column])
                assert found == value or (value == "" and found is None), f"{library}: row {number}, {column}: {found!r}, not {value!r}"
        print(f"{folder}: {library} reads {len(rows)} rows of {len(expected[0])} columns")


def check_micro_metrics(folder):
    path = folder / "micro_metrics.parquet"
    if not path.exists():
        return
    lines = [json.loads(line) for line in (folder / "micro_metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    errors = [line for line in lines if line["metric"] == "research_attention_output_error"]
    heads = [(line["metadata"]["layer_idx"], head, error) for line in errors for head, error in enumerate(line["metadata"]["heads"])]
    means = {}
    for layer, head, error in heads:
        if error is not None:
            means.setdefault((layer, head), []).append(error)
    means = {key: sum(values) / len(values) for key, values in means.items()}
    of_pandas = pandas.read_parquet(path).groupby(["layer", "head"]).output_error.mean().dropna()
    of_duckdb = duckdb.sql(f"select layer, head, avg(output_error) from '{path}' group by all").fetchall()
    of_polars = polars.read_parquet(path).group_by("layer", "head").agg(polars.col("output_error").mean()).rows()
    for found in [dict(of_pandas), *({(layer, head): mean for layer, head, mean in rows if mean is not None} for rows in (of_duckdb, of_polars))]:
        assert found.keys() == means.keys() and all(math.isclose(found[key], mean) for key, mean in means.items())
    print(f"{folder}: means of {len(means)} heads, {len(heads)} measurements")


def main():
    folders = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/raw_results.parquet"))
    assert folders, f"{sys.argv[1]} is no run"
    for folder in folders:
        check_rows(folder)
        check_micro_metrics(folder)


if __name__ == "__main__":
    main()
