"""A tokenizer of single characters and a chat template, for a tiny checkpoint that the command line can run."""

import json

# Ids 0 to 3; the template uses the last two.
SPECIAL = ["<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]

TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def write_tokenizer(folder, vocabulary):
    """tokenizer.json, tokenizer_config.json and generation_config.json, of at most `vocabulary` tokens."""
    characters = ["\n", *map(chr, range(ord(" "), ord("~") + 1))]
    tokens = SPECIAL + characters
    assert len(tokens) <= vocabulary, f"{len(tokens)} tokens"
    added = [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number, token in enumerate(SPECIAL)
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": SPECIAL[0],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [],
        },
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": SPECIAL[0],
        "pad_token": SPECIAL[1],
        "eos_token": SPECIAL[3],
        "bos_token": None,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    generation = {"eos_token_id": [3, 1], "pad_token_id": 1}
    for name, content in [
        ("tokenizer.json", tokenizer),
        ("tokenizer_config.json", config),
        ("generation_config.json", generation),
    ]:
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
