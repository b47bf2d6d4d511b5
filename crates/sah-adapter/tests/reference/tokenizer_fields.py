"""What transformers makes of the files beside a vocabulary: folders whose fields are drawn, and the tokens of a few texts.

Each case is a folder: one of the vocabularies below, tokenizer_config.json and, in some, special_tokens_map.json,
added_tokens.json and config.json. Written are the tokens of the texts, what encoding with special tokens puts before a
text, what decoding gives, and the special tokens by name. Folders that transformers does not load are drawn again.

    .venv-reference/bin/python crates/sah-adapter/tests/reference/tokenizer_fields.py
"""

import io
import json
import logging
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, LlamaTokenizer
from transformers.convert_slow_tokenizer import convert_slow_tokenizer

HERE = Path(__file__).resolve().parent
CASES = 240

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'<>|/[]_-"
MERGES = [("a", "b"), ("ab", "c"), ("t", "h"), ("th", "e")]
CLASSES = [
    None, "PreTrainedTokenizerFast", "LlamaTokenizer", "LlamaTokenizerFast", "GPT2Tokenizer", "Qwen2TokenizerFast",
    "GemmaTokenizer", "GPTNeoXTokenizer", "CohereTokenizerFast", "CodeLlamaTokenizer",
]
MODEL_TYPES = ["llama", "mistral", "qwen2", "qwen3", "phi3", "gpt2", "gemma2", "gemma3_text"]
ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
KNOWN = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<bos>", "<eos>", "<pad>", "[word]"]
NEW = ["<new>", "<|tool|>", "word", "<x y>"]
TEXTS = [
    "ab the abc", " ab  the", "a <s> b</s>c<unk>", "the<|endoftext|> ab<|endoftext|>", "<bos>ab <pad>\u2581the<eos>",
    "a [word] b", "[word]", "word swords word", "a<new> b <new>c", "ab <|tool|>\n the", "x<x y> y", "it's . , ! ? n't 've",
]


def flags(draw, content, special=None):
    token = {"content": content, "lstrip": draw.random() < 0.3, "rstrip": draw.random() < 0.3}
    if draw.random() < 0.8:
        token["normalized"] = draw.random() < 0.3
    if draw.random() < 0.2:
        token["single_word"] = True
    if draw.random() < 0.8 or special:
        token["special"] = draw.random() < 0.6 if special is None else special
    return token


def vocabulary(extra, space):
    words = extra + [space] + list(LETTERS) + ["".join(pair) for pair in MERGES]
    return {word: number for number, word in enumerate(words)}


def byte_level(sequence, prefix, bos):
    """A byte-level tokenizer, as GPT-2's is, or with the byte level as the last of two pre-tokenizers, as Llama 3's is."""
    tokenizer = Tokenizer(models.BPE(vocabulary(["Ċ"], "Ġ"), MERGES))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=not sequence)
    split = pre_tokenizers.Split(" ", "merged_with_next")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, last]) if sequence else last
    tokenizer.decoder = decoders.ByteLevel()
    return with_special(tokenizer, bos)


