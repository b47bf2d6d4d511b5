"""A small tokenizer of the kind that Gemma 4 has, as transformers 5 makes it of a vocabulary and merges, and its tokens.

Byte-pair encoding of SentencePiece's form: a space is written as U+2581, the merges of a whole text count, and characters that the
vocabulary lacks are bytes.
"""

from collections import Counter

import regex

import bpe

SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|turn>", "<turn|>", "<|think|>"]
# Those that the converter wants to be seen in answers.
VISIBLE = ["<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
FIELDS = dict(pad_token_id=0, eos_token_id=1, bos_token_id=2)

TEXTS = bpe.TEXTS + [
    "aaaa aaaaaaa",
    "▁ written out ▁▁ twice",
    "         nine spaces",
    "ab\u2581cd",
    "\n\n\n\n\nfive lines\n\n",
    "<bos><|turn>user\nHi  <turn|>\n\n<|turn>model\n<|channel>thought\nthe tide<channel|>It's 06:30.<turn|>",
    "<|tool_call>call<tool_call|> <|think|> <mask>",
]


def vocabulary():
    """Tokens by number, and merges: the most frequent pair is merged next, the smaller one of equally frequent ones first."""
    text = bpe.TRAINING_TEXT.replace(" ", "▁")
    frequent = {character for character, count in Counter(text).items() if count > 3 or character in "\n\t▁"}
    pieces = regex.findall(r"▁*[^▁\n]+|▁+|\n+", text)
    words = Counter(tuple(piece) for piece in pieces if set(piece) <= frequent)
    # Runs of spaces and of line breaks are tokens.
    words.update({("▁",) * length: 40 for length in (2, 4, 8)} | {("\n",) * length: 40 for length in (2, 4)})
    tokens, merges = [*SPECIAL, *VISIBLE, *BYTES, *sorted(frequent)], []
    for _ in range(170):
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        if best[0] + best[1] not in tokens:
            tokens.append(best[0] + best[1])
        words = Counter({bpe.merge(word, best): count for word, count in words.items()})
    return tokens, merges


TOKENS, MERGES = vocabulary()
SIZE = len(TOKENS)


def tokenizer():
    from transformers import AddedToken, GemmaTokenizer

    ids = {token: number for number, token in enumerate(TOKENS)}
    made = GemmaTokenizer(vocab=ids, merges=MERGES, extra_special_tokens=SPECIAL[5:])
    made.add_tokens([AddedToken(token, normalized=False, special=False) for token in VISIBLE])
    return made


def goldens(folder):
    """The tokens of varied texts, and what becomes of them, special tokens left out."""
    from transformers import AutoTokenizer

    read = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        ids = read.encode(text, add_special_tokens=False)
        yield {"text": text, "ids": ids, "decoded": read.decode(ids, skip_special_tokens=True)}
