"""What Jinja2 makes of expressions and templates, in the environment that transformers renders chat templates in.

    .venv-reference/bin/python tests/reference/jinja_expressions.py

All tests, filters, functions and operators of Jinja2, and all methods of Python's str, list, dict and tuple, each on many
values; then whole templates: statements, white space, literals. Writes `jinja_expressions.json` beside the tests of
sah-adapter:

    {"values": {GROUP: [EXPRESSION, ...]},
     "expressions": [[GROUP, CONSTRUCT, [TEXT or null, ...]], ...],
     "templates": [[SOURCE, TEXT or null], ...]}

In a construct, @ stands for each value of the group in turn, in parentheses. null is an error; so is a text with an address
in it, which no two runs share.
"""

import json
import re
from pathlib import Path

from jinja2.exceptions import TemplateError
from transformers.utils.chat_template_utils import _compile_jinja_template

OUT = Path(__file__).resolve().parents[2] / "crates/sah-adapter/tests/reference/jinja_expressions.json"

CONTEXT = {
    "messages": [{"role": "user", "content": "Hello World"}],
    "tools": None,
    "documents": None,
    "add_generation_prompt": True,
    "bos_token": "<s>",
    "eos_token": "</s>",
}

VALUES = {
    "any": [
        "missing", "none", "true", "false", "0", "1", "-3", "300", "2.5", "-0.0", "1e16", "10**20", "''", "'a'", "'Hello World'",
        "' x\\n'", "'it\\'s'", "'12'", "'ünï ß'", "'<b>&'", "[]", "[1, 2, 3]", "['b', 'A', 'a']", "[[1], none]", "{}",
        "{'b': 1, 'a': 'x'}", "{1: 2.0}", "(1, 'x')", "(1,)", "range(3)", "{'a': 1}.items()", "{'a': 1}.keys()", "[1, 2] | map('string')",
        "messages[0]", "'x' | e",
    ],
    # Right sides of operators and what is in front of them: fewer, since all are paired.
    "operand": [
        "missing", "none", "true", "0", "2", "-3", "2.5", "1e16", "'a'", "'%s'", "''", "[]", "[1, 2]", "['a']", "{'a': 1}", "(1, 2)",
        "range(2)",
    ],
    "text": [
        "''", "'a'", "'abc'", "'Hello World'", "'HELLO'", "'  x y  '", "'\\t\\n '", "'a,b,,c'", "'aXbXc'", "'they\\'re bill\\'s friends'",
        "'12'", "'1_000'", "'-7.5'", "'٣'", "'²'", "'½'", "'ünïcödé'", "'ß'", "'ǆ ǅ'", "'ΑΣ'", "'漢字'", "'🙂 x'", "'a\\tb\\tc'", "'a\\nb\\r\\nc\\x0bd\\u2028e'",
        "'e\\u0301'", "'\\x1fa\\x1f'", "'aaa'", "'x_1'", "'1x'", "'ª'", "'ⅷ'", "'A-b c_d(e'", "'%s'", "'{}'",
    ],
    "number": [
        "0", "1", "-1", "7", "-7", "255", "1000000", "10**25", "true", "0.0", "-0.0", "0.5", "1.5", "2.5", "2.675", "-2.5", "1e16", "1e-5", "123456.789",
        "1e300", "'inf' | float", "'nan' | float",
    ],
    "readable": [
        "'42'", "' 42 '", "'+5'", "'-5'", "'- 5'", "'1_000'", "'_1'", "'1_'", "'1__0'", "'0x1f'", "'0b11'", "'0o17'", "'1f'", "'zz'", "'42.9'", "'-0.5'",
        "'.5'", "'5.'", "'1e3'", "'1e400'", "'1_0.5'", "'inf'", "'-Infinity'", "'nan'", "'NaN'", "'x'", "''", "'٣'", "'1e'", "'0_7'", "'007'",
        "none", "true", "2.9", "-2.9", "1e20", "[]", "missing",
    ],
    "list": [
        "[]", "[1]", "[3, 1, 2]", "['b', 'a', 'C']", "[1, 1, 2, 1]", "[1.5, 2]", "[true, 0]", "['a', 1]", "[none, 1]", "[[2, 1], [1, 2]]", "(2, 1)", "'cab'",
        "{'b': 1, 'a': 2}", "range(5)", "range(0)", "[{'n': 2, 's': 'x'}, {'n': 1, 's': 'Y'}, {'n': 2, 's': 'y'}]", "[{'n': {'m': 1}}, {}]",
        "messages", "missing", "{'a': 1}.values()", "[3, 1] | map('string')", "['a', 'A', 'b']", "none", "5",
    ],
    "dict": [
        "{}", "{'a': 1}", "{'b': 2, 'a': 1, 'C': 3}", "{'items': 5, 'get': 6}", "{1: 'x', none: 'y', true: 'z'}", "{'a': {'b': [1, 2]}}", "{1.5: 2, (1, 2): 3}",
        "messages[0]", "dict(a=1, b='x')", "dict({'a': 1}, b=2)",
    ],
    "mapped": ["'map'"],
}

