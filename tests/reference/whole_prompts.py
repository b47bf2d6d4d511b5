"""Tokens of LongBench prompts and greedy answers of transformers, from a folder, for `cargo xtask example whole_prompts`.

Writes a JSON file (not for the repository) with the first rows of every folder of parquet files in --data. A prompt is what
`apply_chat_template` makes of context and question, and the answer prefix; its tokens are those of the whole context, its
answer that of a context cut to its last characters, by `generate` with the folder's own generation_config.json. The folder is made
from the GGUF file where it is missing. Runs on transformers 4 and 5.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 32
COLUMNS = ("context", "question", "answer_prefix")


def make_folder(folder: Path, generation_config: dict[str, Any]) -> None:
    """The model of the goldens as a folder of the hub has it, in f32."""
    import model  # needs the pinned versions

    reference = model.load()
    reference.model.save_pretrained(folder)
    reference.tokenizer.save_pretrained(folder)
    eos = {"eos_token_id": reference.eos_token_id}
    (folder / "generation_config.json").write_text(json.dumps(eos | generation_config))


def rows(data: Path, count: int) -> list[dict[str, Any]]:
    """The first `count` rows of every task, as they are."""
    found = []
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        [file] = sorted(folder.glob("*.parquet"))
        table = pyarrow.parquet.read_table(file).slice(0, count).to_pylist()
        found.extend({"task": folder.name} | {column: row[column] for column in COLUMNS} for row in table)
    return found


def prompt_ids(tokenizer: Any, row: dict[str, Any], context: str) -> list[int]:
    """The tokens of the prompt as one text."""
    message = {"role": "user", "content": context + row["question"]}
    text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    return tokenizer(text + row["answer_prefix"], add_special_tokens=False).input_ids


def generated(model: Any, ids: list[int]) -> tuple[list[int], float]:
    """The greedy answer, and how close the second best token came."""
    prompt = torch.tensor([ids])
    output = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        num_beams=1,
        max_new_tokens=NEW_TOKENS,
        return_dict_in_generate=True,
        output_scores=True,
    )
    margins = [(best[0] - best[1]).item() for best in (scores[0].topk(2).values for scores in output.scores)]
    return output.sequences[0, len(ids) :].tolist(), min(margins)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder of parquet files a task")
    parser.add_argument("--folder", type=Path, required=True, help="the model's folder; made where it is missing")
    parser.add_argument("--generation-config", type=json.loads, default={}, help="fields for a folder that is made")
    parser.add_argument("--rows", type=int, default=3, help="of each task (default: %(default)s)")
    parser.add_argument("--answers", type=int, default=30, help="how many are answered (default: %(default)s)")
    parser.add_argument("--characters", type=int, default=1600, help="of an answered context (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    if not arguments.folder.exists():
        make_folder(arguments.folder, arguments.generation_config)
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    model = AutoModelForCausalLM.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    found = rows(arguments.data, arguments.rows)
    answered = set(range(0, len(found), max(1, len(found) // max(1, arguments.answers)))) if arguments.answers else set()
    for number, row in enumerate(found):
        row["ids"] = prompt_ids(tokenizer, row, row["context"])
        if number in sorted(answered)[: arguments.answers]:
            row["cut"] = row["context"][-arguments.characters :]
            row["answer"], row["margin"] = generated(model, prompt_ids(tokenizer, row, row["cut"]))
    document = {"model": str(arguments.folder.resolve()), "max_new_tokens": NEW_TOKENS, "rows": found}
    arguments.out.write_text(json.dumps(document | {"transformers": transformers.__version__}), encoding="utf-8")
    margins = [row["margin"] for row in found if "margin" in row]
    print(f"{arguments.out}: {len(found)} prompts, {len(margins)} answers, smallest margin {min(margins, default=None)}")


if __name__ == "__main__":
    main()
