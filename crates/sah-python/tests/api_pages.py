"""Writes a page for each class of the package, and one for its functions, from what is said in its source: docs/python."""

import inspect
import pathlib
import re

import sah
from sah import _sah

FOLDER = pathlib.Path(__file__).parents[3] / "docs/python"

#: The classes by what they are for.
CLASSES = {
    "Models and runs": ["Model", "Answer", "Run", "Rows", "Progress"],
    "Maskers": ["Masker", "State", "Layer", "Previous", "Best", "Ranges", "Pages", "Sampled"],
    "Retentions": ["Retention", "Context"],
    "Benchmarks": ["Benchmark", "Metric", "TokenCounter"],
    "Errors": ["UsageError", "Error"],
}


def found(name):
    if name == "Progress":
        from sah._progress import Progress

        return Progress
    return getattr(sah, name, None) or getattr(_sah, name)


def text(doc):
    """A docstring as Markdown: what is indented is code."""
    lines = inspect.cleandoc(doc or "").splitlines()
    return "\n".join(lines)


def attributes(cls):
    """Names and meanings: those with a `#:` above them in the source, and those that the extension describes."""
    if cls.__module__.startswith("sah") and (source := source_of(cls)) is not None:
        found = re.findall(r"((?:^ +#: .*\n)+) +(?:self\.)?(\w+)(?::| =)", source, re.MULTILINE)
        return [(name, " ".join(line.strip()[3:] for line in lines.splitlines())) for lines, name in found]
    return [
        (name, " ".join(inspect.cleandoc(member.__doc__ or "").split()))
        for name, member in sorted(vars(cls).items())
        if inspect.isgetsetdescriptor(member)
    ]


def source_of(cls):
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return None


def signature(name, member):
    """A call with its parameters, each on a line of its own where they are many."""
    try:
        whole = inspect.signature(member)
    except (TypeError, ValueError):
        return f"{name}(..)"
    parameters = [parameter for parameter in whole.parameters.values() if parameter.name != "self"]
    call = unquoted(str(whole.replace(parameters=parameters))).replace(", /)", ")").replace("(/)", "()")
    if len(name + call) <= 100:
        return name + call
    lines, is_named = [], False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not is_named:
            is_named = True
            lines.append("*")
        lines.append(unquoted(str(parameter)))
    result = "" if whole.return_annotation is inspect.Signature.empty else f" -> {whole.return_annotation}"
    return f"{name}(\n" + "".join(f"    {line},\n" for line in lines) + f"){result}"


def unquoted(call):
    """Annotations without the quotes that they have in a signature."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", call)


def methods(cls):
    for name, member in vars(cls).items():
        if isinstance(member, property):
            yield name, text(member.__doc__)
        elif callable(member) and (not name.startswith("_") or name == "__call__") and member.__doc__:
            yield signature(name, member), text(member.__doc__)


def page(name):
    cls = found(name)
    lines = [f"# sah.{name}", "", text(cls.__doc__), ""]
    if rows := attributes(cls):
        lines += ["| attribute | |", "|---|---|", *(f"| `{name}` | {meaning} |" for name, meaning in rows), ""]
    for call, meaning in methods(cls):
        lines += [f"## `{call.split('(')[0]}`", ""]
        lines += ["```python", call, "```", ""] if "(" in call else []
        lines += [meaning, ""]
    return "\n".join(lines).rstrip() + "\n"


def functions():
    lines = ["# Functions of sah", ""]
    for name in sorted(sah.__all__):
        member = getattr(sah, name)
        if inspect.isfunction(member):
            lines += [f"## `{name}`", "", "```python", signature(name, member), "```", "", text(member.__doc__), ""]
    return "\n".join(lines).rstrip() + "\n"


def index():
    lines = ["# The package sah", "", "How to begin is in [the guide](../guides/python.md). The functions are on [a page of their own](functions.md).", ""]
    for about, names in CLASSES.items():
        lines += [f"**{about}**: " + ", ".join(f"[{name}]({name}.md)" for name in names), ""]
    return "\n".join(lines).rstrip() + "\n"


def pages():
    """All pages by their file names."""
    of_classes = {f"{name}.md": page(name) for names in CLASSES.values() for name in names}
    return {"README.md": index(), "functions.md": functions(), **of_classes}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_text(content)
