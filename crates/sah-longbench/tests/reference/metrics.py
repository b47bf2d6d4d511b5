#!/usr/bin/env python3
"""Writes metrics.json: what the Python packages behind the official LongBench scorer give for texts of our own.

    cargo xtask bless metrics

python-Levenshtein must not be installed: with it fuzzywuzzy gives other figures, and the official scores are without.
Python 3.11 made the file; the texts come from a seeded generator and stay the same.
"""

import collections
import json
import logging
import pathlib
import random
import re
import string
import sys
import warnings

warnings.filterwarnings("ignore")

import jieba
import numpy
from fuzzywuzzy import fuzz
from rouge import Rouge

jieba.setLogLevel(logging.ERROR)
# Deep enough for the sentences below: the packages' figures are wanted, not the interpreter's limit.
sys.setrecursionlimit(20_000)

CHINESE_PUNCTUATION = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏."
)


def f1(prediction, reference):
    same = sum((collections.Counter(prediction) & collections.Counter(reference)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(prediction), 1.0 * same / len(reference)
    return (2 * precision * recall) / (precision + recall)


def qa_f1(prediction, reference, _):
    def words(text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return re.sub(r"\b(a|an|the)\b", " ", text).split()

    return f1(words(prediction), words(reference))


def qa_f1_zh(prediction, reference, _):
    dropped = string.punctuation + CHINESE_PUNCTUATION

    def words(text):
        cut = ("".join(c for c in word.lower() if c not in dropped) for word in jieba.cut(text))
        return [word for word in ("".join(word.split()) for word in cut) if word]

    return f1(words(prediction), words(reference))


def rouge(prediction, reference, _):
    try:
        return Rouge().get_scores([prediction], [reference], avg=True)["rouge-l"]["f"]
    except ValueError:
        return 0.0


def rouge_zh(prediction, reference, _):
    return rouge(" ".join(jieba.cut(prediction)), " ".join(jieba.cut(reference)), _)


def classification(prediction, reference, classes):
    named = [name for name in classes if name in prediction]
    for name in named:  # changes under the loop, as the official one does
        if name in reference and name != reference:
            named.remove(name)
    return 1.0 / len(named) if reference in named else 0.0


def share(prediction, wanted):
    numbers = re.findall(r"\d+", prediction)
    return sum(number == wanted for number in numbers) / len(numbers) if numbers else 0.0


def retrieval(prediction, reference, _):
    return share(prediction, re.findall(r"Paragraph (\d+)", reference)[0])


def retrieval_zh(prediction, reference, _):
    return share(prediction, re.findall(r"段落(\d+)", reference)[0])


def count(prediction, reference, _):
    return share(prediction, reference)


def code_sim(prediction, reference, _):
    lines = prediction.lstrip("\n").split("\n")
    code = [line for line in lines if "`" not in line and "#" not in line and "//" not in line]
    return fuzz.ratio(code[0] if code else "", reference) / 100


METRICS = [qa_f1, qa_f1_zh, rouge, rouge_zh, classification, retrieval, retrieval_zh, count, code_sim]
rng = random.Random(20240607)


def words(vocabulary, least, most):
    return [rng.choice(vocabulary) for _ in range(rng.randint(least, most))]


def edited(text, alphabet, edits):
    """`text` after some random insertions, deletions, replacements and moves."""
    text = list(text)
    for _ in range(edits):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text.insert(at, rng.choice(alphabet))
        elif kind == 1:
            del text[at : at + rng.randint(1, 4)]
        elif kind == 2:
            text[at : at + 1] = [rng.choice(alphabet)]
        else:
            to = min(len(text), at + rng.randint(1, 30))
            piece = text[at:to]
            del text[at:to]
            at = rng.randrange(len(text) + 1)
            text[at:at] = piece
    return text


def sentences(vocabulary, number, longest):
    ends = [". ", ".", " . ", "... ", ".\n"]
    return "".join(" ".join(words(vocabulary, 0, longest)) + rng.choice(ends) for _ in range(number))


def english_cases():
    yield from [
        ("", "north gate"),
        ("north gate", ""),
        ("The North-Gate!", "northgate"),
        ("It is at the north gate, I think.", "north gate"),
        ("an apple a day; the pear", "apple day pear"),
        ("gate gate north", "north gate"),
        ("NORTH GATE ÉCOLE İstanbul ΣΟΦΟΣ", "north gate école i̇stanbul σοφος"),
        ("a\u0301 thé the\u200b a的 aⓐ _a an_", "á thé the a的 _a"),
        ("x\u00a0y\u2003z\u001dw\u3000v\u0085u", "x y z w v u"),
        ("3.14 and 1,000", "314 1000"),
        ("...", "."),
    ]
    vocabulary = "the a an river mill stone door key red blue clock tower boat".split()
    for _ in range(12):
        yield " ".join(words(vocabulary, 0, 14)), " ".join(words(vocabulary, 1, 9))


CHINESE = [
    "河边的旧磨坊在每年春天开放，游客可以乘船前往。",
    "《灯塔日志》记录了第12次航行，船长名叫林海生。",
    "版本1.2.3发布于3月5日，支持GPT-4和UTF-8编码，准确率98.5%。",
    "他说：“明天下午三点，我们在图书馆门口见面。”",
    "B超检查结果显示一切正常，T恤和卡拉OK都不算在内。",
    "小镇居民乔晓曦喜欢爬山、游泳以及弹琵琶……",
    "结婚的和尚未结婚的都到齐了；研究生命起源的人也来了。",
    "a_b-c.d e-mail：info.desk@example.com\r\n\r\n第二行\t完",
    "㐀㐁鿿龥𠀀龘龘龘與臺灣繁體字",
    "ＡＢＣ１２３，50%-60%，C++和C#，AT&T，.net框架，x.5%y，7.8.",
    "",
    " \n",
    "。！？",
]


def chinese_cases():
    for text in CHINESE:
        yield text, CHINESE[0]
        yield "".join(edited(text, "的了是在，。", 3)), text
    for _ in range(12):
        yield "".join(rng.sample(CHINESE[:7], 2)), rng.choice(CHINESE[:7])


def rouge_cases():
    yield from [
        ("", "a b"),
        ("...", "a b"),
        ("a b", ""),
        (" ", "\n"),
        (". .", "x. ."),
        ("a b c d", "a b c d"),
        ("d c b a", "a b c d"),
        ("a b. c d", "c d. a b"),
        ("a x b y a", "a b a"),
        ("w1 w2 w6 w7 w8. w1 w3 w8 w9 w5", "w1 w2 w3 w4 w5"),
        ("one\u3000two\u00a0three\u001ffour", "one two three four"),
    ]
    for size in [4, 8, 20, 60]:
        vocabulary = [f"w{i}" for i in range(size)]
        for _ in range(5):
            yield sentences(vocabulary, rng.randint(1, 6), 14), sentences(vocabulary, rng.randint(1, 5), 14)
    # More than 64 and more than 128 words between two full stops.
    vocabulary = [chr(97 + i) for i in range(26)]
    for length in [63, 64, 65, 127, 128, 129, 200]:
        yield " ".join(words(vocabulary, length, length)) + ". z", " ".join(words(vocabulary, 70, 90))


CODE = """\
    def open_gate(self, key: str, *, retries: int = 3) -> bool:
        for attempt in range(retries):
            if self.lock.try_turn(key, timeout=0.25 * (attempt + 1)):
                self.log.append(("open", key, attempt))
                return True
        raise GateError(f"gate {self.name!r} stays shut after {retries} tries")
    private static final Map<String, List<Integer>> TABLE = new HashMap<>();
    return items.stream().filter(i -> i.size() > 0).map(Item::name).collect(Collectors.toList());
    let total: u64 = rows.iter().zip(&weights).map(|(row, weight)| row.len() as u64 * weight).sum();
""".splitlines()


def code_cases():
    yield from [
        ("", "x = 1"),
        ("", ""),
        ("x = 1", "x = 1"),
        ("\n\nx = 1\ny", "x = 1"),
        ("```python\n# note\nx = 2\n```", "x = 1"),
        ("```\n\nx = 1", "x = 1"),
        ("# note", ""),
        ("abcdefgh", "axyzuvws"),
        ("abcdefgh", "abcxyzuv"),
        ("tide", "diet"),
        ("diet", "tide"),
        ("打开大门（钥匙）", "关闭大门(钥匙)"),
    ]
    for line in CODE:
        yield rng.choice(CODE), line
        yield "".join(edited(line, "()=.,_ abc", 6)), line
    # 200 characters and more: popular characters start no block.
    for alphabet in ["ab", "abcdefgh", string.ascii_lowercase + " ()=._", [chr(0x4E00 + i) for i in range(90)]]:
        for length in [198, 199, 200, 201, 260, 330]:
            reference = "".join(words(alphabet, length, length))
            yield "".join(edited(reference, alphabet, rng.randint(5, 60))), reference
    for length in [210, 299, 300, 301]:
        reference = (" ".join(line.strip() for line in CODE) * 2)[:length]
        yield "".join(edited(reference, "()=.,_ abc", 25)), reference


def class_cases():
    classes = ["city", "name", "city name", "x", "Date", "Date of birth", "Number of something", "x"]
    for prediction, reference in [
        ("city name of x", "city name"),
        ("city", "city name"),
        ("city name", "city name"),
        ("Date of birth", "Date of birth"),
        ("Date", "Date"),
        ("", "Date"),
        ("date", "Date"),
        ("x, city, name", "x"),
        ("Number of something and Date", "Date"),
        ("x and Date of birth", "Date of birth"),
        ("city name Date of birth x", "not a class"),
    ]:
        yield prediction, reference, classes
    yield "农业、农村和政治", "农业、农村", ["政治", "农业、农村", "农业", "农村"]


NUMBERS = ["", "none", "7", "Paragraph 7", "7 7 8", "07", "7.7", "段落7", "٧", "７", "²", "17 or 7, not 70", "1e7"]


def cases():
    for prediction, reference in english_cases():
        yield qa_f1, prediction, reference, None
    for prediction, reference in chinese_cases():
        yield qa_f1_zh, prediction, reference, None
        yield rouge_zh, prediction, reference, None
    for prediction, reference in rouge_cases():
        yield rouge, prediction, reference, None
    for prediction, reference in code_cases():
        yield code_sim, prediction, reference, None
    for prediction, reference, classes in class_cases():
        yield classification, prediction, reference, classes
    for number in NUMBERS:
        yield count, number, "7", None
        yield retrieval, number, "Paragraph 7", None
        yield retrieval_zh, number, "见段落7。", None


def aggregates():
    """Row scores with what scorer (plain Python) and scorer_e (NumPy) make of them."""
    lists = [[0.01] + [0.0] * 7, [0.5], [1.0] * 3, [0.1] * 10]
    # Hundredths over 200 rows: many means lie halfway between two hundredths of a per cent.
    for rows in [5, 7, 8, 9, 40, 100, 127, 128, 129, 200]:
        lists.append([rng.randint(0, 100) / 100 for _ in range(rows)])
        lists.append([round(rng.random(), 3) if rng.random() < 0.6 else 0.0 for _ in range(rows)])
    for scores in lists:
        total = 0.0
        for score in scores:
            total += score
        yield {
            "scores": scores,
            "standard": round(100 * total / len(scores), 2),
            "extended": float(round(100 * numpy.mean(scores), 2)),
        }


def lines(items):
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]"


def main():
    rows = [
        {"metric": metric.__name__, "prediction": prediction, "reference": reference, "classes": classes}
        | {"score": metric(prediction, reference, classes)}
        for metric, prediction, reference, classes in cases()
    ]
    parts = {"rows": rows, "aggregates": aggregates()}
    text = "{\n" + ",\n".join(f'"{name}": {lines(items)}' for name, items in parts.items()) + "\n}\n"
    pathlib.Path(__file__).with_name("metrics.json").write_text(text, encoding="utf-8")


main()
