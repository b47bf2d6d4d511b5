"""What all tests share: the default model, loaded once."""

import os
import pathlib
import sys

import pytest

import sah
from sah import _default_model

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))
# Processes and transformers find the default model where this one does.
_default_model.prepare(["generate"])


@pytest.fixture(scope="session")
def default_model():
    """The default model and its tokenizer, read by transformers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder, file = os.path.split(os.environ["SAH_DEFAULT_MODEL"])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    return model, transformers.AutoTokenizer.from_pretrained(folder, gguf_file=file)


@pytest.fixture(scope="session")
def model() -> sah.Model:
    return sah.load("smollm2-135m-instruct")


@pytest.fixture
def examples() -> pathlib.Path:
    return EXAMPLES
