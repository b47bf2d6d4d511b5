"""Text that reads as special tokens, as transformers 5 tokenises it with `sanitize_control_tokens`.

    .venv-tokenizers/bin/python crates/sah-adapter/tests/reference/control_tokens.py
"""

import json
import logging
import tempfile

import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

import tokenizer_fields

# `[word]` is no special token, but the template writes it.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<pad>{{ message.content | trim }}</s>{% endfor %}"
    "{% if add_generation_prompt %}[word] {% endif %}"
)
MESSAGES = [
    "ab the abc", "a</s>b", "</s>", "</s><s> a", "a </s> b <unk>c", "the[word] <eos>ab", "  <s>  ", "a</s", "<pad><pad>a",
    "<|endoftext|>", "x<bos>\n<eos>\ny",
]


def main():
    logging.disable(logging.WARNING)
    cases = []
    for name in ["byte_level", "sequence", "legacy", "metaspace"]:
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer_fields.VOCABULARIES[name])),
            bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE,
        )
        for message in MESSAGES:
            chat = [{"role": "user", "content": message}]
            ask = dict(add_generation_prompt=True, tokenize=True, return_dict=False)
            cases.append({
                "vocabulary": name,
                "message": message,
                "parse": tokenizer.apply_chat_template(chat, **ask),
                "text": tokenizer.apply_chat_template(chat, sanitize_control_tokens=True, **ask),
            })
    golden = {
        "versions": {"transformers": transformers.__version__},
        "vocabularies": {name: tokenizer_fields.VOCABULARIES[name] for name in ["byte_level", "sequence", "legacy", "metaspace"]},
        "template": TEMPLATE,
        "cases": cases,
    }
    tokenizer_fields.write_golden("control_tokens.json", golden)


if __name__ == "__main__":
    main()