TESTS = [
    "boolean", "callable", "defined", "divisibleby 2", "divisibleby(0)", "eq 1", "equalto('a')", "escaped", "even", "false", "filter", "float", "ge 1",
    "greaterthan 1", "gt 'a'", "in [1, 'a', none]", "in 'abc'", "in {'a': 1, 1: 2}", "integer", "iterable", "le 1", "lessthan 2.5", "lower", "lt 1", "mapping",
    "ne 1", "none", "number", "odd", "sameas none", "sameas true", "sequence", "string", "test", "true", "undefined", "upper", "not none", "not in []",
    "no_such_test",
]
FILTERS_OF_ANY = [
    "abs", "attr('a')", "attr('items')", "batch(2) | list", "capitalize", "center(9)", "count", "d('D')", "default('D')", "default('D', true)",
    "default(default_value=1, boolean=true)", "dictsort", "e", "escape", "e | e", "filesizeformat", "first", "float", "float(7)", "forceescape",
    "format", "format(1)", "groupby('a')", "indent", "int", "int(7)", "items | list", "join", "join(', ')", "join(1)", "last", "length", "list", "lower", "map('string') | list",
    "map(attribute='a') | list", "max", "min", "pprint", "reject | list", "replace('a', 'b')", "replace(1, 2)", "reverse", "reverse | list", "round", "safe", "safe | e",
    "select | list", "slice(2) | list", "sort", "string", "sum", "title", "tojson", "tojson(indent=2)", "trim", "truncate(5)", "unique | list", "upper", "urlencode",
    "wordcount", "xmlattr", "string | length", "list | length", "no_such_filter", "selectattr('a') | list", "items", "map('upper')", "safe | upper", "striptags",
    "urlize", "wordwrap(5)",
]
FILTERS_OF_TEXT = [
    "capitalize", "title", "upper", "lower", "trim", "trim('x ')", "trim(chars='a')", "center(10)", "center(width=11)", "indent", "indent(2)", "indent('> ')", "indent(2, true)",
    "indent(width=1, first=true, blank=true)", "indent(2, blank=true)", "replace('a', 'X')", "replace('', '-')", "replace('a', 'X', 1)", "replace('a', 'X', count=0)", "replace('', '-', 2)", "truncate(5)",
    "truncate(5, true)", "truncate(5, true, '')", "truncate(5, false, '..', 0)", "truncate(3, leeway=0)", "truncate(2)", "wordcount", "urlencode", "reverse", "first", "last", "list", "length", "join('-')",
    "e", "pprint", "tojson", "tojson(ensure_ascii=true)", "string", "sort", "unique | list", "batch(2) | list", "slice(2, '-') | list", "int", "float", "format('q')", "format(a='q')", "map('upper') | list", "select('in', 'ab') | list",
    "min", "max", "sum", "safe ~ '<'", "default('d', true)",
]
FILTERS_OF_NUMBER = [
    "abs", "int", "float", "string", "round", "round(0)", "round(1)", "round(2)", "round(-1)", "round(0, 'ceil')", "round(0, 'floor')", "round(1, 'ceil')", "round(1, 'floor')", "round(2, 'floor')", "round(-1, 'floor')", "round(precision=1, method='common')", "round(1, 'up')",
    "filesizeformat", "filesizeformat(true)", "tojson", "pprint", "e", "length", "upper", "trim", "urlencode", "default(1, true)",
]
READING = ["int", "int(-1)", "int(default='d')", "int(0, 16)", "int(0, 2)", "int(0, 0)", "int(base=8)", "int(0, 36)", "int(0, 1)", "float", "float(-1)", "float(default=none)"]
FILTERS_OF_LIST = [
    "batch(2) | list", "batch(2, 'f') | list", "batch(linecount=3, fill_with=none) | list", "slice(2) | list", "slice(3, 'f') | list", "slice(slices=1) | list", "first", "last", "length", "max", "min", "max(true)", "max(attribute='n')", "min(attribute='s')",
    "min(case_sensitive=true)", "sum", "sum(start=1)", "sum(start=[])", "sum(attribute='n')", "sort", "sort(true)", "sort(reverse=true)", "sort(case_sensitive=true)", "sort(attribute='n')", "sort(attribute='n,s')", "sort(false, true, 's')", "sort(attribute=0)",
    "unique | list", "unique(true) | list", "unique(attribute='n') | list", "reverse | list", "reverse | first", "join", "join('+')", "join(d='+', attribute='n')", "join(attribute='s')", "list", "string", "tojson", "pprint", "map('string') | list", "map('upper') | join",
    "map('default', 'x') | list", "map(attribute='n') | list", "map(attribute='n.m') | list", "map(attribute='n', default=0) | list", "map(attribute='s', default='-') | join", "map(attribute=0) | list", "map('int', default=9) | list", "map('round', 1) | list", "map | list", "map('nope') | list", "map('+', 1) | list",
    "select | list", "select('odd') | list", "select('string') | list", "select('in', [1, 'a']) | list", "select('gt', 1) | list", "reject('none') | list", "reject('divisibleby', 2) | list", "select('nope') | list", "selectattr('n') | list",
    "selectattr('n', 'equalto', 2) | list", "selectattr('n', '==', 2) | map(attribute='s') | list", "rejectattr('n', 'defined') | list", "rejectattr('n.m') | list", "selectattr('role', 'equalto', 'user') | list | length", "selectattr | list",
    "groupby('n') | list | length", "groupby('n') | map('first') | list", "groupby('s') | list", "groupby('s', case_sensitive=true) | list", "groupby('n', default=7) | map(attribute='grouper') | list", "groupby(attribute='s') | map(attribute='list') | map('length') | list",
    "select('odd') is defined", "select('odd') | first", "select('odd') | length", "dictsort", "items | list", "xmlattr", "default([], true)", "selectattr('n', 'in', [1]) | list",
]
FILTERS_OF_DICT = [
    "dictsort", "dictsort(true)", "dictsort(false, 'value')", "dictsort(by='value', reverse=true)", "dictsort(reverse=true)", "dictsort(by='x')", "items | list", "list", "length", "first", "last", "join(',')", "string", "tojson",
    "tojson(sort_keys=true)", "tojson(indent=1)", "tojson(indent='\\t')", "tojson(separators=(',', ':'))", "tojson(true, 2)", "pprint", "xmlattr", "xmlattr(false)", "urlencode", "reverse | list", "sort", "max", "map('upper') | list", "map(attribute='a') | list",
    "attr('a')", "attr('items')", "default('d', true)", "selectattr('a') | list", "e",
]
TEXT_METHODS = {
    "capitalize": [""], "casefold": [""], "center": ["5", "6, '*'", "5, 'ab'", "-1", "", "'5'", "width=5"], "count": ["'a'", "''", "'a', 1", "'a', 0, 2", "'a', -2", "", "1"], "encode": [""],
    "endswith": ["'c'", "('c', 'd')", "'', 9", "'b', 0, 2", "['c']", "none"], "expandtabs": ["", "4", "0", "tabsize=2"], "find": ["'b'", "''", "'X', 2", "'a', -3, -1", "'zz'", "'', 99", "'b', none, none", "1"],
    "format": ["1", "1, 2", "a=1", ""], "format_map": ["{}"], "index": ["'a'", "'zz'", "'a', 1"], "isalnum": [""], "isalpha": [""], "isascii": [""], "isdecimal": [""], "isdigit": ["", "1"], "isidentifier": [""], "islower": [""], "isnumeric": [""],
    "isprintable": [""], "isspace": [""], "istitle": [""], "isupper": [""], "join": ["['x', 'y']", "'xy'", "[1]", "{'k': 1}", "[]", "none", "['p'] | map('upper')", "('a', 'b')", "missing"], "ljust": ["5", "5, '.'"], "lower": [""], "lstrip": ["", "'a '", "none"],
    "maketrans": ["'a', 'b'"], "partition": ["','", "''", "' '", "none"], "removeprefix": ["'a'", "''"], "removesuffix": ["'c'", "''"], "replace": ["'a', 'b'", "'', '-'", "'a', 'b', 1", "'a', 'b', 0", "'', '-', 2", "'a', 'b', -1", "'a'", "'a', none", "'X', ''"],
    "rfind": ["'b'", "''", "'a', 1"], "rindex": ["'a'", "'zz'"], "rjust": ["5", "5, '0'"], "rpartition": ["','", "' '"], "rsplit": ["", "','", "',', 1", "none, 1", "' ', 1", "maxsplit=1", "'aa'"], "rstrip": ["", "'c '"],
    "split": ["", "','", "',', 1", "none, 1", "sep='X'", "' '", "''", "maxsplit=1", "',', 0", "',', -1", "'\\n'", "1"], "splitlines": ["", "true", "keepends=true"], "startswith": ["'a'", "('a', 'H')", "'b', 1", "'', 99", "()"],
    "strip": ["", "'a '", "none", "' xy'", "1"], "swapcase": [""], "title": [""], "translate": ["{}"], "upper": [""], "zfill": ["5", "0", "'3'"], "no_such_method": [""], "__len__": [""],
}
LIST_METHODS = {
    "append": ["1"], "clear": [""], "copy": [""], "count": ["1", "'a'", "true", "none", "missing"], "extend": ["[1]"], "index": ["1", "'a'", "1, 1", "1, -1", "2, 0, 1"], "insert": ["0, 1"], "pop": [""],
    "remove": ["1"], "reverse": [""], "sort": [""], "upper": [""], "get": ["0"],
}
DICT_METHODS = {
    "clear": [""], "copy": [""], "fromkeys": ["[1]"], "get": ["'a'", "'zz'", "'zz', 7", "'zz', none", "1", "true", "[1]", ""], "items": ["", "1"], "keys": [""], "pop": ["'a'"], "popitem": [""], "setdefault": ["'a', 1"], "update": ["{}"], "values": [""], "upper": [""],
}
ATTRIBUTES = [
    "@.a", "@.items", "@.keys", "@.upper", "@.missing", "@.real", "@.count", "@.index", "@['a']", "@['items']", "@['upper']", "@[0]", "@[-1]", "@[1]", "@[99]", "@[true]", "@[1.0]", "@[none]", "@['0']", "@[missing]", "@[1:]", "@[:-1]", "@[::-1]", "@[::2]", "@[-2:]", "@[5:1]",
    "@[1:3]", "@[3:0:-2]", "@['a':]", "@[::0]", "@[none:none]", "@[-99:99]", "@[[1]]", "@[(1, 2)]", "@.a is defined", "@.a.b is defined", "@['a'] is defined", "@.__class__", "@._x", "@.role", "@.0",
]
UNARY = ["@", "not @", "-@", "@ ~ '.'", "'.' ~ @", "@ or 'o'", "@ and 'o'", "'t' if @ else 'f'", "'t' if @", "[@]", "(@,)", "{'k': @}", "[@] | tojson", "{@: 1}", "@ in [@]", "@ == @", "@ is defined", "@ if @ is not none else 'n'", "@ | string ~ '!'", "(@ | string).upper()"]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
RIGHT = ["missing", "none", "true", "2", "-1", "0", "0.5", "'a'", "'ab'", "[1]", "['a', 'b']", "{'a': 1}", "(1,)", "(1, 2)"]

