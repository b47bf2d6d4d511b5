#!/usr/bin/env python3
"""Faults that a run of `cargo xtask bench longbench` must survive, one after another.

A small run of the default model (two attentions, six rows each) is killed at random moments, interrupted, stopped, started
twice, given too little memory, and finds its journal cut, its disk full or read-only, its clock turned; then it goes on with
`--resume`. Every row that a journal held must stay in it as it was, none may be there twice, and a run that got to its end
must have the rows, scores and files of an undisturbed one. A model whose weights are no numbers must say so in every row.

    python3 tests/faults.py [--faults 200] [--seed 1]

Needs nothing but Python's standard library. The full and the read-only disk need the right to mount a tmpfs, the clock needs
Debian's libfaketime; what is not there is reported as not tried. Ends with 1 if a row was lost or doubled or a result differs.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ATTENTIONS = ["dense", "streaming_llm"]
BENCH = ["cargo", "xtask", "bench"]
SMALL = "--subsets qasper,trec,passage_retrieval_en --max-samples 2 --answer-tokens 2 --max-context-length 96".split()
OF_ANSWER = ["question_seconds", "decode_seconds"]
TIMES = ["prefill_seconds", *OF_ANSWER, *(f"reasoning_{seconds}" for seconds in OF_ANSWER)]


FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
MODEL = ROOT / ".models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"


def start(arguments, benchmark="longbench", memory=None, **environment):
    """Starts `bench BENCHMARK`, with at most `memory` bytes of address space."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))) if memory else None
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(BENCH + [benchmark] + arguments, cwd=ROOT, preexec_fn=limit, env=os.environ | environment, **pipes)


def lines(run, attention):
    """The whole lines of a journal, of rows that have an answer; others are tried again."""
    try:
        data = (run / attention / "journal.jsonl").read_bytes()
    except FileNotFoundError:
        return []
    whole = data[: data.rfind(b"\n") + 1].splitlines()
    return [line for line in whole if not any(row["error"] for row in json.loads(line)["rows"])]


def rows(run, attention):
    """The rows of a journal without their times, in order."""
    found = [row for line in lines(run, attention) for row in json.loads(line)["rows"]]
    for row in found:
        row["stats"]["context"].pop("prefill_seconds")
        for answer in (row["stats"]["answer"], row["stats"].get("reasoning") or {}):
            for seconds in OF_ANSWER:
                answer.pop(seconds, None)
    return found


