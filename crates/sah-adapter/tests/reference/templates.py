"""Chat templates rendered by transformers. All but the default model's were written for this file."""

from transformers.utils.chat_template_utils import render_jinja_template

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}

USERS = ["Hello", "  spaces around \n", "quotes \" ' <b>&amp;</b> \\n {{ braces }}", "", "ünï 漢字 🙂\nsecond line"]

SOURCES = [
    # The usual shape.
    "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}",
    # Blocks on lines of their own: trim_blocks and lstrip_blocks.
    "{% for message in messages %}\n    {% if message.role == 'user' %}\n<user>{{ message.content | trim }}\n"
    "    {% else %}\n<other>\n    {% endif %}\n{% endfor %}\n{%- if add_generation_prompt -%}\n<model>\n{%- endif %}\n",
    # A default system message, set and namespace.
    "{% set ns = namespace(found=false) %}{% for m in messages %}{% if m.role == 'system' %}{% set ns.found = true %}"
    "{% endif %}{% endfor %}{% if not ns.found %}<sys>default</sys>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}",
    # Methods of Python's str, slices and tests.
    "{% for m in messages %}{{ m.role.upper() }}|{{ m.content.strip() }}|{{ m.content.split(' ')[-1] }}|"
    "{{ m.content.startswith('H') }}|{{ m['content'][:3] }}|{{ m.content | length }}"
    "{% if m.content is string %}|s{% endif %}{% if m.tool_calls is defined %}|t{% endif %}{% endfor %}",
    # tojson with and without indent, dictionaries, lists.
    "{% for m in messages %}{{ m | tojson }}{{ {'a': [1, 2.5, true, none], 'b': m.content} | tojson(indent=2) }}"
    "{% endfor %}",
    # Loop controls and loop variables, reversed lists.
    "{% for n in [1, 2, 3, 4, 5] %}{% if n == 2 %}{% continue %}{% endif %}{% if n == 4 %}{% break %}{% endif %}"
    "{{ n }}{{ '' if loop.first else ',' }}{{ loop.index0 }};{% endfor %}{{ messages[::-1][0].content }}",
    # Macros, filters, string concatenation, tools that are none.
    "{% macro wrap(text, tag='p') %}<{{ tag }}>{{ text }}</{{ tag }}>{% endmacro %}"
    "{% if tools is not none and tools %}tools{% endif %}{{ wrap(messages[0]['content']) }}"
    "{{ wrap(messages[-1].role ~ '!', tag='q') }}{{ [1, 2] | join('-') }}{{ undefined_thing | default('d') }}",
    # What many instruct models do: roles must alternate, else an exception.
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% if m['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}{% endfor %}",
]


def render_all(sources):
    return [
        {
            "source": source,
            "special": SPECIAL,
            "user": user,
            "rendered": render_jinja_template(
                conversations=[[{"role": "user", "content": user}]],
                chat_template=source,
                add_generation_prompt=True,
                **SPECIAL,
            )[0][0],
        }
        for source in sources
        for user in USERS
    ]