TEMPLATES = [
    # Literals.
    "{{ 'a\\nb\\tc\\\\d\\'e\\\"f' }}", '{{ "a\\x41\\u00fc\\U0001F642\\101\\0" }}', "{{ 'a\\qb\\%\\ ' }}", "{{ 'a\\\nb' }}", "{{ '\\N{BULLET}' }}", "{{ 'a\\rb' }}", "{{ 'a\r\nb' }}", "{{ 'a' 'b' \"c\" }}", "{{ 'ü' }}", "{{ '\\ud83d\\ude42' }}", "{{ '\\a\\b\\f\\v' | tojson }}",
    "{{ 1_000 }}", "{{ 1__0 }}", "{{ 1_ }}", "{{ 0x1F }}", "{{ 0X1f }}", "{{ 0b101 }}", "{{ 0o17 }}", "{{ 017 }}", "{{ 1. }}", "{{ .5 }}", "{{ 1.5 }}", "{{ 1e3 }}", "{{ 1E-2 }}", "{{ 1.5e+3 }}", "{{ 1_0.5_0 }}", "{{ 1.e3 }}", "{{ 100000000000000000000000 }}", "{{ 2 ** 100 }}", "{{ 2 ** 200 }}",
    "{{ True }}{{ False }}{{ None }}{{ true }}{{ false }}{{ none }}", "{{ TRUE }}", "{{ null }}", "{{ [1, 2,] }}", "{{ [,] }}", "{{ (1, 2,) }}", "{{ () }}", "{{ (1) }}", "{{ {} }}", "{{ {'a': 1,} }}", "{{ 1, 2 }}", "{{ {'a': 1, 'a': 2} }}", "{{ {1: 'a', true: 'b', 1.0: 'c'} }}",
    "{{ {[1]: 2} }}", "{{ [1, [2, (3,)], {'k': none}] }}", "{{ {a: 1} }}", "{{ }}", "{{ 1 2 }}",
    # Precedence.
    "{{ -1 | abs }}", "{{ -2 ** 2 }}", "{{ 2 ** -1 }}", "{{ 2 ** 3 ** 2 }}", "{{ 1 + 2 * 3 }}", "{{ 1 ~ 2 + 3 }}", "{{ 1 + 2 ~ 3 }}", "{{ 'a' ~ 1 * 2 }}", "{{ not 1 == 2 }}", "{{ not true is false }}", "{{ 1 < 2 < 3 }}", "{{ 3 > 2 > 2 }}", "{{ 1 < 2 == true }}",
    "{{ 1 == 1 in [true] }}", "{{ 1 if 0 else 2 if 0 else 3 }}", "{{ 'a' if false }}", "{{ ('a' if false) is defined }}", "{{ true and false or true }}", "{{ 'a' | upper ~ 'b' }}", "{{ 'a' ~ 'b' | upper }}", "{{ [1, 2] | first + 1 }}", "{{ 1 is odd and 2 is even }}", "{{ 3 is divisibleby 3 }}",
    "{{ 3 is divisibleby(3) and true }}", "{{ 'x' is in 'xy' }}", "{{ 1 is not none }}", "{{ not missing }}", "{{ not not 1 }}", "{{ +1 }}", "{{ - -1 }}", "{{ 7 % 3 * 2 }}", "{{ 7 // 2 / 2 }}", "{{ 'a' in 'abc' == true }}", "{{ 1 not in [1] }}", "{{ not 1 in [2] }}", "{{ 'ab'[0] | upper }}", "{{ -'1' | int }}",
    "{{ messages[0]['content'].split(' ')[0].lower() }}", "{{ messages[-1].role }}", "{{ messages.0.role }}", "{{ [[1, 2]].0.1 }}", "{{ 1.5.real }}", "{{ 'a'.upper().lower() ~ 'x'.upper() }}", "{{ 'a' is string is true }}", "{{ 1 is eq 1 is true }}",
    # Statements.
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(x=0) %}{% for i in range(4) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}", "{% set ns = namespace() %}{% set ns.items = 1 %}{{ ns.items }}",
    "{% set d = {'a': 1} %}{% set d.a = 2 %}{{ d.a }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set (a, b) = (1, 2) %}{{ b }}", "{% set a, b = 'xy' %}{{ b }}{{ a }}", "{% set x %}a{{ 1 }}b{% endset %}{{ x | upper }}{{ x is string }}", "{% set x | trim | upper %} a {% endset %}{{ x }}", "{% set x = 1 if missing else 2 %}{{ x }}",
    "{% for a in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}", "{% for a in [1, 2, 3] %}{{ loop.previtem }}|{{ loop.nextitem }};{% endfor %}", "{% for a in [1, 1, 2] %}{{ loop.changed(a) }}{{ loop.cycle('x', 'y') }}{% endfor %}",
    "{% for a in [1, 2, 3] | select('odd') %}{{ a }}{{ loop.length }}{{ loop.last }}{% endfor %}", "{% for a in [] %}x{% else %}e{% endfor %}", "{% for a in missing %}x{% else %}e{% endfor %}", "{% for a in none %}x{% endfor %}", "{% for a in 5 %}x{% endfor %}", "{% for a in 'ab' %}{{ a }}.{% endfor %}", "{% for a in {'x': 1, 'y': 2} %}{{ a }}{% endfor %}",
    "{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "{% for k, v in {'x': 1} | dictsort %}{{ k }}{{ v }}{% endfor %}", "{% for k, v in [[1, 2], (3, 4)] %}{{ k }}{{ v }}{% endfor %}", "{% for a, b in [[1]] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for a in range(5) if a is even %}{{ a }}{{ loop.index }}{{ loop.last }}{% endfor %}",
    "{% for a in range(9) %}{% if a == 2 %}{% continue %}{% endif %}{% if a == 5 %}{% break %}{% endif %}{{ a }}{% endfor %}", "{% for a in [1] %}{% break %}{% else %}e{% endfor %}", "{% for a in [] %}{% else %}{{ loop is defined }}{% endfor %}", "{% for a in [[1, [2]], 3] recursive %}{{ loop(a) if a is iterable else a }}{{ loop.depth }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for i in [1] %}{{ i }}{% endfor %}{{ i is defined }}", "{% set loop = 5 %}{{ loop }}", "{% for x in [1,2] %}{{ x }}{{ ',' if not loop.last }}{% endfor %}", "{% for m in messages %}{{ m }}{% endfor %}", "{% for m in messages[::-1] %}{{ m.role }}{% endfor %}",
    "{% if missing %}a{% elif [] %}b{% elif 'x' %}c{% else %}d{% endif %}", "{% if 0.0 %}a{% else %}b{% endif %}", "{% if [1] | map('string') %}a{% endif %}{% if [] | map('string') %}b{% endif %}", "{% if messages | selectattr('role', 'equalto', 'system') %}always{% endif %}", "{% if range(0) %}a{% else %}b{% endif %}", "{% if {}.items() %}a{% else %}b{% endif %}",
    "{% if tools is iterable and tools is not string %}WRONG{% else %}right{% endif %}", "{% if not tools %}n{% endif %}", "{% if missing is not defined and tools is none %}x{% endif %}", "{% if messages[0].content is string %}s{% endif %}{% if messages[0].content is iterable %}i{% endif %}{% if messages[0] is mapping %}m{% endif %}",
    "{% macro f(a, b='d', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(1, c=3) }}{{ f(b=1) }}", "{% macro f(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ f() }}", "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", "{% macro f() %}{{ varargs }}{% endmacro %}{{ f(1) }}", "{% macro f() %}{{ kwargs }}{% endmacro %}{{ f(a=1) }}",
    "{% macro f(a, b=a) %}{{ b }}{% endmacro %}{{ f(1) }}", "{% macro f(x) %}<{{ caller() }}>{% endmacro %}{% call f(1) %}in{% endcall %}", "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}{{ b }}{% endcall %}", "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro f() %}x{% endmacro %}{{ f() ~ 'y' }}{{ f() | upper }}{{ f() | length }}",
    "{% set g = 1 %}{% macro f() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ f() }}", "{{ f() }}{% macro f() %}x{% endmacro %}", "{% macro f() %} a {% endmacro %}[{{ f() }}]", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f }}", "{% macro f(a) %}{% set a = 2 %}{{ a }}{% endmacro %}{{ f(1) }}", "{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% with %}{% set z = 1 %}{% endwith %}{{ z is defined }}", "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}", "{% filter upper %}a{{ 'b' }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aa{% endfilter %}", "{% block x %}in{% endblock %}", "{% block x %}in{% endblock %}{{ self.x() }}",
    "{% if true %}{% set q = 1 %}{% endif %}{{ q }}", "{% do [].append(1) %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% autoescape true %}{{ '<' }}{% endautoescape %}", "{% raw %}{{ x }}{% if %}{% endraw %}", "{% raw -%} a {%- endraw %} b", " {%- raw %} a {% endraw -%} b", "{% generation %}a{{ 1 }}{% endgeneration %}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}", "{% unknown %}", "{% if true %}", "{% endif %}", "{% break %}", "{{ raise_exception('no') }}", "{{ strftime_now('%%') }}", "{{ range(3) }}{{ range(1, 9, 2) | list }}{{ range(5)[1:3] }}{{ range(5)[::-1] | list }}{{ range(3) | length }}{{ 2 in range(3) }}{{ range(0) | first }}",
    "{{ range(100001) | length }}", "{{ range(1.5) }}", "{{ range(1, 2, 0) }}", "{{ dict() }}{{ dict(a=1) }}{{ dict([('a', 1)]) }}", "{{ cycler('a', 'b').next() }}", "{% set j = joiner(', ') %}{{ j() }}{{ j() }}", "{{ lipsum() is string }}", "{{ namespace }}", "{{ missing() }}", "{{ messages() }}", "{{ missing.x }}", "{{ missing['x'] }}", "{{ missing + 1 }}", "{{ none.x is defined }}",
    "{{ messages[0].get('x', 'd') }}", "{{ messages[0].items() | list }}", "{{ messages[0].keys() }}", "{{ messages[0].values() | list | join('-') }}", "{% set g = [1, 2, 3] | select('odd') %}{{ g | list }}{{ g | list }}", "{% set g = [1, 2] | map('string') %}{{ g | first }}{{ g | join }}", "{{ ([1, 2] | map('string')) | length }}", "{{ ([1, 2] | map('string'))[0] }}", "{{ [3, 4] | reverse | first }}", "{{ 'x' in ([1] | map('string')) }}",
    "{{ '%s' % 'x' }}{{ '%s-%s' % ('a', 1) }}", "{{ '%d' % 3.7 }}{{ '%5.2f|%-5d|%05d|%+d|%x|%X|%o|%e|%g|%r|%%' % (1.234, 3, 4, 5, 255, 255, 8, 12345.678, 0.0001, 'q') }}", "{{ '%(a)s %(b)d' % {'a': 1, 'b': 2} }}", "{{ '%s' % [1, 2] }}", "{{ '%s %s' % 'a' }}", "{{ 'x' % 1 }}", "{{ '%c' % 'a' }}", "{{ '%.3s|%5s|%-5s|' % ('abcdef', 'a', 'b') }}", "{{ '%i %u' % (1, 2) }}", "{{ '%d' % 'a' }}", "{{ '%g %g %g' % (1e10, 123456.0, 1e-10) }}", "{{ '%#x %#o' % (255, 8) }}", "{{ '%*d' % (3, 1) }}",
    "{{ '%s|%s' | format(1, none) }}", "{{ '%(x)s' | format(x=1) }}", "{{ '{} {1}'.format(1, 2) }}", "{{ '{0} {1} {0}'.format('a', 2) }}", "{{ '{a} {b!r} {c:>5}|{d:<5}|{e:^5}|{f:05d}|{g:.2f}|{h:,}|{i:+}|{j:x}|{k:e}|{l:%}'.format(a=1, b='q', c='c', d='d', e='e', f=42, g=1.239, h=1234567, i=5, j=255, k=12345.6, l=0.25) }}", "{{ '{{}} {}'.format(1) }}", "{{ '{}'.format([1, 'a']) }}", "{{ '{0[a]} {1[0]}'.format({'a': 1}, [2]) }}", "{{ '{.x}'.format(1) }}", "{{ '{'.format() }}", "{{ '}'.format() }}", "{{ '{:*^9}'.format('mid') }}", "{{ '{:g} {:g} {:G}'.format(1e10, 0.1, 1e-10) }}", "{{ '{:d}'.format('a') }}", "{{ '{:5}|{:<5}|{:>5}|'.format(1, 2, 'x') }}", "{{ '{!s:>4}'.format(1) }}", "{{ '{:s}'.format(1) }}", "{{ '{:b} {:o} {:#x}'.format(5, 8, 255) }}", "{{ '{} {}'.format(true, none) }}", "{{ '{:.1f}'.format(0.25) }}{{ '{:.0f}'.format(2.5) }}", "{{ '{:,.2f}'.format(1234.5) }}", "{{ '{:_}'.format(1234567) }}", "{{ '{:=+7d}'.format(5) }}", "{{ '{:06.2f}'.format(-1.5) }}", "{{ '{:c}'.format(65) }}", "{{ '{:n}'.format(5) }}",
    # White space.
    "  {% if true %}\n  x\n  {% endif %}\n y", "a\n  {%- if true %} b {% endif -%}  \n c", "a {%+ if true +%}\n b{% endif %}", "{{ 1 }}\n{{ 2 }}\n", "{{ 1 -}}  \n x", "x  {{- 1 }}", "{# c #}\n a", "  {# c #}\n a", "  {#- c -#}  a", "a\n\n", "a\n", "\n", "", " \t{% if true %}a{% endif %}", "a {% if true %}\n\nb{% endif %}", "{% if true %}\r\nx\r\n{% endif %}\r\ny", "a\rb\r\nc", "a\r\n", "{{ 'x'\n  | upper }}", "{%if true%}a{%endif%}", "{%-if true-%} a {%-endif-%} b", "  {{ 1 }}\n  {{ 2 }}", "{% if true %} {% endif %}\n {% if true %}x{% endif %} ", "{% raw %}\n a\n{% endraw %}\n b", "{# a {# b #} c", "{# a", "a }} b", "a %} b", "a { b } c", "{ {", "a{#\n#}b", "\u00a0{%- if true %}a{% endif %}", "a\u3000{{- 1 -}}\u2003 b", "\ufeffa", "{{ 1 }}\u2028{% if true %}\u2028a{% endif %}", "\t \t{% set a = 1 %}\nb", "a{% set b = 1 %} \nc", "{%\tif true\t%}a{% endif %}", "{{ {'a': {'b': {}}} }}", "{{ '}}' }}{{ '%}' }}", "{% set x = '{% raw %}' %}{{ x }}", "{{ \"{# no comment #}\" }}", "{{ [\n 1,\n 2 ] }}", "{%- for m in messages -%}\n  {{ m.role }}\n{%- endfor -%}\n end",
]