def table(run, attention):
    with open(run / attention / "raw_results.csv", encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


class Faults:
    """One run after another, with faults until each is at its end."""

    def __init__(self, folder, seed):
        self.folder, self.random, self.runs = folder, random.Random(seed), 0
        self.tried, self.lost, self.doubled, self.differences = collections.Counter(), 0, 0, []
        self.not_tried, self.messages = [], collections.Counter()
        # The program is built before anything is timed.
        assert self.finish(start(["--help"]), timeout=None)[1] == 0
        began = time.monotonic()
        self.reference = self.folder / "undisturbed"
        output, code = self.finish(start(SMALL + self.place("undisturbed")))
        assert code == 0, output
        self.seconds = time.monotonic() - began
        began = time.monotonic()
        assert self.finish(start(["--resume", str(self.reference)]))[1] == 0
        # What a kill can hit begins when the program is found to be built.
        self.seconds -= time.monotonic() - began

    def place(self, name, folder=None):
        return ["--result-dir", str(folder or self.folder), "--run-name", name]

    @staticmethod
    def finish(process, timeout=300):
        output, _ = process.communicate(timeout=timeout)
        return output, process.returncode

    def begin(self, run, **conditions):
        """Starts the run, or goes on with it."""
        if (run / "run.json").exists():
            return start(["--resume", str(run)], **conditions)
        # Killed before it could be resumed: nothing was answered, and the same command works again.
        assert not any(lines(run, attention) for attention in ATTENTIONS)
        return start(SMALL + self.place(run.name, run.parent), **conditions)

    def compare(self, run):
        for attention in ATTENTIONS:
            for what, read in [("journal", rows), ("raw_results.csv", table)]:
                if read(run, attention) != read(self.reference, attention):
                    self.differences.append(f"{run.name}/{attention}: {what}")
            metrics = [(folder / attention / "metrics.json").read_bytes() for folder in (run, self.reference)]
            names = [sorted(os.listdir(folder / attention)) for folder in (run, self.reference)]
            if metrics[0] != metrics[1] or names[0] != names[1]:
                self.differences.append(f"{run.name}/{attention}: metrics.json or names of files")

    def account(self, run, before):
        """Which rows are gone that were there, and which are there twice."""
        for attention in ATTENTIONS:
            now = lines(run, attention)
            self.lost += len(set(before[attention]) - set(now))
            indices = [row["index"] for line in now for row in json.loads(line)["rows"]]
            self.doubled += len(indices) - len(set(indices))

    def held(self, run):
        return {attention: lines(run, attention) for attention in ATTENTIONS}

    def signalled(self, run, kind, signal_number):
        process = self.begin(run)
        time.sleep(self.random.uniform(0, 1.1) * self.seconds + 0.3)
        process.send_signal(signal_number)
        output, code = self.finish(process)
        allowed = [0, -signal.SIGKILL] if kind == "kill" else [0, 130, -signal_number]
        if code not in allowed:
            self.differences.append(f"{run.name}: {kind} ended with {code}: {output[-300:]}")
        return code == 0

    def stopped(self, run):
        """Stops the process for a while; then it goes on, or is killed."""
        process = self.begin(run)
        time.sleep(self.random.uniform(0, 1.1) * self.seconds + 0.3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        if self.random.random() < 0.5:
            process.kill()
        process.send_signal(signal.SIGCONT)
        _, code = self.finish(process)
        return code == 0

    def memory(self, run):
        """A run with less address space than it needs, or just enough."""
        output, code = self.finish(self.begin(run, memory=self.random.randrange(800, 2600) << 20))
        if code != 0:
            said = [line for line in output.splitlines() if "alloc" in line or "memory" in line or line.startswith("error")]
            self.messages[(said or output.splitlines() or ["nothing"])[-1][-60:]] += 1
        return code == 0

    def clock(self, run):
        """The system's clock jumps back and forth by days."""
        if not FAKETIME.exists():
            self.not_tried.append(f"clock: no {FAKETIME}")
            return None
        now = self.folder / "clock"
        now.write_text("+0")
        fake = {"FAKETIME_TIMESTAMP_FILE": str(now), "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}
        process = self.begin(run, LD_PRELOAD=str(FAKETIME), FAKETIME_DONT_FAKE_MONOTONIC="1", **fake)
        for jump in self.random.sample(["-3d", "+10d", "-1h", "+0", "-20y"], 3):
            time.sleep(self.seconds / 4)
            now.write_text(jump)
        output, code = self.finish(process)
        if code != 0:
            self.differences.append(f"{run.name}: clock ended with {code}: {output[-300:]}")
        return code == 0

    def not_numbers(self):
        """A model some of whose weights are NaN."""
        model = self.folder / "nan.gguf"
        shutil.copyfile(MODEL, model)
        with open(model, "r+b") as file:
            file.seek(-4096, os.SEEK_END)
            file.write(b"\xff" * 4096)
        run = self.folder / "nan"
        output, code = self.finish(start(SMALL + ["--model", str(model)] + self.place(run.name)))
        self.tried["NaN weights"] += 1
        errors = [row["error"] for attention in ATTENTIONS for row in table(run, attention)]
        if code != 3 or not errors or not all("not numbers" in error for error in errors):
            self.differences.append(f"NaN weights ended with {code}, rows say {errors}: {output[-300:]}")
        self.account(run, self.held(run))

    def cut(self, run):
        """Takes the end of a journal away, as a crash of the system can."""
        attention = self.random.choice(ATTENTIONS)
        journal = run / attention / "journal.jsonl"
        if (run / attention / "metrics.json").exists() or not lines(run, attention):
            return False
        size = journal.stat().st_size
        os.truncate(journal, max(0, size - self.random.randrange(1, 400)))
        return True

    def twice(self, run):
        both = [self.begin(run), self.begin(run)] if (run / "run.json").exists() else [self.begin(run)]
        ended = [self.finish(process) for process in both]
        for output, code in ended:
            # 75: the other one is at work, which may pass.
            if code in (1, 75):
                self.messages[next(line for line in output.splitlines() if line.startswith("error"))[:60]] += 1
        return any(code == 0 for _, code in ended)

    def one_run(self, limit):
        self.runs += 1
        run = self.folder / f"run{self.runs}"
        finished = False
        while not finished:
            if sum(self.tried.values()) >= limit:
                finished = self.finish(self.begin(run))[1] == 0
                break
            kinds = {"kill": 60, "interrupt": 8, "terminate": 8, "cut": 18, "twice": 6, "stop": 6, "memory": 6, "clock": 3}
            kind = self.random.choices(list(kinds), list(kinds.values()))[0]
            if kind == "cut":
                if self.cut(run):
                    self.tried[kind] += 1
                continue
            before = self.held(run)
            special = {"twice": self.twice, "stop": self.stopped, "memory": self.memory, "clock": self.clock}
            if kind in special:
                ended = special[kind](run)
                if ended is None:
                    continue
                finished = ended
            else:
                number = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT, "terminate": signal.SIGTERM}[kind]
                finished = self.signalled(run, kind, number)
            self.tried[kind] += 1
            self.account(run, before)
        self.compare(run)

    def disk(self, kind):
        """A disk that is full, or read-only from some moment on."""
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        size = f"{self.random.randrange(8, 120)}k" if kind == "full disk" else "16m"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True)
        if mounted.returncode != 0:
            self.not_tried.append(f"{kind}: {mounted.stderr.decode().strip()}")
            return
        try:
            run = disk / f"run{self.runs}"
            process = start(SMALL + self.place(run.name, disk))
            if kind == "read-only disk":
                time.sleep(self.random.uniform(0, 1) * self.seconds + 0.3)
                # Busy while a file is open for writing, as a disk that fails is not.
                subprocess.run(["mount", "-o", "remount,ro,force", str(disk)], capture_output=True)
            output, code = self.finish(process)
            self.tried[kind] += 1
            if code not in (0, 1):
                self.differences.append(f"{kind}: ended with {code}: {output[-300:]}")
            if code == 1:
                self.messages[next((l for l in output.splitlines() if l.startswith("error")), output)[-60:]] += 1
            before = self.held(run)
            subprocess.run(["mount", "-o", "remount,rw,size=64m", str(disk)], check=True)
            output, code = self.finish(self.begin(run))
            if code != 0:
                self.differences.append(f"{kind}: could not go on: {output[-300:]}")
                return
            self.account(run, before)
            self.compare(run)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(pathlib.Path(folder), arguments.seed)
        for number in range(min(10, arguments.faults // 10)):
            faults.runs += 1
            faults.disk(["full disk", "read-only disk"][number % 2])
        faults.not_numbers()
        while sum(faults.tried.values()) < arguments.faults:
            faults.one_run(arguments.faults)
            print(f"{sum(faults.tried.values())} faults, {faults.runs} runs", file=sys.stderr, flush=True)
    for kind, count in faults.tried.items():
        print(f"{kind:<16}{count:>5}")
    for what in sorted(set(faults.not_tried)):
        print(f"not tried: {what}")
    for message, count in faults.messages.most_common():
        print(f"said {count} times: {message}")
    for difference in faults.differences:
        print(f"DIFFERENT: {difference}")
    tried, runs = sum(faults.tried.values()), faults.runs
    print(f"{tried} faults in {runs} runs: {faults.lost} rows lost, {faults.doubled} rows doubled, {len(faults.differences)} differences")
    sys.exit(1 if faults.lost or faults.doubled or faults.differences else 0)


if __name__ == "__main__":
    main()
