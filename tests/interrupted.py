#!/usr/bin/env python3
"""A run that is interrupted several times must equal one that is not, byte for byte but for times.

    python3 tests/interrupted.py [--benchmark longbench] [--interruptions 3] [--keep FOLDER] -- BENCH-ARGUMENTS

runs `cargo xtask bench BENCHMARK BENCH-ARGUMENTS` twice: once undisturbed, once with Ctrl-C after every quarter (at three
interruptions) of the rows and `--resume`; --keep keeps both, as `whole` and `cut`. Prints the time that the undisturbed run
spent outside of the model, too. Ends with 1 if anything differs.
"""

import argparse
import contextlib
import json
import pathlib
import signal
import sys
import tempfile
import time

from faults import lines, rows, start, table

# Files of a run that hold no times.
FILES = ["metrics.json", "config.json"]


def attentions(run):
    return sorted(path.name for path in run.iterdir() if (path / "journal.jsonl").exists())


def calls(run, attention):
    """The micro metrics without the times at which they were measured."""
    path = run / attention / "micro_metrics.jsonl"
    return [json.loads(line) | {"timestamp": None} for line in path.open()] if path.exists() else None


def finish(process, allowed):
    output, _ = process.communicate()
    if process.returncode not in allowed:
        sys.exit(f"ended with {process.returncode}\n{output[-2000:]}")
    return process.returncode


def overhead(run):
    """Seconds of the run, and those that were not spent in the model."""
    total = model = 0
    for attention in attentions(run):
        total += json.loads((run / attention / "detailed_results.json").read_text())["run_seconds"]
        for line in lines(run, attention):
            answered = json.loads(line)["rows"]
            model += answered[0]["stats"]["context"]["prefill_seconds"]
            answers = [a for r in answered for a in (r["stats"]["answer"], r["stats"].get("reasoning")) if a]
            model += sum(answer["question_seconds"] + answer["decode_seconds"] for answer in answers)
    return total, total - model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", default="longbench", metavar="NAME")
    parser.add_argument("--interruptions", type=int, default=3)
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    with contextlib.nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as folder:
        whole, cut = (pathlib.Path(folder, name) for name in ("whole", "cut"))
        place = lambda run: ["--result-dir", folder, "--run-name", run.name]
        begin = lambda run: start(given.arguments + place(run), given.benchmark)
        go_on = lambda run: start(["--resume", str(run)], given.benchmark)
        finish(begin(whole), [0])
        contexts = sum(len(lines(whole, attention)) for attention in attentions(whole))
        done, codes = 0, []
        for number in range(given.interruptions):
            process = go_on(cut) if (cut / "run.json").exists() else begin(cut)
            target = contexts * (number + 1) // (given.interruptions + 1)
            while process.poll() is None and done < target:
                time.sleep(0.2)
                done = sum(len(lines(cut, a)) for a in attentions(cut)) if cut.exists() else 0
            process.send_signal(signal.SIGINT)
            codes.append(finish(process, [0, 130]))
        finish(go_on(cut), [0])
        differences = []
        for attention in attentions(whole):
            for what, read in [("journal", rows), ("raw_results.csv", table), ("micro_metrics.jsonl", calls)]:
                if read(whole, attention) != read(cut, attention):
                    differences.append(f"{attention}: {what}")
            for name in FILES:
                one, other = (run / attention / name for run in (whole, cut))
                if one.exists() != other.exists() or (one.exists() and one.read_bytes() != other.read_bytes()):
                    differences.append(f"{attention}: {name}")
        total, outside = overhead(whole)
        answered = sum(len(rows(whole, attention)) for attention in attentions(whole))
        print(f"{answered} rows in {contexts} contexts, {', '.join(attentions(whole))}; interrupted with exit codes {codes}")
        print(f"{total:.1f} s, {outside:.2f} s of them ({100 * outside / total:.2f} %) not in the model")
        print("\n".join(differences) or "no differences")
        sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
