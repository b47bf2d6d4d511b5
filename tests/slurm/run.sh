#!/usr/bin/env bash
# `cargo xtask submit slurm` on a real Slurm of one node, which is started and stopped here: a run in shards of which one task is
# requeued while it works and another one is cancelled. What comes of it is compared with a run that nobody disturbed.
#
#   tests/slurm/run.sh
#
# Needs what cluster.sh needs. Takes some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
# Jobs and daemons run as root here, and read what is in it.
chmod 755 "$work"
stop() {
    tests/slurm/cluster.sh stop "$work/cluster"
    rm -rf "$work"
}
trap stop EXIT

cat > "$work/plan.toml" <<PLAN
benchmark = "longbench"
attention = ["dense", "streaming_llm"]
subsets = ["qasper", "trec", "hotpotqa", "samsum", "multifieldqa_en", "triviaqa", "musique", "2wikimqa"]
max-samples = 2
answer-tokens = 48
result-dir = "$work/results"
run-name = "slurm"
shards = 2

[slurm]
options = { cpus-per-task = 1, time = "00:30:00" }
setup = ["echo ready on \$(hostname)"]
PLAN

echo "== a run that nobody disturbs" >&2
sed 's/^shards = .*//' "$work/plan.toml" > "$work/undivided.toml"
cargo xtask bench longbench --config "$work/undivided.toml" --run-name undisturbed --threads 1 --quiet > /dev/null

eval "$(tests/slurm/cluster.sh start "$work/cluster")"
run=$work/results/slurm

# The state of a task: empty once it is gone from the queue.
state() { squeue --noheader --array --job="$1" --states=all --format=%T 2> /dev/null || true; }
wait_for() { # COMMAND... until it succeeds
    for _ in $(seq 1200); do
        if "$@"; then return; fi
        sleep 0.25
    done
    echo "still not: $*" >&2
    squeue --array --states=all >&2
    tail -n 5 "$run"/slurm/*.log >&2
    exit 1
}
is() { [[ $(state "$1") == "$2" ]]; }
has_row() { [[ -s $1/journal.jsonl ]]; }

echo "== submit" >&2
told=$(cargo xtask submit slurm "$work/plan.toml")
echo "$told" >&2
array=$(sed -E 's/.*job array ([0-9]+).*/\1/' <<< "$told")
collect=$(sed -E 's/.*and job ([0-9]+) after.*/\1/' <<< "$told")

echo "== requeue one task and cancel another one while they work" >&2
wait_for has_row "$run/dense/shard-1-of-2"
scontrol requeue "${array}_0"
wait_for has_row "$run/dense/shard-2-of-2"
scancel "${array}_1"
wait_for is "${array}_0" PENDING
# Slurm lets a task wait for two minutes that was requeued.
scontrol update JobId="${array}_0" StartTime=now
wait_for is "${array}_0" COMPLETED
wait_for is "${array}_1" CANCELLED
wait_for is "${array}_3" COMPLETED
grep -q "ready on" "$run/slurm/task-${array}_0.log"
grep -q "CANCELLED .* DUE TO JOB REQUEUE" "$run/slurm/task-${array}_0.log"
grep -q "CANCELLED" "$run/slurm/task-${array}_1.log"

echo "== what is missing is told" >&2
wait_for is "$collect" FAILED
grep -q "dense failed: not finished" "$run/slurm/collect-$collect.log"
grep -q "1 of 2 cells failed" "$run/slurm/collect-$collect.log"
[[ -e $run/streaming_llm/metrics.json && ! -e $run/dense/metrics.json ]]

echo "== the cancelled task again, and the job after it" >&2
array=$(sbatch --parsable --array=1 "$run/slurm/tasks.sh")
collect=$(sbatch --parsable --dependency="afterany:$array" "$run/slurm/collect.sh")
wait_for is "$collect" COMPLETED
grep -q "streaming_llm - dense" "$run/slurm/collect-$collect.log"
test -s "$run/report/report.html"

python3 - "$run" "$work/results/undisturbed" <<'PYTHON'
import json, pathlib, sys

run, undisturbed = map(pathlib.Path, sys.argv[1:])
for attention in ["dense", "streaming_llm"]:
    rows = []
    for folder in (run / attention, undisturbed / attention):
        found = [row for line in open(folder / "journal.jsonl") for row in json.loads(line)["rows"]]
        for row in found:
            row["stats"]["context"].pop("prefill_seconds")
            row["stats"]["answer"].pop("question_seconds")
            row["stats"]["answer"].pop("decode_seconds")
        rows.append(found)
    assert rows[0] == rows[1], f"{attention}: rows differ"
    indices = [row["index"] for row in rows[0]]
    assert len(indices) == len(set(indices)) == 14, f"{attention}: {indices}"
    metrics = [(folder / attention / "metrics.json").read_bytes() for folder in (run, undisturbed)]
    assert metrics[0] == metrics[1], f"{attention}: metrics.json differs"
PYTHON
echo "the run on Slurm, with a task requeued and one cancelled, equals the undisturbed one"
