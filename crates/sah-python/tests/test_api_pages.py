"""The pages of the classes are those of the source."""

import inspect

import api_pages

import sah


def test_pages_are_those_of_the_source():
    kept = {path.name: path.read_text() for path in api_pages.FOLDER.glob("*.md")}
    assert kept == api_pages.pages(), "write them again: python tests/api_pages.py"


def test_every_class_has_a_page():
    classes = {name for name in sah.__all__ if inspect.isclass(getattr(sah, name))}
    assert classes <= {name for names in api_pages.CLASSES.values() for name in names}