def sentence_piece(legacy, bos):
    """As Llama's converter makes them."""
    words = [f"<0x{byte:02X}>" for byte in range(256)]
    vocab = vocabulary(["<unk>"] + words, "▁")
    tokenizer = Tokenizer(models.BPE(vocab, MERGES, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    strip = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(strip)
    return with_special(tokenizer, bos)


def with_special(tokenizer, bos):
    tokens = [AddedToken(text, special=True, normalized=False) for text in KNOWN[:-1]]
    tokenizer.add_tokens(tokens + [AddedToken("[word]", special=False, normalized=True)])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="$A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    return json.loads(tokenizer.to_str())


def trained():
    """A SentencePiece model, and what Llama's converter makes of it. With `add_prefix_space` transformers converts the model
    anew, whatever `tokenizer.json` says."""
    model = io.BytesIO()
    words = ["ab abc the theory of words ", "swords and a new tool ", LETTERS + "\u2581"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words), model_writer=model, model_type="bpe", vocab_size=400, byte_fallback=True,
        character_coverage=1.0, hard_vocab_limit=False, minloglevel=2,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.model"
        path.write_bytes(model.getvalue())
        return model.getvalue(), json.loads(convert_slow_tokenizer(LlamaTokenizer(str(path), legacy=True)).to_str())


VOCABULARIES = {
    "byte_level": byte_level(False, False, True),
    "byte_level_after_space": byte_level(False, True, False),
    "sequence": byte_level(True, False, False),
    "legacy": sentence_piece(True, True),
    "metaspace": sentence_piece(False, False),
}
if transformers.__version__.startswith("4."):
    SENTENCE_PIECE, VOCABULARIES["trained"] = trained()
TWO_FILES = {
    "vocab.json": vocabulary(["Ċ", "<|endoftext|>"], "Ġ"),
    "merges.txt": "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in MERGES),
}


def drawn(draw):
    """The files of a folder, by name, and the name of its vocabulary."""
    if draw.random() < 0.1:
        config = {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": draw.random() < 0.5}
        if draw.random() < 0.7:
            config["legacy"] = draw.choice([True, False, None])
        return "trained", {"tokenizer_config.json": config}
    two = draw.random() < 0.2
    kind = "two_files" if two else draw.choice([name for name in VOCABULARIES if name != "trained"])
    class_ = draw.choice(["GPT2Tokenizer", "Qwen2Tokenizer"]) if two else draw.choice(CLASSES)
    config, files = {}, {}
    if class_ is not None:
        config["tokenizer_class"] = class_
        if draw.random() < 0.5:
            files["config.json"] = {"model_type": "llama"}
    else:
        files["config.json"] = {"model_type": draw.choice(MODEL_TYPES)}

    def token(content):
        return {"__type": "AddedToken", **flags(draw, content)} if draw.random() < 0.4 else content

    for role in ROLES:
        if draw.random() < 0.3:
            config[role] = None if draw.random() < 0.15 else token(draw.choice(KNOWN[:-1] + NEW[:2]))
    if draw.random() < 0.3:
        config["additional_special_tokens"] = [token(text) for text in draw.sample(KNOWN + NEW, draw.randint(0, 3))]
    if draw.random() < 0.2:
        config["extra_special_tokens"] = {"image_token": token(draw.choice(KNOWN + NEW))}
    if draw.random() < 0.4:
        tokens = draw.sample(KNOWN + NEW, draw.randint(0, 5))
        numbers = draw.sample(range(600), len(tokens))
        config["added_tokens_decoder"] = {
            str(number): flags(draw, text) for number, text in zip(numbers, tokens)
        }
    for field, chance in [("add_bos_token", 0.4), ("split_special_tokens", 0.15), ("add_prefix_space", 0.4),
                          ("clean_up_tokenization_spaces", 0.4), ("add_eos_token", 0.1)]:
        # Llama's needs the SentencePiece model for it.
        if draw.random() < chance and not (field == "add_prefix_space" and class_ in (None, *CLASSES[2:4])):
            config[field] = draw.random() < 0.6
    if config:
        files["tokenizer_config.json"] = config
    if draw.random() < 0.3:
        roles = draw.sample(ROLES, draw.randint(0, 3))
        files["special_tokens_map.json"] = {
            role: flags(draw, draw.choice(KNOWN + NEW)) if draw.random() < 0.5 else draw.choice(KNOWN[:-1])
            for role in roles
        }
        if draw.random() < 0.5:
            tokens = draw.sample(KNOWN + NEW, draw.randint(0, 3))
            tokens = [flags(draw, text) if draw.random() < 0.5 else text for text in tokens]
            files["special_tokens_map.json"]["additional_special_tokens"] = tokens
    if draw.random() < 0.3:
        tokens = draw.sample(KNOWN + NEW, draw.randint(0, 4))
        files["added_tokens.json"] = dict(zip(tokens, draw.sample(range(600), len(tokens))))
    return kind, files


def write(folder, kind, files):
    if kind == "two_files":
        (folder / "vocab.json").write_text(json.dumps(TWO_FILES["vocab.json"]))
        (folder / "merges.txt").write_text(TWO_FILES["merges.txt"])
    else:
        (folder / "tokenizer.json").write_text(json.dumps(VOCABULARIES[kind]))
    if kind == "trained":
        (folder / "tokenizer.model").write_bytes(SENTENCE_PIECE)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def measured(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast
    ids = [tokenizer.encode(text, add_special_tokens=False) for text in TEXTS]
    plain = tokenizer.encode("ab", add_special_tokens=False)
    around = tokenizer.encode("ab")
    at = next(at for at in range(len(around)) if around[at : at + len(plain)] == plain) if plain else 0
    names = {name: text for name, text in tokenizer.special_tokens_map.items() if isinstance(text, str)}
    return {
        "ids": ids,
        "before": around[:at],
        "after": around[at + len(plain) :],
        "decoded": [tokenizer.decode(tokens, skip_special_tokens=True) for tokens in ids],
        "special": dict(sorted(names.items())),
        "additional": tokenizer.special_tokens_map.get("additional_special_tokens", []),
    }


def write_golden(name, golden):
    """Writes a golden with a line for each case."""
    lines = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('{"vocabulary":', '\n{"vocabulary":')
    (HERE / name).write_text(lines + "\n")


def main():
    logging.disable(logging.WARNING)
    draw = random.Random(17)
    cases = []
    while len(cases) < CASES:
        kind, files = drawn(draw)
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), kind, files)
            try:
                cases.append({"vocabulary": kind, "files": files, **measured(folder)})
            except (ValueError, TypeError, KeyError, AttributeError, OSError, AssertionError) as error:
                print("not loaded:", type(error).__name__, str(error)[:90], file=sys.stderr)
    golden = {
        "versions": {"transformers": transformers.__version__},
        "vocabularies": VOCABULARIES,
        "two_files": TWO_FILES,
        "texts": TEXTS,
        "cases": cases,
    }
    write_golden("tokenizer_fields.json", golden)


if __name__ == "__main__":
    main()