def compile_(source):
    return _compile_jinja_template(source)


def render(source):
    try:
        text = compile_(source).render(**CONTEXT)
    except (TemplateError, Exception):
        return None
    return None if re.search(r"\bat 0x[0-9a-f]+>", text) or re.search(r"[\ud800-\udfff]", text) else text


def results(group, construct):
    return [render("{{ " + construct.replace("@", f"({value})") + " }}") for value in VALUES[group]]


def expressions():
    for construct in UNARY + ATTRIBUTES:
        yield "any", construct
    for test in TESTS:
        yield "any", f"@ is {test}"
    for name in FILTERS_OF_ANY:
        yield "any", f"@ | {name}"
    for operator in BINARY:
        for right in RIGHT:
            yield "operand", f"@ {operator} {right}"
    for group, filters in {
        "text": FILTERS_OF_TEXT, "number": FILTERS_OF_NUMBER, "readable": READING, "list": FILTERS_OF_LIST, "dict": FILTERS_OF_DICT,
    }.items():
        for name in filters:
            yield group, f"@ | {name}"
    for group, methods in {"text": TEXT_METHODS, "list": LIST_METHODS, "dict": DICT_METHODS}.items():
        for name, variants in methods.items():
            for arguments in variants:
                yield group, f"@.{name}({arguments})"
    for name in sorted(set(TEXT_METHODS) | set(DICT_METHODS) | set(LIST_METHODS)):
        yield "mapped", f"{{@: 1}}.{name}"
        yield "mapped", f"'a'.{name} is defined and [].{name} is defined"


def main():
    found = [[group, construct, results(group, construct)] for group, construct in expressions()]
    templates = [[source, render(source)] for source in TEMPLATES]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in found)
    pairs = ",\n".join(json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in templates)
    values = json.dumps(VALUES, ensure_ascii=False, separators=(",", ":"))
    OUT.write_text(f'{{"values":{values},\n"expressions":[\n{rows}],\n"templates":[\n{pairs}]}}\n', encoding="utf-8")
    count = sum(len(row[2]) for row in found)
    errors = sum(row[2].count(None) for row in found)
    print(f"{count} expressions, {errors} of them errors; {len(templates)} templates")


if __name__ == "__main__":
    main()
