#!/usr/bin/env python3
"""The table and the figure in docs/retention.md, from runs of each retention at several ratios.

    python3 tests/retention_table.py --ruler RUN .. --longbench RUN .. [--speed FILE ..] [--figure FILE.svg]

A retention at a ratio is a side `dense+NAME_0RR` of a run (`--retention NAME_050.json`, a file with that ratio); `dense` keeps all
keys, and every other side is a masker. A file of --speed is what `bench speed --measure decode` printed. Prints the table as Markdown, best mean at the middle ratio first.
"""

import argparse
import json
import pathlib

RATIOS = [25, 50, 75]
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf"]


def sides(runs):
    """Scores of each side, and its figures."""
    found = {}
    for run in runs:
        for path in sorted(pathlib.Path(run).glob("*/metrics.json")):
            detailed = json.loads((path.parent / "detailed_results.json").read_text())
            metrics = json.loads(path.read_text())
            total = detailed["total"]
            found[path.parent.name] = {
                "lengths": metrics.get("length_scores"), "overall": metrics["overall_score"],
                "density": total["density"], "kept": total.get("kept") or 1.0,
            }
    return found


def speeds(files):
    """Tokens a second of each side, and how many times as many as dense attention decodes in the same run."""
    found = {}
    for path in files:
        for line in pathlib.Path(path).read_text().splitlines():
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            if len(cells) == 7 and cells[0].startswith("f32 "):
                found.setdefault(cells[0].removeprefix("f32 "), (cells[2], cells[6]))
    return found


def of(name, ratio):
    return f"dense+{name}_0{ratio:02}"


def mean(side):
    lengths = list(side["lengths"].values())
    return sum(lengths) / len(lengths)


def table(ruler, longbench, speed):
    """Lines of Markdown."""
    names = {name.removeprefix("dense+")[:-4] for name in ruler if name.startswith("dense+")}
    whole = [name for name in ruler if not name.startswith("dense+")]
    lengths = list(ruler["dense"]["lengths"])
    head = [f"{int(length):,}" for length in lengths]
    head += [f"mean, {ratio / 100:g}" for ratio in RATIOS] + [f"LongBench, {ratio / 100:g}" for ratio in RATIOS]
    yield "| method | " + " | ".join(head + ["keys read", "bytes kept", "tokens/s (/ dense)"]) + " |"
    yield "|---" * (len(head) + 4) + "|"
    rows = []
    for name, has_ratio in [(name, True) for name in names] + [(name, False) for name in whole]:
        # What has no ratio stands in the middle.
        scores = lambda source, score: [
            f"{score(source[of(name, ratio) if has_ratio else name]):.1f}" if has_ratio or ratio == 50 else ""
            for ratio in RATIOS]
        middle = ruler[of(name, 50) if has_ratio else name]
        cells = [f"`{name}`" + ("" if has_ratio or name == "dense" else " (masker)")]
        cells += [f"{middle['lengths'][length]:.1f}" for length in lengths]
        cells += scores(ruler, mean) + scores(longbench, lambda side: side["overall"])
        cells += [f"{middle['density']:.2f}", f"{middle['kept']:.2f}"]
        tokens, times = speed.get(f"dense+{name}" if has_ratio else name, ("", ""))
        cells.append(f"{tokens} ({times})" if tokens else "")
        rows.append((-mean(middle), name, "| " + " | ".join(cells) + " |"))
    yield from (row for _, _, row in sorted(rows))


def figure(ruler):
    """Mean score against the share of keys that stay, a line for each retention."""
    names = sorted({name.removeprefix("dense+")[:-4] for name in ruler if name.startswith("dense+")})
    width, height, left, right, top, bottom = 760, 470, 60, 210, 20, 50
    most = max(10, *(mean(side) for side in ruler.values() if side["lengths"]))
    x = lambda share: left + (share - 0.2) / 0.8 * (width - left - right)
    y = lambda score: height - bottom - score / most * (height - top - bottom)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for score in range(0, int(most) + 1, 10):
        yield f'<line x1="{left}" x2="{width - right}" y1="{y(score):.1f}" y2="{y(score):.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 8}" y="{y(score) + 4:.1f}" text-anchor="end">{score}</text>'
    for share in (0.25, 0.5, 0.75, 1.0):
        yield f'<text x="{x(share):.1f}" y="{height - bottom + 18}" text-anchor="middle">{share:g}</text>'
    yield f'<text x="{(left + width - right) / 2}" y="{height - 12}" text-anchor="middle">share of keys, and of their bytes, that stay</text>'
    yield f'<text transform="translate(16 {(height - bottom + top) / 2}) rotate(-90)" text-anchor="middle">RULER, mean of lengths</text>'
    points = {name: [(1 - ratio / 100, mean(ruler[of(name, ratio)])) for ratio in RATIOS] for name in names}
    order = sorted(names, key=lambda name: -points[name][1][1])
    dense = mean(ruler["dense"])
    yield f'<line x1="{left}" x2="{width - right}" y1="{y(dense):.1f}" y2="{y(dense):.1f}" stroke="black" stroke-dasharray="5 4"/>'
    yield f'<text x="{width - right + 6}" y="{y(dense) + 4:.1f}">dense, all keys</text>'
    shown, legend = [name for name in order if max(score for _, score in points[name]) >= 5], top + 40
    for number, name in enumerate(shown):
        colour, dash = COLOURS[number % len(COLOURS)], ["", ' stroke-dasharray="6 3"'][number // len(COLOURS) % 2]
        line = " ".join(f"{x(share):.1f},{y(score):.1f}" for share, score in points[name])
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        yield from (f'<circle cx="{x(share):.1f}" cy="{y(score):.1f}" r="3" fill="{colour}"/>' for share, score in points[name])
        at = legend + 18 * number
        yield f'<line x1="{width - right + 6}" x2="{width - right + 30}" y1="{at}" y2="{at}" stroke="{colour}" stroke-width="2"{dash}/>'
        yield f'<text x="{width - right + 36}" y="{at + 4}">{name}</text>'
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ruler", nargs="+", required=True, metavar="RUN")
    parser.add_argument("--longbench", nargs="+", required=True, metavar="RUN")
    parser.add_argument("--speed", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--figure", metavar="FILE.svg")
    given = parser.parse_args()
    ruler, longbench = sides(given.ruler), sides(given.longbench)
    print("\n".join(table(ruler, longbench, speeds(given.speed))))
    if given.figure:
        pathlib.Path(given.figure).write_text("\n".join(figure(ruler)) + "\n")


if __name__ == "__main__":
    main()
