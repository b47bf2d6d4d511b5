#!/usr/bin/env python3
"""Writes prefill_rules.json: queries and keys, and which keys the rules for reading contexts select.

    cargo xtask bless prefill-rules

Each rule is stated once more by the formulas of its paper and its authors' code, number by number in f64. (The authors' packages need a
GPU, and have not been run.) The standard library is enough. A choice that rounding could turn stops the script.
"""

import json
import math
import pathlib
import random

BLOCK = 16
MARGIN = 1e-4


def dot(one, other):
    return sum(x * y for x, y in zip(one, other))


def softmax(scores):
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    return [weight / sum(weights) for weight in weights]


def mean(vectors):
    return [sum(column) / len(vectors) for column in zip(*vectors)]


def apart(one, other):
    assert abs(one - other) > MARGIN * max(abs(one), abs(other), 1e-3), (one, other)


def best(weights, count):
    """The places of the `count` largest, which must be told apart from the rest."""
    order = sorted(range(len(weights)), key=lambda place: -weights[place])
    if count < len(order) and weights[order[count - 1]] != math.inf:
        apart(weights[order[count - 1]], weights[order[count]])
    return set(order[:count])


def blocks_of_rows(past, rows):
    """Numbers of blocks and the rows of each, counted from the first key of the sequence."""
    blocks = {}
    for row in range(rows):
        blocks.setdefault((past + row) // BLOCK, []).append(row)
    return blocks


def keys_of(blocks, count):
    return sorted(key for block in blocks for key in range(block * BLOCK, min((block + 1) * BLOCK, count)))


def top_k_blocks(queries, keys, scale, share):
    """The blocks with the largest exact weights."""
    past, chosen = len(keys) - len(queries), []
    for number, rows in blocks_of_rows(past, len(queries)).items():
        masses = [0.0] * (number + 1)
        for row in rows:
            seen = past + row + 1
            for key, weight in enumerate(softmax([scale * dot(queries[row], key) for key in keys[:seen]])):
                masses[key // BLOCK] += weight
        count = max(1, int(share * (past + rows[-1] + 1)) // BLOCK)
        chosen.append(keys_of(best(masses, min(count, number + 1)), len(keys)))
    return chosen


def xattention(queries, keys, scale, stride, threshold):
    """Xu et al. 2025, arXiv 2503.16428, algorithm 1 and section 2: sums of antidiagonals, a softmax over them, and the fewest blocks that
    hold a share of each block row; `find_blocks_chunked` also takes the first block and the row's own."""
    past, zero = len(keys) - len(queries), [0.0] * len(keys[0])
    query = lambda position: queries[position - past] if 0 <= position - past < len(queries) else zero
    key = lambda position: keys[position] if position < len(keys) else zero
    chosen = []
    for number in blocks_of_rows(past, len(queries)):
        sums = [0.0] * (number + 1)
        for start in range(number * BLOCK, (number + 1) * BLOCK, stride):
            if not any(0 <= start + at - past < len(queries) for at in range(stride)):
                continue
            # The antidiagonal of a square of stride rows and keys.
            groups = [
                sum(scale * dot(query(start + stride - 1 - at), key(first + at)) for at in range(stride)) / stride
                for first in range(0, min(start + 1, len(keys)), stride)
            ]
            for group, weight in enumerate(softmax(groups)):
                sums[group * stride // BLOCK] += weight
        blocks = {0, number}
        wanted, has = threshold * sum(sums), sum(sums[block] for block in {0, number})
        for block in sorted(range(1, number), key=lambda block: -sums[block]):
            apart(has, wanted)
            if has >= wanted:
                break
            blocks.add(block)
            has += sums[block]
        chosen.append(keys_of(blocks, len(keys)))
    return chosen


def lines(queries, keys, scale, last):
    """Mean weights of columns and diagonals over the last rows: of each key, and of each distance."""
    last = min(last, len(queries))
    vertical, slash = [0.0] * len(keys), [0.0] * len(keys)
    for at in range(len(queries) - last, len(queries)):
        position = len(keys) - len(queries) + at
        for key, weight in enumerate(softmax([scale * dot(queries[at], key) for key in keys[: position + 1]])):
            vertical[key] += weight / last
            slash[position - key] += weight / last
    return vertical, slash


def pooled(weights):
    return [sum(weights[start : start + BLOCK]) for start in range(0, len(weights), BLOCK)]


def flexprefill(queries, keys, scale, gamma, tau, least):
    """Lai et al. 2025, arXiv 2502.20766, algorithms 1 to 4, with the details of the authors' `get_active_blocks`."""
    past = len(keys) - len(queries)
    vertical, slash = lines(queries, keys, scale, BLOCK)
    count = math.ceil(len(keys) / BLOCK)
    key_means = [mean(keys[start : start + BLOCK]) for start in range(0, len(keys), BLOCK)]
    representative = mean(queries[-BLOCK:])
    estimated = softmax([scale * dot(representative, key) for key in key_means])
    true = pooled(vertical)
    half = lambda p, q: sum(x * math.log(2 * x / (x + y)) for x, y in zip(p, q) if x > 0) / 2
    distance = math.sqrt(half(estimated, true) + half(true, estimated))
    apart(distance, tau)
    is_query_aware = distance < tau

    def budget(weights):
        total, number = 0.0, 0
        for weight in sorted(weights, reverse=True):
            total += weight
            apart(total, gamma)
            if total > gamma:
                break
            number += 1
        wanted = (number + 1) // BLOCK + 1
        return min(count, least if is_query_aware else max(wanted, least))

    # As in the authors' code distances are counted from the last key, so that the last block of them may be short.
    reversed_slash = slash[::-1]
    of_keys, of_distances = true[:], pooled(reversed_slash)
    of_keys[0] = of_distances[-1] = math.inf
    columns = best(of_keys, budget(vertical))
    distances = {count - 1 - place for place in best(of_distances, budget(slash))}
    rows_of = blocks_of_rows(past, len(queries))
    chosen = {
        number: {column for column in columns if column <= number} | {number - far for far in distances if far <= number}
        for number in rows_of
    }
    if is_query_aware:
        entries = []
        for number, rows in rows_of.items():
            query = mean([queries[row] for row in rows])
            weights = softmax([scale * dot(query, key) for key in key_means[: number + 1]])
            entries += [(weight, number, block) for block, weight in enumerate(weights)]
        total = 0.0
        for weight, number, block in sorted(entries, reverse=True):
            total += weight
            apart(total, gamma * len(rows_of))
            if total > gamma * len(rows_of):
                break
            chosen[number].add(block)
    return is_query_aware, [keys_of(blocks, len(keys)) for blocks in chosen.values()]


def minference(queries, keys, scale, vertical_size, slash_size):
    """Jiang et al. 2024, arXiv 2407.02490, algorithm 1, with the numbers of the authors' `vertical_and_slash_kernel`: 64 last rows, 30 first
    keys and 100 shortest distances, 30 and 50 lines at least; blocks of 64 rows read the keys that a slash line crosses in them."""
    past = len(keys) - len(queries)
    vertical, slash = lines(queries, keys, scale, 64)
    for key in range(min(30, len(keys))):
        vertical[key] = math.inf
    for distance in range(min(100, len(keys))):
        slash[distance] = math.inf
    columns = best(vertical, max(vertical_size, 30))
    distances = best(slash, max(slash_size, 50))
    chosen = []
    rows = range(past, len(keys))
    for number in sorted({position // 64 for position in rows}):
        of_block = [position for position in rows if position // 64 == number]
        crossed = {position - distance for position in of_block for distance in distances if distance <= position}
        # From the first to the last row of the block all keys between are crossed by one of its rows.
        chosen.append(sorted(crossed | columns))
    return chosen


def tensors(rows, count, dim, heads, groups, spread):
    sixteenth = lambda number: round(16 * number) / 16
    vector = lambda: [sixteenth(random.gauss(0, spread)) for _ in range(dim)]
    return [[vector() for _ in range(rows)] for _ in range(heads)], [[vector() for _ in range(count)] for _ in range(groups)]


def case(rule, rows, count, spread, **parameters):
    heads, groups, dim = 2, 1, 8
    queries, keys = tensors(rows, count, dim, heads, groups, spread)
    scale = 0.25
    selected, query_aware = [], []
    for head in range(heads):
        of_keys = keys[head * groups // heads]
        arguments = (queries[head], of_keys, scale, *parameters.values())
        if rule is flexprefill:
            is_query_aware, chosen = flexprefill(*arguments)
            query_aware.append(is_query_aware)
        else:
            chosen = rule(*arguments)
        selected.append(chosen)
    case = {"rule": rule.__name__, "rows": rows, "queries": queries, "keys": keys, "scale": scale, "selected": selected}
    return case | {"parameters": parameters, "query_aware": query_aware}


def main():
    random.seed(11)
    cases = []
    # A whole prompt, a chunk after others, and rows that begin and end within blocks.
    for rows, count in [(64, 64), (48, 112), (27, 93)]:
        cases += [
            case(top_k_blocks, rows, count, 1.5, share=0.4),
            case(xattention, rows, count, 2, stride=4, threshold=0.6),
            case(xattention, rows, count, 1, stride=8, threshold=0.9),
            case(flexprefill, rows, count, 2, gamma=0.7, tau=0.05, least=1),
            case(flexprefill, rows, count, 0.7, gamma=0.8, tau=0.6, least=2),
        ]
    for rows, count in [(200, 200), (70, 230), (40, 240)]:
        cases.append(case(minference, rows, count, 2, vertical_size=45, slash_size=110))
    assert any(any(case["query_aware"]) for case in cases)
    assert any(case["query_aware"] and not all(case["query_aware"]) for case in cases)
    path = pathlib.Path(__file__).with_name("prefill_rules.json")
    path.write_text(json.dumps({"block": BLOCK, "cases": cases}) + "\n")


main()
