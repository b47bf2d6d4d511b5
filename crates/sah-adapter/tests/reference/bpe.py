"""Byte-level byte-pair encoding in plain Python, from its description, as a reference for the tokenizers we build.

No tokenizer library is used: texts are cut with the `regex` package and the pairs merged one by one.
"""

import unicodedata
from collections import Counter

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDING}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDING}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

QWEN35 = QWEN2.replace(r"\p{L}+|\p{N}|", r"[\p{L}\p{M}]+|\p{N}|").replace(r" ?[^\s\p{L}\p{N}]", r" ?[^\s\p{L}\p{M}\p{N}]")
SEED = QWEN2.replace(r" ?[^\s\p{L}\p{N}]+[\r\n]*", r" ?[^\s\p{L}\p{N}\r\n]+")
TEKKEN = GPT4O.replace(ENDING, "").replace(r"\p{N}{1,3}", r"\p{N}")
# Letters that have a capital or are one, in the version of Unicode that the first DeepSeek models were made with.
CASED = (
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ"
    "-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰"
    "-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
)
HAN = r"[一-龥\u0800-一가-\ud7ff]+"
DEEPSEEK_LLM = [r"[\r\n]", rf"\s?[{CASED}]+", r"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", r"\s+$", HAN, r"\p{N}"]
DEEPSEEK_CODER = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN, r"\p{N}"]
DEEPSEEK_V3 = [
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
]

# The patterns by which a text is cut, one after another, each of the pieces of those before it.
PATTERNS = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "llama-bpe": [LLAMA3],
    "qwen2": [QWEN2],
    "gpt-4o": [GPT4O],
    "qwen35": [QWEN35],
    "tekken": [TEKKEN],
    "seed-coder": [SEED],
    "deepseek-llm": DEEPSEEK_LLM,
    "deepseek-coder": DEEPSEEK_CODER,
    "deepseek-v3": DEEPSEEK_V3,
}
# Those that cut as one of the others.
PATTERNS |= {name: PATTERNS["llama-bpe"] for name in ("glm4", "dbrx", "smaug-bpe")}
PATTERNS |= {name: PATTERNS["smollm"] for name in ("command-r", "refact")}
PATTERNS |= {"exaone4": PATTERNS["gpt-2"], "hunyuan-dense": PATTERNS["deepseek-v3"]}
# Kinds that compose characters first.
COMPOSING = {"qwen2", "qwen35", "command-r"}
# Kinds that take a piece which is a token as it is.
IGNORING_MERGES = {"llama-bpe", "glm4", "tekken"}

# Those with goldens of their own: each way to cut, and each combination with the two above.
KINDS = [
    "gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "qwen35", "tekken", "seed-coder", "deepseek-llm", "deepseek-coder", "deepseek-v3",
    "glm4", "dbrx", "command-r",
]


def byte_characters():
    """The printable character that stands for each byte: itself where it is printable Latin-1, else from U+0100 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    characters = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        if byte not in characters:
            characters[byte] = chr(256 + len(characters) - len(plain))
    return characters


BYTES = byte_characters()


def split(kind, text):
    """The pieces of a text that are encoded apart."""
    if kind in COMPOSING:
        text = unicodedata.normalize("NFC", text)
    pieces = [text]
    for pattern in PATTERNS[kind]:
        pieces = [part for piece in pieces for part in isolated(pattern, piece)]
    assert "".join(pieces) == text
    return pieces


def isolated(pattern, text):
    """Matches, and what stands between them."""
    end = 0
    for match in regex.finditer(pattern, text):
        yield from (part for part in (text[end : match.start()], match.group()) if part)
        end = match.end()
    if text[end:]:
        yield text[end:]


class Tokenizer:
    def __init__(self, kind, tokens, merges, added):
        self.kind, self.tokens, self.merges, self.added = kind, tokens, merges, added
        self.ids = {token: i for i, token in enumerate(tokens)}
        self.ranks = {pair: i for i, pair in enumerate(merges)}

    def encode(self, text):
        pattern = "(" + "|".join(regex.escape(token) for token in sorted(self.added, key=len, reverse=True)) + ")"
        ids = []
        for part in regex.split(pattern, text):
            if part in self.added:
                ids.append(self.ids[part])
            elif part:
                for piece in split(self.kind, part):
                    ids += self.encode_piece("".join(BYTES[byte] for byte in piece.encode()))
        return ids

    def encode_piece(self, piece):
        if self.kind in IGNORING_MERGES and piece in self.ids:
            return [self.ids[piece]]
        parts = list(piece)
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(parts, parts[1:]))]
            rank, i = min(ranked)
            if rank == len(self.ranks):
                break
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return [self.ids[part] for part in parts]

    def add_to(self, writer):
        """Adds it to the metadata of a GGUF file."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.kind)
        writer.add_token_list(self.tokens)
        writer.add_token_merges([f"{left} {right}" for left, right in self.merges])
        writer.add_token_types([3 if token in self.added else 1 for token in self.tokens])
        writer.add_bos_token_id(self.ids["<|start|>"])


