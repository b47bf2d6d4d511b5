"""Chat templates rendered by transformers. All but the default model's were written for this file."""

from datetime import datetime

from transformers.utils.chat_template_utils import render_jinja_template

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}

USERS = ["Hello", "  spaces around \n", " two\nlines </think>\n\n x ", "quotes \" ' <b>&amp;</b> \\n {{ braces }}", "", "ünï 漢字 🙂\nsecond line"]

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


# One construct each, by what it is. `error` in a name: transformers refuses it.
CONSTRUCTS = {
    "output of every type": "{{ true }}|{{ false }}|{{ none }}|{{ 1 }}|{{ 1.0 }}|{{ 0.1 }}|{{ 1e20 }}|{{ [1, 'a', none, true, 1.5] }}|{{ {'k': 'v', 'n': [1]} }}|{{ ('a', 1) }}|{{ undefined_name }}|{{ \"it's\" }}|{{ [\"it's\", 'q\"'] }}",
    "output of message": "{{ messages }}",
    "arithmetic": "{{ 7 // 2 }}|{{ -7 // 2 }}|{{ 7 / 2 }}|{{ 6 / 2 }}|{{ 7 % 3 }}|{{ -7 % 3 }}|{{ 2 ** 10 }}|{{ 'ab' * 3 }}|{{ 1 + 2.5 }}|{{ [1] + [2] }}|{{ 3 - 5 }}|{{ -3 }}|{{ 10 ~ 'x' ~ none ~ true }}",
    "comparison": "{{ 1 < 2 }}|{{ 'a' < 'b' }}|{{ 1 == 1.0 }}|{{ [1, 2] == [1, 2] }}|{{ 'a' != 'b' }}|{{ not true }}|{{ 1 < 2 < 3 }}|{{ 3 > 2 > 2 }}|{{ none == false }}",
    "logic gives operands": "{{ 'a' or 'b' }}|{{ '' or 'b' }}|{{ 'a' and 'b' }}|{{ none and 'b' }}|{{ 0 or [] }}",
    "membership": "{{ 'a' in 'abc' }}|{{ 'role' in messages[0] }}|{{ 1 in [1, 2] }}|{{ 'x' not in 'abc' }}|{{ 'tool_calls' not in messages[0] }}",
    "conditional expression": "{{ 'y' if messages else 'n' }}|{{ 'y' if not messages }}|{{ ('a' if true else 'b') ~ 'c' }}",
    "slices": "{{ 'abcdef'[1:3] }}|{{ 'abcdef'[-2:] }}|{{ 'abcdef'[::-1] }}|{{ 'abcdef'[::2] }}|{{ [1, 2, 3][1:] }}|{{ [1, 2, 3][:-1] }}|{{ [1, 2, 3][::-1] }}|{{ 'abc'[0] }}|{{ 'abc'[-1] }}|{{ [][1:] }}|{{ 'aü漢🙂'[2:] }}|{{ messages[1:] | length }}",
    "loop variables": "{% for m in ['a', 'b', 'c'] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y') }}{{ loop.depth }};{% endfor %}",
    "loop changed": "{% for m in ['a', 'a', 'b'] %}{{ loop.changed(m) }},{% endfor %}",
    "loop with filter and else": "{% for m in [1, 2, 3, 4] if m is even %}{{ m }}{{ loop.length }}{% else %}none{% endfor %}{% for m in [] %}x{% else %}empty{% endfor %}",
    "loop over pairs": "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }},{% endfor %}{% for k, v in messages[0].items() %}{{ k }};{% endfor %}{% for k in messages[0] %}{{ k }}{% endfor %}{% for k, v in messages[0] | items %}{{ k }}{% endfor %}",
    "loop recursive": "{% for item in [[1, [2]], [3]] recursive %}{{ item if item is number else '(' ~ loop(item) ~ ')' }}{% endfor %}",
    "loop controls": "{% for n in range(10) %}{% if n is odd %}{% continue %}{% endif %}{% if n > 6 %}{% break %}{% endif %}{{ n }}{% endfor %}",
    "loop scope": "{% set x = 1 %}{% for n in [1, 2] %}{% set x = x + n %}{{ x }}{% endfor %}{{ x }}",
    "loop over text": "{% for c in 'aü漢' %}{{ c }}.{% endfor %}",
    "range": "{{ range(3) | list }}{{ range(1, 4) | list }}{{ range(0, 10, 3) | list }}{{ range(3, 0, -1) | list }}",
    "namespace": "{% set ns = namespace(a=1, b='x') %}{% for n in [1, 2] %}{% set ns.a = ns.a + n %}{% endfor %}{{ ns.a }}{{ ns.b }}{% set ns.c = 3 %}{{ ns.c }}",
    "set block": "{% set x %}a{{ 1 + 1 }}b{% endset %}[{{ x }}]{% set y | upper %}abc{% endset %}{{ y }}{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "with": "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "filter block": "{% filter upper %}abc{{ 'd' }}{% endfilter %}",
    "macro": "{% macro f(a, b='d', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}|{{ f(1, 2) }}|{{ f(1, c=3) }}|{{ f(a='x') }}",
    "macro caller": "{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('p') %}inside {{ 1 }}{% endcall %}",
    "macro recursion": "{% macro down(n) %}{{ n }}{% if n > 0 %}{{ down(n - 1) }}{% endif %}{% endmacro %}{{ down(5) }}",
    "macro sees globals": "{% set g = 'G' %}{% macro f() %}{{ g }}{{ bos_token }}{% endmacro %}{{ f() }}",
    "raw": "{% raw %}{{ not rendered }}{% if %}{% endraw %}|{{ '{{' }}|{{ '{%' }}",
    "comment": "a{# comment {{ x }} {% if %} #}b{#- trimmed -#}  c  {#- both -#}  d",
    "white space control": "a  {%- if true -%}  b  {%- endif -%}  c\n  {{- 'd' -}}  \ne  {%+ if true +%}\nf{% endif %}",
    "trim and lstrip blocks": "  {% if true %}\n  x\n  {% endif %}\n    {# c #}\n  y {% if true %}\nz\n{% endif %}\n",
    "trim blocks at crlf": "{% if true %}\r\nx{% endif %}\r\ny",
    "last line feed": "x\n",
    "last line feeds": "x\n\n",
    "generation": "{% for m in messages %}{{ m.role }}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "generation trimmed": "a \n {%- generation -%} \n {{ 'b' }} \n {%- endgeneration -%} \n c",
    "generation lines": "a\n    {% generation %}\n    b\n    {% endgeneration %}\nc",
    "generation scope": "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "generation word": "{% set generation = 'g' %}{{ generation }}{{ '{% generation %}' }}{# {% generation %} #}{% raw %}{% generation %}{% endraw %}",
    "tests": "{{ 1 is number }}{{ 'a' is string }}{{ [] is sequence }}{{ {} is mapping }}{{ [] is iterable }}{{ 'a' is iterable }}{{ none is none }}{{ x is defined }}{{ x is undefined }}{{ true is boolean }}{{ 1 is integer }}{{ 1.5 is float }}{{ 2 is even }}{{ 3 is odd }}{{ 6 is divisibleby 3 }}{{ true is true }}{{ false is false }}{{ 1 is eq 1 }}{{ 1 is lt 2 }}{{ 'a' is in ['a'] }}{{ 'A' is upper }}{{ 'a' is lower }}{{ 1 is not string }}{{ 'ab' is sequence }}{{ {} is iterable }}{{ true is number }}{{ true is integer }}{{ 1 is sameas 1 }}",
    "filters of text": "{{ 'hello world' | title }}|{{ 'hELLO' | capitalize }}|{{ 'a' | upper }}|{{ 'A' | lower }}|{{ '  x ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 'aXbX' | replace('X', '-') }}|{{ 'aXbX' | replace('X', '-', 1) }}|{{ 'abc' | length }}|{{ 'abc' | first }}|{{ 'abc' | last }}|{{ 'abc' | reverse }}|{{ 'abc' | list }}",
    "filters of numbers": "{{ '42' | int }}|{{ 'x' | int }}|{{ 'x' | int(7) }}|{{ '1.5' | float }}|{{ 3.7 | int }}|{{ -3 | abs }}|{{ 3.14159 | round(2) }}|{{ 2.5 | round }}|{{ 3.5 | round }}|{{ 42 | string }}|{{ 1.0 | string }}",
    "filters of lists": "{{ [3, 1, 2] | sort }}|{{ [3, 1, 2] | sort(reverse=true) }}|{{ [1, 2, 3] | sum }}|{{ [1, 2] | max }}|{{ [1, 2] | min }}|{{ [1, 1, 2] | unique | list }}|{{ [1, 2, 3] | reverse | list }}|{{ [1, 2] | join(', ') }}|{{ [1, 2] | first }}|{{ [] | first }}|{{ [1, 2, 3, 4, 5] | batch(2) | list }}|{{ [1, 2] | length }}|{{ [1, 2] | count }}|{{ ['b', 'A'] | sort }}",
    "filters with attributes": "{{ messages | map(attribute='role') | list }}|{{ messages | selectattr('role', 'equalto', 'user') | list | length }}|{{ messages | rejectattr('role', 'equalto', 'user') | list | length }}|{{ messages | selectattr('content') | list | length }}|{{ [1, 2, 3, 4] | select('even') | list }}|{{ [1, 2] | reject('odd') | list }}|{{ ['a', 'b'] | map('upper') | join }}|{{ messages | map(attribute='content') | join('|') }}|{{ messages | groupby('role') | length }}|{{ [{'a': 1}, {'b': 2}] | map(attribute='a', default='none') | list }}|{{ [{'n': 2}, {'n': 1}] | sort(attribute='n') | map(attribute='n') | list }}|{{ messages | sum(attribute='none', start=0) if false else '' }}",
    "default": "{{ x | default('d') }}|{{ '' | default('d') }}|{{ '' | default('d', true) }}|{{ none | default('d') }}|{{ none | default('d', boolean=true) }}|{{ x | d('e') }}|{{ messages[0].name | default('n') }}",
    "dictionaries": "{% set d = {'a': 1, 'b': none} %}{{ d.a }}{{ d['a'] }}{{ d.get('a') }}{{ d.get('x') }}{{ d.get('x', 5) }}{{ d.keys() | list }}{{ d.values() | list }}{{ d | length }}{{ d.b is none }}{{ d.x is defined }}{{ dict(a=1, b=2) }}{{ {'b': 1, 'a': 2} | dictsort }}{{ {1: 'x'}[1] }}",
    "methods of text": "{{ ' a '.strip() }}|{{ 'xax'.strip('x') }}|{{ ' a'.lstrip() }}|{{ 'a '.rstrip() }}|{{ 'a\\n'.rstrip('\\n') }}|{{ 'a,b,c'.split(',') }}|{{ 'a b  c'.split() }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}|{{ 'abc'.startswith('a') }}|{{ 'abc'.endswith(('c', 'x')) }}|{{ 'abc'.replace('b', 'x') }}|{{ 'aaa'.replace('a', 'b', 2) }}|{{ 'a'.upper() }}|{{ 'Ab'.lower() }}|{{ 'a b'.title() }}|{{ 'aB'.capitalize() }}|{{ ', '.join(['a', 'b']) }}|{{ 'abc'.find('c') }}|{{ 'abc'.find('x') }}|{{ 'abcb'.rfind('b') }}|{{ 'aba'.count('a') }}|{{ '12'.isdigit() }}|{{ 'a1'.isalnum() }}|{{ 'ab'.isalpha() }}|{{ ' '.isspace() }}|{{ 'AB'.isupper() }}|{{ 'ab'.islower() }}",
    "more methods of text": "{{ 'abc'.removeprefix('a') }}|{{ 'abc'.removeprefix('x') }}|{{ 'abc'.removesuffix('c') }}|{{ 'a=b=c'.partition('=') }}|{{ 'a=b=c'.rpartition('=') }}|{{ 'abc'.partition('x') }}|{{ 'a\\nb\\r\\nc\\x0bd'.splitlines() }}|{{ 'a\\nb'.splitlines(true) }}|{{ 'aB'.swapcase() }}|{{ 'abc'.index('b') }}|{{ 'x'.ljust(3) }}|{{ 'x'.rjust(3, '-') }}|{{ 'x'.center(4, '*') }}|{{ '7'.zfill(3) }}|{{ '-7'.zfill(4) }}|{{ 'abc'.rindex('b') }}|{{ 'a-b-c'.rsplit('-') }}|{{ 'a  b c'.rsplit(none, 1) }}|{{ 'a  b c'.split(none, 1) }}",
    "format": "{{ '{} and {}'.format(1, 'b') }}|{{ '{a}-{b:>4}'.format(a=1, b=2) }}|{{ '%s-%s' | format('a', 'b') }}|{{ '%.2f' | format(1.234) }}|{{ '%05d' | format(42) }}",
    "white space of Python": "[{{ '\\x1c\\x1d\\x1e\\x1fa\\x1f'.strip() }}][{{ '\\x85\\u00a0\\u2003a\\u3000' | trim }}][{{ '\\u200ba\\u200b'.strip() }}][{{ 'a\\x1cb\\u2003c'.split() }}][{{ '\\ufeffa'.strip() }}]",
    "tojson": "{{ messages[0] | tojson }}|{{ {'b': 1, 'a': [true, none, 1.5, 1e20, 1e-7, 100000000000000000000]} | tojson }}|{{ {'b': {'c': [1, {}], 'e': []}, 'a': 'ü<>&\\'\"'} | tojson(indent=4) }}|{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}|{{ 'ü🙂\\x7f\\u2028' | tojson(ensure_ascii=true) }}|{{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}|{{ {'a': [1, 2]} | tojson(indent=2, separators=(',', ': ')) }}|{{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }}|{{ 'x' | tojson }}|{{ (1, 2) | tojson }}|{{ {'a': 1} | tojson(indent=none) }}|{{ {'a': 1} | tojson(indent=0) }}|{{ 1.0 | tojson }}|{{ [] | tojson(indent=2) }}|{{ {'a': 1} | tojson(indent='--') }}",
    "special tokens": "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ bos_token ~ 'x' }}{{ [bos_token, eos_token] | join }}",
    "what is not given": "{{ tools is none }}{{ tools is defined }}{{ documents is none }}{{ tools }}{% if tools %}t{% endif %}{{ add_generation_prompt }}{{ enable_thinking is defined }}{{ xml_tools is defined }}{{ builtin_tools is defined }}{{ date_string is defined }}",
    "attributes that are missing": "{{ messages[0].missing }}|{{ messages[0]['missing'] }}|{{ messages[0].missing is defined }}|{{ messages[5] is defined }}|{% if messages[0].tool_calls %}t{% else %}f{% endif %}",
    "error: attribute of what is missing": "{{ messages[0].missing.deeper }}",
    "error: undefined function": "{{ nothing() }}",
    "error: unknown filter": "{{ 'a' | no_such_filter }}",
    "error: adding text and number": "{{ 'a' + 1 }}",
    "error: raised": "{{ raise_exception('Conversation roles must alternate') }}",
    "error: division by zero": "{{ 1 / 0 }}",
    "error: changing a list": "{% set l = [1] %}{{ l.append(2) }}{{ l }}",
    "error: index of text": "{{ 'abc'.index('x') }}",
    "error: unknown method": "{{ 'abc'.no_such_method() }}",
    "error: break outside of a loop": "{% break %}",
    "error: unclosed block": "{% if true %}x",
    "error: undefined in arithmetic": "{{ missing + 1 }}",
    "undefined in a loop": "{% for x in missing %}{{ x }}{% endfor %}|{{ missing | length }}|{{ missing ~ 'x' }}",
    "indent": "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\nb' | indent(width=2, first=true, blank=true) }}",
    "other filters": "{{ '<a>' | escape }}|{{ '<a>' | e }}|{{ {'a': 1} | items | list }}|{{ [1, [2]] | string }}|{{ [[1, 2], [3]] | map('first') | list }}|{{ 'x' | safe }}|{{ [1, 2, 3] | slice(2) | list }}|{{ 'a' | string | length }}|{{ {'x': 1} | attr('x') is defined }}",
    "unpacking in loops": "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }};{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "inline if in loop with set": "{% for m in messages %}{% set role = 'U' if m.role == 'user' else 'A' %}{{ role }}{% endfor %}{{ role is defined }}",
    "elif": "{% if false %}a{% elif none %}b{% elif messages %}c{% else %}d{% endif %}",
    "strings": "{{ 'a\\nb\\tc\\\\d\\'e' }}{{ \"x\\u00fcy\" }}{{ 'one' 'two' }}",
    "integers": "{{ 1_000 }}{{ 0x1F }}{{ 0b11 }}{{ 10 ** 18 }}{{ 2 ** 70 }}",
    "line endings in content": "{{ messages[0].content | replace('\\n', '\\\\n') }}|{{ messages[0].content.split('\\n') | length }}|{{ messages[0].content | trim | length }}",
    "thinking": "{% set c = messages[0].content %}{% if '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ c }}",
    "do": "{% do messages %}",
    "include": "{% include 'x' %}",
    "strftime year": "{{ strftime_now('%%') }}{{ strftime_now('%Y') | length }}",
    "list in condition": "{% if [] %}a{% else %}b{% endif %}{% if {} %}a{% else %}b{% endif %}{% if '0' %}a{% endif %}{% if 0.0 %}a{% else %}b{% endif %}",
    "string comparison of enumerations": "{{ messages[0]['role'] in ['user', 'system'] }}{{ messages[0]['role'] == 'user' }}{{ (messages | length) == 1 }}{{ messages[-1]['role'] }}{{ messages | last | attr('role') is defined }}",
    "nested quotes": "{{ '<|' + messages[0]['role'] + '|>\\n' + messages[0]['content'] + \"<|end|>\\n\" }}",
    "set in nested if": "{% if true %}{% set x = 'in' %}{% endif %}{{ x }}",
    "loop else break": "{% for x in [1] %}{% break %}{% else %}e{% endfor %}",
    "multi line expression": "{{ [\n  1,\n  2,\n] | join(\n  ','\n) }}",
    "trailing commas": "{{ {'a': 1,} }}{{ [1,] }}{{ (1,) }}{{ range(2,) | list }}",
    "tuple methods": "{{ (1, 2, 1).count(1) }}{{ [1, 2].index(2) }}{{ (1, 2)[0] }}{{ (1, 2) + (3,) }}",
    "in over dictionary values": "{{ 'user' in messages[0].values() }}{{ messages[0].values() | list }}",
    "call with star": "{% macro f(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(**{'a': 3, 'b': 4}) }}",
    "block": "{% block b %}inside{% endblock %}",
    "big list": "{{ range(200) | list | length }}{{ range(200) | sum }}",
    "deep attribute": "{{ {'a': {'b': {'c': 1}}}.a.b.c }}",
    "float formats": "{{ 1e16 }}|{{ 1e15 }}|{{ 1.5e-5 }}|{{ 0.0001 }}|{{ 123456789.123 }}|{{ 1e100 }}|{{ -0.0 }}|{{ 3.0 * 2 }}|{{ 10 / 5 }}|{{ 2 ** -1 }}|{{ 7.0 // 2 }}",
}

STRFTIME = [
    "%d %b %Y", "%B %d, %Y", "%Y-%m-%d", "%A %a %j %y", "%H:%M:%S %I %p", "100%% %q %", "%-d %-m %-H|%e|%k|%l", "%c|%x|%X",
    "%D %F %T %R %r", "%U %W %V %G %g %u %w", "%C %h %P %n%t|", "[%z][%Z][%f]", "plain", "ünïcode %d 漢", "%", "%-", "%-q",
]
MOMENTS = ["2024-07-26T09:05:03", "2026-01-01T00:00:00", "1999-12-31T23:59:59.000123", "2025-11-02T12:30:00"]


def strftime():
    return [
        {"at": at, "format": format_, "text": datetime.fromisoformat(at).strftime(format_)}
        for at in MOMENTS
        for format_ in STRFTIME
    ]


def render_all(sources):
    return [golden for source in sources for golden in render(source, USERS)]


def constructs():
    """Constructs that do not look at the message are rendered for one only."""
    return [
        {"name": name, **golden}
        for name, source in CONSTRUCTS.items()
        for golden in render(source, USERS if "content" in source else USERS[:1])
    ]


def render(source, users):
    """`rendered` is null where transformers fails."""
    for user in users:
        try:
            rendered = render_jinja_template(
                conversations=[[{"role": "user", "content": user}]],
                chat_template=source,
                add_generation_prompt=True,
                **SPECIAL,
            )[0][0]
        except Exception:
            rendered = None
        yield {"source": source, "user": user, "rendered": rendered}
