"""What it costs to cross into Python: maskers beside their twins in Rust, on the default model, in one run.

    python tests/crossing_speed.py [ROUNDS]

Prints medians over rounds: decoded tokens/s of each, and the ratio of each pair.
"""

import pathlib
import statistics
import sys

import sah

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "examples"))
import streaming  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
TOKENS = 48
#: Each masker of the guide and its twin in Rust.
PAIRS = {
    "the best tenth of the keys": (
        {"maskers": [{"type": "oracle_top_k", "heavy_size": {"fraction": 0.1}}]},
        {"maskers": [streaming.BestKeys(0.1)]},
    ),
    "sinks and a window of 256": (
        {"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 256}]},
        {"maskers": [streaming.Streaming(4, 256)]},
    ),
}


def speed(model, context, attention):
    """Decoded tokens a second."""
    stats = model.generate("Go on with the story.", context, attention=attention, answer_tokens=TOKENS)[0].stats
    return stats["generated_tokens"] / stats["decode_seconds"]


def main():
    model = sah.load("smollm2-135m-instruct")
    sentence = "The keeper of the lighthouse writes down every ship that passes, the hour and the colour of its flag. "
    for length in (1024, 4096):
        context = sentence * (length // 21)
        tokens = model.generate("Go on.", context, answer_tokens=1)[0].context["tokens"]
        dense, measured = [], {name: ([], []) for name in PAIRS}
        for _ in range(ROUNDS):
            dense.append(speed(model, context, "dense"))
            for name, pair in PAIRS.items():
                for figures, attention in zip(measured[name], pair):
                    figures.append(speed(model, context, {"masker": attention}))
        print(f"{tokens} tokens: dense {statistics.median(dense):.1f} tokens/s")
        for name, (rust, python) in measured.items():
            ratio = statistics.median(p / r for r, p in zip(rust, python))
            print(f"  {name}: Rust {statistics.median(rust):.1f}, Python {statistics.median(python):.1f} tokens/s, {ratio:.2f} of it")


main()