def train(kind, text, merges):
    """A small tokenizer: the most frequent pair is merged next, the smaller one of equally frequent ones first."""
    words = Counter(tuple(BYTES[byte] for byte in piece.encode()) for piece in split(kind, text))
    tokens, learned = ["<|start|>", "<|end|>", *sorted(BYTES.values())], []
    while len(learned) < merges:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        learned.append(best)
        if best[0] + best[1] not in tokens:
            tokens.append(best[0] + best[1])
        words = Counter({merge(word, best): count for word, count in words.items()})
    # A word that no merge leads to: taken whole only where the merges are ignored.
    tokens.append("Ġzyxw")
    return Tokenizer(kind, tokens, learned, ["<|start|>", "<|end|>"])


def merge(word, pair):
    merged, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


TRAINING_TEXT = """
The tide table hangs beside the door of the harbour office. On the 3rd of March 2024 the water stood at 1,204 mm,
on the 4th at 1,198 mm; nobody remembers who wrote "don't ask" below it. They'll repaint it, they've said, once
it's dry. def read(level, unit='mm'):\n    return f"{level:>6} {unit}"  # six wide\n\n\tfor i in range(10): pass
Die Flut kam um 06:30 Uhr, größer als üblich. Café, naïve, coöperate. 潮水在三月四日上涨。港口的门上写着数字。
Прилив пришёл рано. สวัสดี। नमस्ते दुनिया। ١٢٣ ½ Ⅻ — “quoted” … 🌊🌊 🚢👩‍🔧
""" * 3

TEXTS = [
    "",
    " ",
    "Hello world",
    " leading and trailing ",
    "two  spaces   three    four\tand\ttabs",
    "line\nbreaks\n\nand\r\nmore\n   indented\n",
    "   \n  \n",
    "I'm sure they'll say it's OK, WE'LL SEE, don't",
    "2024-03-04, 1234567 and 3.14159; 10% of 99",
    "a1b22c333d4444 v2.0.1",
    "x=1\ny = [1, 2, 3]\nprint(f'{x:>10}')  # comment",
    "def f(a, b):\n    if a > b:\n        return a\n    return b\n",
    "fn main() { println!(\"{}\", 0xFF & 1_000u32); }",
    "Größe naïve coöperate Œuvre",
    "cafe\u0301 vs caf\u00e9, A\u030angstro\u0308m",
    "港口的门上写着数字123。全角１２３",
    "日本語のテキスト、カタカナ",
    "한국어 텍스트",
    "Прилив пришёл рано, в 6:30",
    "नमस्ते दुनिया ١٢٣ ½ Ⅻ ²",
    "🌊 🚢👩‍🔧 👍🏽 family: 👨‍👩‍👧",
    "non\u00a0breaking\u2003em space\u200bzero",
    "<|start|>user\nHi<|end|>\n<|start|>assistant\n",
    "not special: <|star|> <| end |>",
    "... !!! ??? --- ===> ***bold*** ~/path/to/file.txt",
    "https://example.org/a?b=1&c=%20#d",
    " zyxw zyxw.",
    "HTTPServer2 isItCamelCase DON'T they'LL e\u0301t\u0300 //path//\n",
    "control \x00\x01\x1f\x7f characters",
    "A" * 70 + " " * 70 + "\n" * 5 + "9" * 17,
]
