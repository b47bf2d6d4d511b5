"""A benchmark in Python: which colour does the harbour's boat have?

    run = sah.bench(colours.Colours(), model)

or `python -m sah bench colours.py:Colours` in its folder.
"""

import sah

BOATS = {"Marigold": "yellow", "Heron": "grey", "Cinder": "black", "Poppy": "red"}


class Colours(sah.Benchmark):
    """An answer is right if it has the colour."""

    name = "colours"
    about = "which colour a boat has"

    def rows(self, count):
        context = " ".join(f"The boat {boat} is painted {colour}." for boat, colour in BOATS.items())
        for boat, colour in BOATS.items():
            question = f"Which colour has the boat {boat}? Answer in one word."
            yield {"context": context, "question": question, "answers": [colour], "boat": boat, "max_new_tokens": 8}

    def score(self, answer, row):
        return 100.0 if row["answers"][0] in answer.lower() else 0.0
