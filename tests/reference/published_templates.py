"""Chat templates as models are published with them, rendered by transformers.

    .venv-reference/bin/python tests/reference/published_templates.py FOLDER OUT.json
    SAH_PUBLISHED_TEMPLATES=OUT.json cargo test --release --workspace --lib -- --ignored published_templates

FOLDER has *.jinja files; PyPI's source package of llama-cpp-python has some seventy of them, of Qwen 3, Qwen3-Coder, Llama 3,
Mistral, Gemma, gpt-oss, DeepSeek and others:

    pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36
    tar xf llama_cpp_python-0.3.36.tar.gz --wildcards '*/models/templates/*.jinja'

They are not part of this repository, and neither is OUT.json. Templates that write the date must be compared on the same day.
"""

import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather <now> & then.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "A city", "enum": ["Paris", "Zürich"]},
                "days": {"type": "integer", "default": 3, "minimum": 1.5},
                "units": {"type": ["string", "null"]},
                "list": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["city"],
        },
    },
}
SYSTEM = {"role": "system", "content": "You are terse. It's <b>\"quoted\"</b>.\n"}
USER = {"role": "user", "content": "  What is  the answer?\nüñ 漢字 🙂 {{ x }} "}
ASSISTANT = {"role": "assistant", "content": "<think>\nsome thoughts\n</think>\n\nForty-two."}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 2, "x": None}}}],
}
RESULT = {"role": "tool", "tool_call_id": "abcdefghi", "name": "get_weather", "content": "{\"sky\": \"blue\"}"}

CONVERSATIONS = [
    ([USER], {}),
    ([SYSTEM, USER], {}),
    ([USER, ASSISTANT, USER], {}),
    ([SYSTEM, USER, ASSISTANT, USER, ASSISTANT], {}),
    ([USER], {"tools": [TOOL]}),
    ([SYSTEM, USER, CALL, RESULT], {"tools": [TOOL]}),
    ([SYSTEM, USER, CALL, RESULT, ASSISTANT, USER], {"tools": [TOOL, TOOL]}),
    ([USER], {"enable_thinking": False, "thinking": False}),
    ([SYSTEM, USER, ASSISTANT, USER], {"enable_thinking": True, "thinking": True, "reasoning_effort": "low", "date_string": "26 Jul 2024"}),
    ([{"role": "user", "content": [{"type": "text", "text": "in parts"}]}], {}),
    ([ASSISTANT], {}),
    ([], {}),
]


def cases(template):
    for messages, given in CONVERSATIONS:
        for prompt in (True, False):
            context = {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>", **given}
            try:
                text = template.render(**context)
            except Exception:
                text = None
            yield {"context": context, "text": text}


def main():
    folder, out = map(Path, sys.argv[1:])
    templates = []
    for path in sorted(folder.rglob("*.jinja")):
        source = path.read_bytes().decode("utf-8")
        try:
            compiled = _compile_jinja_template(source)
            found = list(cases(compiled))
        except Exception:
            found = None
        templates.append({"name": path.name, "source": source, "cases": found})
    out.write_text(json.dumps(templates, ensure_ascii=False), encoding="utf-8")
    texts = sum(case["text"] is not None for template in templates for case in template["cases"] or [])
    print(f"{len(templates)} templates, {texts} prompts")


if __name__ == "__main__":
    main()
