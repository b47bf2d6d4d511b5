"""The prompts of the goldens, written for this project."""

from __future__ import annotations

from dataclasses import replace

from request import Question, Request

DIARY = """The diary of the lighthouse at Korrin Point, kept by Ada Venn.

On the first of March the wind came from the north and the supply boat could not land. I counted the oil: eleven full
barrels and one that is half empty. The lamp was lit at ten past six and burned until morning without trouble.

On the fourth of March the boat came at last. It brought flour, a sack of onions, two coils of rope and a letter from my
brother Tomas, who has opened a bakery in Ellery. He asks me every spring to leave the rock and keep his books. Every
spring I answer that somebody has to mind the light. This year I have not answered yet.

On the ninth of March a grey seal with a white scar on its back lay on the landing steps. I named it Bishop, because it
looked at me as if I had forgotten a prayer. It ate the heads of the mackerel and left the tails. In the night there was
fog, and I rang the bell once a minute from eleven until four. A schooner answered twice from the east and passed us.

On the fifteenth of March the great lens cracked. A gull, chased by a hawk, flew into the lantern room through the open
hatch and struck the lower prism. The bird was only stunned and left by itself. I covered the crack with a strip of
copper from the old kettle, and the beam is weaker on the side of the harbour, though strong enough toward the sea.

On the twentieth of March the inspector came, a tall man named Oswald Pike. He measured the crack with a brass ruler and
wrote the number down three times. He said that a new prism costs forty crowns and that the board will not pay before
summer. I showed him the copper. He laughed and said that it was the best repair on this coast.

On the last day of March I wrote to Tomas. I told him about the seal, the gull and the inspector, and that I will stay
until the new prism is in its place, and not a day less. The wind has turned to the south. Bishop is back on the steps.
"""


def _inventory() -> str:
    """A list of stores, so that the long prompt has lines that look alike."""
    goods = (
        "candles, biscuits, nails, blankets, matches, lamp wicks, tea, soap, salt, tar, canvas, copper sheet, paint, "
        "window glass, rope, onions, flour, fish hooks"
    ).split(", ")
    rows = (f"Shelf {i}: {17 * i % 90 + 3} units of {name}, checked in week {i}.\n" for i, name in enumerate(goods, 1))
    return "Stores in the cellar:\n" + "".join(rows)


LONG = DIARY + "\n" + _inventory() + "\nUse the diary and the list of stores.\n\n"

CODE = '''```python
class Ledger:
    """Keeps balances; amounts are in cents."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = {}

    def deposit(self, name: str, amount: int) -> None:
        if amount <= 0:
            raise ValueError(f"amount must be positive, got {amount}")
        self.balances[name] = self.balances.get(name, 0) + amount

    def transfer(self, source: str, target: str, amount: int) -> None:
        if self.balances.get(source, 0) < amount:
            raise ValueError("not enough money")
        self.balances[source] -= amount
        self.deposit(target, amount)

    def withdraw(self, name: str, amount: int) -> None:
```
'''

WHITESPACE = (
    "Column A\tColumn B\t\tColumn C\r\n  two spaces before\n\n\n\tone tab before \n"
    "no-break\u00a0space, thin\u2009space   \n"
)

UNICODE = (
    "Café, naïve, Straße, Łódź, e\u0301 with a combining accent. Ελληνικά, кириллица, עברית, العربية ١٢٣, हिन्दी, ไทย. "
    "Signs: ½ ² Ⅷ ① € № ∑ → ﬁ. Emoji: 🦊 👩‍🚀 🇫🇷 👍🏽. Quotes: “low” ‘high’ «side» … — dash.\n"
)

CJK = (
    "小林在北京的一家书店工作。星期一他卖了12本书，星期二卖了7本，星期三书店没有开门。"
    "東京の夏はとても暑いです。私は毎朝六時に起きて、公園を散歩します。"
    "부산에는 바다가 있고 서울에는 한강이 있습니다.\n"
)


def apart() -> list[Request]:
    """Prompts whose context and question are two texts, as in the reference framework."""
    names = ("cjk", "whitespace", "border_in_a_word", "border_of_white_space")
    return [replace(request, tokenise="apart") for request in requests() if request.name in names]


def requests() -> list[Request]:
    """All prompts of the goldens."""
    return [
        Request("capital", "", [Question("What is the capital of France?")]),
        # Short enough to begin dense and long enough to outgrow the local window while decoding.
        Request(
            "outgrows_window",
            "Write a short story about a fox ",
            [Question("who wants to learn to swim.", max_new_tokens=64)],
        ),
        Request(
            "digits",
            "Order 10482 holds 7 boxes of 3.14 kg, paid 1,000,000 won on 2024-11-05 at 09:30, code 0xFF, room 12B.\n",
            [Question("Which number is the number of the order? Answer with the number only.")],
        ),
        Request("unicode", UNICODE, [Question("List the languages in this text.")]),
        Request("cjk", CJK, [Question("小林星期一卖了几本书？")]),
        Request("code", CODE, [Question("Complete the method withdraw.", "```python\n    def withdraw(")]),
        Request("whitespace", WHITESPACE, [Question("  \n How many columns are there?\n\n")]),
        Request(
            "contractions",
            "I'm sure they'd've gone; it's 5 o'clock, WE'LL see what's-his-name's dog (isn't it?) -- don't you?!\n",
            [Question("Rewrite the sentence without contractions.")],
        ),
        Request(
            "special_token_in_text",
            "The file ends with <|endoftext|> and then a second part begins.<|im_end|>\n",
            [Question("How does the file end?")],
        ),
        Request("answer_prefix", DIARY, [Question("What did the keeper name the seal?", "The keeper named the seal")]),
        Request(
            "long_with_questions",
            LONG,
            [
                Question("Question: Who is Oswald Pike?\n", "Answer:"),
                Question("How many barrels of oil were full on the first of March?"),
                Question("Summarise the diary in one paragraph."),
            ],
        ),
        # The border is inside a word, and two of the questions join its last token differently.
        Request(
            "border_in_a_word",
            DIARY + "What did the light",
            [
                Question("house keeper name the seal?", max_new_tokens=16),
                Question("s in the harbour look like?", max_new_tokens=16),
                Question(" show?", max_new_tokens=16),
                Question("house stand on?", max_new_tokens=16),
            ],
        ),
        Request("border_of_white_space", DIARY + "\n", [Question("\n  Who is Oswald Pike?")], max_context_length=400, truncation="middle"),
        Request("truncation_head", LONG, [Question("What cracked?")], max_context_length=300, truncation="head"),
        Request("truncation_middle", LONG, [Question("What cracked?")], max_context_length=301, truncation="middle"),
    ]
