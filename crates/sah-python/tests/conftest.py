"""What all tests share: the default model, loaded once."""

import pathlib
import sys

import pytest

import sah

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))


@pytest.fixture(scope="session")
def model() -> sah.Model:
    return sah.load("smollm2-135m-instruct")


@pytest.fixture
def examples() -> pathlib.Path:
    return EXAMPLES
