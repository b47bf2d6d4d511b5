#!/usr/bin/env python3
"""Writes meteor.json, what NLTK gives for words and texts of our own, and wordnet/, the part of WordNet 3.0 that these need.

    apt-get install wordnet-base   # once; or WORDNET=DIR, a folder with the files of WordNet 3.0
    cargo xtask bless meteor

Python 3.11 made the files; the texts come from a seeded generator and stay the same. wordnet/ has the files of WordNet with its licence,
the lines that the texts look up, and neither definitions nor relations.
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score

HERE = pathlib.Path(__file__).parent
WORDNET = pathlib.Path(os.environ.get("WORDNET", "/usr/share/wordnet"))
PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
STEMMER = PorterStemmer()

# Words that are equal, have equal stems, are synonyms, or are none of it.
VOCABULARY = """
cat cats Feline dog dogs canine car automobile autos motorcar begin began started commencing big large larger largest huge bigger
quick quickly fast faster speedily buy bought purchased purchases men women child children kids geese mice ox oxen lives wolves
happy happily glad happier physician doctors illness sickness diseases answer answers replied reply responding near close lawyer attorney
attorneys movie film films picture boxes churches dishes flies studies studying axes analyses indices better best well good worse
far further the a of to and is was 1987 U.S. state-of-the-art naïve Élan 東京 it's end. "quoted" x dying skies news entirely wholly
""".split()
# For the stemmer alone: endings of its rules on beginnings of all kinds.
ENDINGS = """s es ies sses ss ed ied eed ing y ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness
fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion
tion ou ism ate iti ous ive ize e ll l ally lly ating bling izing *ding""".split()
LETTERS = "aeiouybcdfglmnprstvwxz" + "ée'*-3"


def corpus():
    """WordNet as NLTK reads it: Debian's package lacks the names of Princeton's own files, which METEOR does not need."""
    folder = pathlib.Path(tempfile.mkdtemp())
    for file in WORDNET.iterdir():
        (folder / file.name).symlink_to(file.resolve())
    if not (folder / "lexnames").exists():
        (folder / "lexnames").write_text("".join(f"{number:02} name{number} 0\n" for number in range(45)))
    wordnet = WordNetCorpusReader(str(folder), None)
    if wordnet.get_version() != "3.0":
        sys.exit(f"{WORDNET}: expected WordNet 3.0, found {wordnet.get_version()}")
    return wordnet


def synonyms(wordnet, word):
    names = {lemma.name() for synset in wordnet.synsets(word) for lemma in synset.lemmas()}
    return sorted(name for name in names if "_" not in name)


def texts():
    draw = random.Random(5)

    def text(longest):
        return [draw.choice(VOCABULARY) for _ in range(draw.randrange(longest))]

    pairs = [([], []), (["cat"], []), ([], ["cat"]), (["cat"], ["cat"]), (["Cat", "cats"], ["cats", "CAT"]), (["a"] * 7, ["a"] * 3)]
    for longest in (4, 12, 40, 130):
        pairs += [(text(longest), text(longest)) for _ in range(14)]
    for _ in range(12):
        reference = text(60)
        words = [word for word in reference if draw.random() < 0.8]
        at = draw.randrange(len(words) + 1)
        pairs.append((words[at:] + text(5) + words[:at], reference))
    return pairs


def stems(wordnet):
    draw = random.Random(6)
    known = sorted(lemma for lemma in wordnet._lemma_pos_offset_map if "_" not in lemma)
    words = draw.sample(known, 1500) + VOCABULARY + list(STEMMER.pool)
    for _ in range(1500):
        begin = "".join(draw.choice(LETTERS) for _ in range(draw.randrange(6)))
        words.append(begin + draw.choice(ENDINGS))
    return {word: STEMMER.stem(word) for word in words}


def whole(wordnet):
    """A hash of the synonyms of every fifth word of WordNet, in the order of its files, with inflections."""
    names = [f"index.{part}" for part in PARTS.values()] + [f"{part}.exc" for part in PARTS.values()]
    words = [line.split()[0] for name in names for line in (WORDNET / name).read_text().splitlines() if not line.startswith(" ")]
    digest = hashlib.sha256()
    for word in words[::5]:
        for form in (word, word + "s", word + "es", word + "ed", word + "ing", word + "er", word + "est"):
            digest.update(" ".join([form, *synonyms(wordnet, form)]).encode() + b"\n")
    return digest.hexdigest()


def cut(wordnet, words):
    """Writes the part of WordNet that `words` look up."""
    folder = HERE / "wordnet"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for pos, part in PARTS.items():
        forms = sorted({form for word in words for form in wordnet._morphy(word.lower(), pos)})
        index = {form: wordnet._lemma_pos_offset_map[form][pos] for form in forms}
        licence, new = {}, {}
        for kind in ("index", "data"):
            lines = (WORDNET / f"{kind}.{part}").read_text().splitlines(keepends=True)
            licence[kind] = "".join(line for line in lines if line.startswith(" "))
        data = licence["data"]
        for offset in sorted({offset for offsets in index.values() for offset in offsets}):
            with open(WORDNET / f"data.{part}", "rb") as file:
                file.seek(offset)
                fields = file.readline().decode().split()
            new[offset] = len(data.encode())
            end = 4 + 2 * int(fields[3], 16)
            data += " ".join([f"{new[offset]:08}", *fields[1:end], "000", "|"]) + "  \n"
        lines = [
            f"{form} {pos} {len(offsets)} 0 {len(offsets)} 0 " + " ".join(f"{new[offset]:08}" for offset in offsets) + "  \n"
            for form, offsets in index.items()
        ]
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text(licence["index"] + "".join(lines))
        exceptions = wordnet._exception_map[pos]
        looked_up = sorted({word.lower() for word in words} & exceptions.keys())
        (folder / f"{part}.exc").write_text("".join(" ".join([word, *exceptions[word]]) + "\n" for word in looked_up))


def main():
    wordnet = corpus()
    pairs = texts()
    words = sorted({form for word in VOCABULARY for form in (word.lower(), STEMMER.stem(word.lower()))})
    cut(wordnet, words)
    golden = {
        "pairs": [
            {
                "prediction": prediction,
                "reference": reference,
                "meteor": single_meteor_score(reference, prediction, wordnet=wordnet),
            }
            for prediction, reference in pairs
        ],
        "stems": stems(wordnet),
        "synonyms": {word: synonyms(wordnet, word) for word in words},
        "whole": whole(wordnet),
    }
    (HERE / "meteor.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


main()
