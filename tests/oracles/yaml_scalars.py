"""Records how helm reads YAML: ``python -m tests.oracles.yaml_scalars HELM [HELM …]``.

Several helms must agree on every case, or nothing is written. So these are not asked: what comes before ``---`` (Helm 4
cuts documents by line before it parses them) and the keys ``1`` and ``'1'`` in one mapping (Go decides by chance).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from tests.oracles import helm

# Each word becomes `x: <word>`.
WORDS = """
22:22 12:30:45 1:20 2024-01-01 2024-01-01T10:00:00Z 2024-01-01T10:00:00.5+02:00 2024-1-1 2024-13-40
1e3 1E3 1e+3 1e-3 1.5e3 1e 1e400 -1e400 1e-400 1e21 1e20 123456789e12 1.7976931348623157e308 5e-324
y Y yes Yes YES yEs n N no No NO nO on On ON oN off Off OFF true True TRUE tRue false False FALSE fAlse t f o
0 -0 +0 00 1 +1 -1 017 0o17 0O17 -017 +017 -0o17 08 018 09.5 0777 0o8 0b1 0B101 -0b11 +0b11 0b2 0b 0b12 0x1F 0X1f -0x1f
+0x1f 0x 0xg 0x_1F 1_000 1__0 1_ _1 -_1 +_1 1_000.5 0_7 0b1_0 12e03 1.e5 1. -1. .5 -.5 +.5 .5_0 .e5 .5e3 . .. ... -.
+. + - -- +- -+1 0. 0.0 -0.0 1.0 100.0 1.10 3.14 1.2.3 v1.2.3 1,000 1.000,5 12a 1a 0.1e1
9007199254740993 9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775808
-9223372036854775809 +9223372036854775807 +18446744073709551615 123456789012345678901234567890
0x7fffffffffffffff 0xffffffffffffffff 0xfffffffffffffffff 0777777777777777777777 07777777777777777777777777
.inf .Inf .INF .iNF -.inf -.Inf -.INF +.inf +.Inf +.INF .nan .NaN .NAN .Nan inf -inf nan Infinity +inf
~ null Null NULL nUll nil none None ~~ ~1 <<
'' "" '1' "1" 'true' "null" '~' "22:22" '1e3' "a\\tb" "\\x41" "\\u00e9" 'it''s' "say\\ \\"hi\\""
=  = == .a -a a-b a:b a::b http://x:80/y a#b #c ! !a
"""

# Each becomes `x: <text>`.
SCALARS = [
    "",
    "a b",
    "a  b",
    "a # c",
    "1 # c",
    "1 2",
    "0x1F # hex",
    "1 000",
    "! 12",
    '! "12"',
    "! true",
    "!!str 1",
    "!!str",
    "!!str true",
    "!!str null",
    "!!str ~",
    "!!str 2024-01-01",
    '!!int "3"',
    "!!int 3",
    "!!int 3.5",
    "!!int 3.0",
    "!!int x",
    "!!int 0x1F",
    "!!int 18446744073709551615",
    "!!float 3",
    "!!float '3'",
    "!!float 3.5",
    "!!float 18446744073709551615",
    "!!float x",
    "!!float .inf",
    "!!bool yes",
    "!!bool 'y'",
    "!!bool 1",
    "!!bool x",
    "!!null x",
    "!!null ''",
    "!!null ~",
    "!!null 5",
    "!!null",
    "!!timestamp 2024-01-01",
    "!!timestamp '2024-01-01T10:00:00Z'",
    "!!timestamp 2024-01-01 10:00:00",
    "!!timestamp 12",
    "!!timestamp x",
    "!!binary aGVsbG8=",
    "!!binary aGVsbG8",
    "!!binary '@@'",
    "!!binary /w==",
    "!!binary 4oKs4oI=",
    '!!binary "aGVs\\n  bG8="',
    "!!binary |\n  aGVs\n  bG8=\n",
    "!foo 12",
    "!foo bar",
    "!foo",
    "!!foo bar",
    "!!merge x",
    "!<tag:yaml.org,2002:int> '3'",
    "!foo [1, 2]",
    "!foo {a: 1}",
    "!!seq [1]",
    "!!map {a: 1}",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!map [1]",
    "2024-01-01 10:00:00",
    "2001-12-14 21:59:43.10 -5",
    "- a",
    "[]",
    "{}",
    "[a, b, 1, y, ~, 1e3]",
    "[a, ]",
    "[, ]",
    "[a, , b]",
    "{a: 1, b}",
    "{a:1}",
    "{a: }",
    "{a, }",
    "{'a':1}",
    '{"a":1}',
    "[a:b, c: d]",
    "[?a]",
    "{? a : b}",
    "{: b}",
    "[http://a:80, b]",
    "\n- a\n-\n- - b\n  - c\n- k: v\n  l: w",
    "\n  a: 1\n  b:\n  - 1\n  - 2",
    "|\n  a\n   b\n\n  c\n",
    "|-\n  a\n  b\n",
    "|+\n  a\n\n",
    "|2\n   a\n  b\n",
    ">\n  a\n  b\n\n  c\n   d\n",
    ">-\n  a\n  b\n",
    ">+\n  a\n\n",
    "|\n  a\tb\n",
    "|\n\ta\n",
    "\n\ta: 1",
    "a\n  b\n  c",
    "a\n\n  b",
    "'a\n  b'",
    '"a\\\n  b"',
    '"a\n  b"',
    "a\tb",
    "\ta",
    "a \t# c",
    "@a",
    "`a`",
    "%a",
    "*a",
    "&a 1",
    "&a",
    "&a [*a]",
    "&a {b: *a}",
    "'unclosed",
    "[unclosed",
    "{unclosed",
    '"\\q"',
    '"\\ud83d\\ude00"',
    '"\\U0001F600"',
    "\U0001f600",
    "\u00e9",
    "\u0007",
    "a\u0085b",
    "a\u2028b",
    "'a\u2028b'",
    "a\u00a0b",
    "\ufeffa",
    "a: b",
    "- a: b",
    "? a",
    "a: - b",
    "-",
    "- ",
    "? ",
    "[? a]",
    "|",
    ">",
    "|5",
    "|0",
    "|++",
    "a\n# c\n",
]

# Each word becomes a key: `<word>: 1`.
KEY_WORDS = """
a 1 01 0o7 0x1F -1 1.0 1.5 1e3 1e5 1e6 1e7 123456.5 1234567.5 0.1 0.0001 0.00001 1.23456789 16777217.0
1e300 -1e300 1e-50 9223372036854775807 9223372036854775808 y Y n yes off true TRUE false ~ null
.inf -.inf .nan 2024-01-01 22:22 '1' "1" '' "" 'true' "~" '<<'
"""

# Each becomes a key: `<text>: 1`.
KEYS = [
    "",
    "!!str 1",
    "!!int '7'",
    "!!float 1",
    "!!float 1000000",
    "!!binary aGk=",
    "!foo a",
    "? a",
    "? [a]",
    "? {a: 1}",
]
KEYS += ["[a]", "{a: 1}", "&k a", "a b", "a ", '"a\\nb"', "? |\n  a\n", "a:b", "-a", "?a", ":a", "1_000", "1 ", "- a"]

DOCUMENTS = [
    "",
    "# only a comment\n",
    "---\na: 1\n",
    "---\n",
    "a: 1\n...\n",
    "a: 1\n---\n",
    "%YAML 1.2\n---\na: 1\n",
    "%FOO\n---\na: 1\n",
    "null\n",
    "~",
    "[]",
    "- a\n",
    "text",
    "12",
    "{}",
    '{"a": {"b": [1, 2.5, null, true, "y"]}}',
    '{"a": 1e3, "b": -0, "c": "\\u00e9\\/"}',
    '{\n\t"a":\t1\n}',
    "a: 1\na: 2\n",
    "a: {b: 1}\na: {c: 2}\n",
    "y: 1\ntrue: 2\n",
    "a: 1\n b: 2\n",
    "a:\n  b: 1\n c: 2\n",
    "a:\n- 1\n- 2\nb: 3\n",
    "a: &x {b: 1}\nc: *x\n",
    "a: &x [1, 2]\nc: *x\nd: [*x, *x]\n",
    "a: &x y\nb: *x\n",
    "a: &x y\n*x : 1\n",
    "&k a: 1\nb: *k\n",
    "a: &x 1e6\nb: {*x : 1}\n",
    "a: *undefined\n",
    "a: &x 1\nb: &x 2\nc: *x\n",
    "a: &x {<<: *x}\n",
    "b: &x {a: 1, b: 2}\nc:\n  <<: *x\n  b: 3\n",
    "b: &x {a: 1, b: 2}\nc:\n  b: 3\n  <<: *x\n",
    "b: &x {a: 1}\nc: &y {a: 2, d: 3}\ne:\n  <<: [*x, *y]\n",
    "b: &x {a: 1}\nc: &y {a: 2, d: 3}\ne:\n  <<: [*y, *x]\n  a: 0\n",
    "b: &x {a: 1}\nc: &y {a: 2}\ne:\n  <<: *x\n  <<: *y\n",
    "b: &x {a: {c: 1}}\nd:\n  <<: *x\n  a: {e: 2}\n",
    "b: &x {a: {c: 1}}\nd:\n  a: {e: 2}\n  <<: *x\n",
    "b: {<<: {a: 1}, c: 2}\n",
    "b: {<<: [{a: 1}, {a: 2, d: 3}]}\n",
    "b: {<<: null}\n",
    "b: {<<: 1}\n",
    "b: {<<: []}\n",
    "b: {<<: [1]}\n",
    "b: {<<: [[{a: 1}]]}\n",
    "b: &x [{a: 1}]\nc: {<<: *x}\n",
    "b: &x 1\nc: {<<: *x}\n",
    "b: {'<<': {a: 1}}\n",
    'b: {"<<": 1}\n',
    "b: {!!merge <<: {a: 1}}\n",
    "b: {!!str <<: {a: 1}}\n",
    "b: &x {<<: {a: 1}, b: 2}\nc: {<<: *x}\n",
    "<<: {a: 1}\nb: 2\n",
    "<<: &x {a: 1}\nb: *x\n",
    "a: &x {b: &y {c: 1}}\nd: *x\ne: *y\n",
    "a: &x {b: &x 1}\nc: *x\n",
    "a: &x {b: &x {c: 1}}\nd: *x\n",
    "a: |\n  text: {{ .Values }}\nb: 1\n",
    "a: {{ .Values }}\n",
    "a: {b: }\n",
    "a: 'b'c\n",
    'a: "b" c\n',
    "a: b: c\n",
    "a\n",
    "a:\n\tb: 1\n",
    "a: 1\t\n",
    "a:\t1\n",
    "a: [1,\n2]\n",
    "a: [1,\n  2\n  ]\n",
    "a: {b: 1,\nc: 2}\n",
    "a:\r\n  b: 1\r\n  c: |\r\n    x\r\n",
    "a: 1\rb: 2\r",
    "\ufeffa: 1\n",
    "a: 1\u0000\n",
    "a: \u001b\n",
    "? a\n: 1\n? b\n",
    "? - a\n: 1\n",
    "a: &x\n  b: 1\nc: *x\n",
    "a: !!str &x 1\nb: *x\n",
    "a: &x !!str 1\nb: *x\n",
    "a: -\n",
    "a: - b\n",
    "a:\n  - b\n - c\n",
    "a: [}\n",
    "a: ]\n",
    "a: b\n  c: d\n",
    "'a': 1\n\"b\": 2\n",
    "a : 1\n",
    "a:1\n",
    "a: # c\n  1\n",
    "a: b # c\n",
    "a: b# c\n",
    "a: 'b' # c\n",
    "a: >\n\n\n  b\n",
    "a: |1\n b\n",
    "x" * 1100 + ": 1\n",
    "'" + "x" * 900 + "': 1\n",
    "a: " + "[" * 50 + "]" * 50 + "\n",
]


def documents() -> list[str]:
    scalars = [f"x: {text}" for text in dict.fromkeys([*WORDS.split(), *SCALARS])]
    keys = [f"{text}: 1" for text in dict.fromkeys([*KEY_WORDS.split(), *KEYS])]
    return [*scalars, *keys, *DOCUMENTS]


def answer(path: str, text: str) -> list[Any]:
    values, error = helm.values_seen(path, [text])
    return [text, None, error.rpartition(": ")[2]] if error else [text, values]


def main(paths: list[str]) -> None:
    asked = [helm.ask_all(partial(answer, path), documents()) for path in paths]
    differ = [rows for rows in zip(*asked, strict=True) if any(row[:2] != rows[0][:2] for row in rows)]
    if differ:
        raise SystemExit("the helms disagree:\n" + "\n".join(map(repr, differ)))
    helm.record("yaml_helm.json", {"helm": [helm.version(path) for path in paths]}, asked[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
