"""Models in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sah import _sah
from sah._default_model import prepare
from sah._methods import Attention, Keeping, given
from sah._words import PROGRAM, words


class Answer:
    """An answer and what it cost."""

    def __init__(self, attention: str, response: Mapping[str, Any], question: int) -> None:
        answer = response["answers"][question]
        #: The name of the attention.
        self.attention = attention
        #: The text, without thoughts.
        self.text: str = answer["text"]
        #: What the model wrote to itself before; `None` where it did not.
        self.thoughts: str | None = (answer["thoughts"] or {}).get("text")
        #: Tokens, seconds and densities, as result files have them.
        self.stats: dict[str, Any] = answer["stats"]
        #: What the context cost.
        self.context: dict[str, Any] = response["context"]

    def __repr__(self) -> str:
        return f"sah.Answer({self.attention!r}, {self.text!r})"


class Model:
    """A model in memory; made by `sah.load` or `sah.transformers`."""

    def __init__(self, words: list[str], models: _sah.Models, identity: Mapping[str, Any], folder: Any = None) -> None:
        #: The flags that it was loaded by.
        self.words = words
        #: Keeps it in memory.
        self.models = models
        #: Its name, architecture, source and SHA-256.
        self.identity = dict(identity)
        # Files that runs read again, which go with it.
        self._folder = folder

    def __repr__(self) -> str:
        return f"sah.Model({self.identity['name']!r}, {self.identity['architecture']})"

    def generate(
        self,
        question: str | Sequence[str],
        context: str | None = None,
        *,
        attention: Attention | Sequence[Attention] | Mapping[str, Attention] | None = None,
        retention: Keeping | Sequence[Keeping] | Mapping[str, Keeping] | None = None,
        on_token: Callable[[str, int, str, bool, bool], None] | None = None,
        **options: Any,
    ) -> list[Answer]:
        """Answers one question or several about a context, which is read once; with each attention, in the order asked.

        `on_token(attention, question, text, is_thought, is_last)` is called for each new token. The options are the flags of
        `generate`, with `_` for `-`.
        """
        questions = [question] if isinstance(question, str) else list(question)
        with given(attention, retention) as call:
            line = [
                *self.words,
                *(f"--question={text}" for text in questions),
                *call.words,
                *words(options),
            ]
            answered = _sah.answer(PROGRAM, line, context, call, self.models, on_token)
        read = [(name, json.loads(response)) for name, response in answered]
        return [Answer(name, response, n) for name, response in read for n in range(len(questions))]


def load(model: str, **options: Any) -> Model:
    """Loads a model to our engine: a hub id, a folder in Hugging Face form, a GGUF file, or `smollm2-135m-instruct`.

    The options are the flags of models and chat templates, with `_` for `-`: `dtype`, `weights`, `kv_dtype`, `device`, `threads`,
    `revision`, `chat_template`, `template_arg`, `thinking`, and those that stand in for the model's config.
    """
    line = [f"--model={model}", *words(options)]
    prepare(["generate", *line])
    models = _sah.Models()
    return Model(line, models, json.loads(_sah.load(PROGRAM, line, models)))
