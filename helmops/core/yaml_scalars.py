"""What a YAML scalar means to Helm: go-yaml v2's rules, then the step to JSON of sigs.k8s.io/yaml.

Held against helm 3.19 and 4.2 by ``tests/unit/core/test_yaml_oracle.py``. No PyYAML in here, so that writing a scalar
for people (:mod:`helmops.core.yaml_dump`) costs no import of it.
"""

from __future__ import annotations

import math
import re
import struct
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

_NUMBER_STARTS = frozenset("+-.0123456789")

_BASES = {"0x": 16, "0o": 8, "0b": 2}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])", re.ASCII)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"|\ [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?",
    re.ASCII,
)


def resolve(text: str) -> Scalar:
    """A plain scalar as go-yaml reads it. Floats stay floats here, because a key ``1e6`` differs from ``1000000``."""
    value = _WORDS.get(text, text)
    return _number(text) if value is text and text[:1] in _NUMBER_STARTS else value


def _number(text: str) -> int | float | str:
    """A number, else the text. Underscores are dropped; behind a leading dot only those between digits."""
    plain = _BETWEEN_DIGITS.sub("", text) if text[0] == "." else text.replace("_", "")
    if len(plain) < 100 and _INTEGER.fullmatch(plain):
        value = _integer(plain)
        # Go holds 64 bits, 63 behind a sign. Past them decimals become floats; numbers with a prefix stay text.
        if -(2**63) <= value < (2**63 if plain[0] == "+" else 2**64):
            return value
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        # strconv.ParseFloat calls an overflow an error, so ``1e400`` is text.
        if math.isfinite(number):
            return number
    return text


def _integer(plain: str) -> int:
    sign = -1 if plain[0] == "-" else 1
    digits = plain.lstrip("+-").lower()
    if base := _BASES.get(digits[:2]):
        return sign * int(digits[2:], base)
    return sign * int(digits, 8 if digits[0] == "0" else 10)


def resolve_tagged(tag: str, text: str) -> Scalar:
    """A scalar with a standard tag (``tag`` is what follows ``!!``) as go-yaml reads it.

    ValueError when the text is not of that type. Tags unknown to go-yaml leave a string.
    """
    if tag == "binary":
        return _binary(text)
    if tag == "timestamp":
        return _timestamp(text)
    if tag not in _PYTHON_TYPES:
        return text
    value = resolve(text)
    if tag == "float" and type(value) is int and -(2**63) <= value < 2**63:
        return float(value)
    if type(value) is not _PYTHON_TYPES[tag]:
        raise ValueError(f"{text!r} is no !!{tag}")
    return value


_PYTHON_TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "null": type(None)}


def _timestamp(text: str) -> str:
    """Helm leaves timestamps as the text they were written in."""
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError(f"{text!r} is no !!timestamp")
    return text


def _binary(text: str) -> str:
    """The bytes as a string, where Go's JSON replaces every single byte that is no UTF-8."""
    import base64  # rare: not worth its import at every start

    packed = re.sub(r"[\r\n]", "", text)
    if not _BASE64.fullmatch(packed):
        raise ValueError("!!binary is no valid base64")
    data = base64.b64decode(packed)
    return re.sub("[\udc80-\udcff]", "�", data.decode("utf-8", "surrogateescape"))


def to_json(value: Scalar) -> Scalar:
    """The number as Helm's JSON step writes it: ``1.0`` and ``1e3`` become whole numbers.

    ValueError for infinities and NaN, which JSON has not.
    """
    if type(value) is not float:
        return value
    if not math.isfinite(value):
        raise ValueError("JSON has no infinity and no NaN")
    if not value.is_integer() or abs(value) >= 1e21 or (value == 0 and math.copysign(1, value) < 0):
        return value
    return _whole(value)


def _whole(value: float) -> int:
    """The integer that Go prints: the shortest digits that give this float, filled up with zeros."""
    mantissa, _, exponent = repr(value).removesuffix(".0").partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction.ljust(int(exponent or 0), "0"))


def key_text(value: Scalar) -> str:
    """A mapping's key as Helm makes it a string. ValueError for null and for integers past 63 bits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_key(value)
    if value is None:
        raise ValueError("a key cannot be null")
    if value >= 2**63:
        raise ValueError(f"the number {value} is too big for a key; quote it")
    return str(value)


def _float_key(value: float) -> str:
    """Helm formats float keys in 32 bits: the shortest digits that give the same float32."""
    single = _to_float32(value)
    if math.isnan(single):
        return ".nan"
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    digits = next(text for p in range(17) if _to_float32(float(text := f"{single:.{p}e}")) == single)
    mantissa, _, exponent = digits.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return _positional(mantissa, int(exponent))


def _positional(mantissa: str, exponent: int) -> str:
    """Go's ``%g`` with the shortest precision: scientific below 1e-4 and from 1e6 on."""
    if exponent < -4 or exponent >= 6:
        return f"{mantissa}e{exponent:+03d}"
    sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
    digits = digits.replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _to_float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
