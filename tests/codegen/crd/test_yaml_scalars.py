"""Unquoted scalars: every value here was read by `kubectl create --dry-run=client --output json`, too."""

from __future__ import annotations

import math

import pytest

from kinform_codegen.crd.yaml_scalars import plain_scalar, tagged_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")),
        *((text, False) for text in ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")),
        *((text, None) for text in ("", "~", "null", "Null", "NULL")),
        *((text, text) for text in ("yEs", "oN", "tRUE", "nULL", "yess", "none")),
        ("0", 0), ("00", 0), ("-0", 0), ("+12", 12), ("-12", -12), ("1_000", 1000), ("1__0_", 10),
        ("0x1F", 31), ("0X1f", 31), ("0o17", 15), ("017", 15), ("0b11", 3), ("-0b11", -3), ("-_1", -1), ("0x_1f", 31), ("0x1_f", 31),
        ("08", 8), ("09.5", 9.5), ("1.", 1), (".5", 0.5), ("+.5", 0.5), ("-.5", -0.5), ("1.0", 1), ("1.50", 1.5),
        ("1e3", 1000), ("1E3", 1000), ("1_e3", 1000), ("1.5e-9", 1.5e-9), (".1_0", 0.1), ("1e20", 10**20), ("1e21", 1e21),
        ("9007199254740993", 9007199254740993), ("18446744073709551615", 2**64 - 1), ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", 2**64), ("+18446744073709551615", 2**64), ("-9223372036854775809", -(2**63)),
        *(
            (text, text)
            for text in (
                "_1", "+_", "-", "+", ".", "=", "0x", "0o", "0b", "0o8", "1e", "1.5.2", "1e400", "<<", "\u0661",
                "12:30", "1:20:30", "2001-12-14", "2001-12-14T21:59:43Z", "2001-12-14t21:59:43.10-05:00",
                "0xFFFFFFFFFFFFFFFFF",
            )
        ),
    ],
)  # fmt: skip
def test_unquoted(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_no_number(text: str) -> None:
    assert math.isnan(float(plain_scalar(text) or 0))


def test_what_is_too_long_for_an_integer_takes_no_time() -> None:
    assert plain_scalar("9" * 100) == 1e100
    assert plain_scalar("9" * 1_000_000) == "9" * 1_000_000


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "12", "12"), ("str", "", ""), ("int", "12", 12), ("float", "3", 3), ("float", "3.5", 3.5),
        ("bool", "on", True), ("null", "", None), ("timestamp", "2001-12-14", "2001-12-14"),
    ],
)  # fmt: skip
def test_tagged(tag: str, text: str, value: object) -> None:
    found = tagged_scalar(f"tag:yaml.org,2002:{tag}", text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("tag:yaml.org,2002:int", "yes"), ("tag:yaml.org,2002:int", "1.5"), ("tag:yaml.org,2002:bool", "1"),
        ("tag:yaml.org,2002:null", "x"), ("tag:yaml.org,2002:binary", "aGk="), ("!mine", "x"),
        ("tag:yaml.org,2002:python/object/apply:os.system", "true"),
    ],
)  # fmt: skip
def test_tags_that_are_refused(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"tag:|!mine"):
        tagged_scalar(tag, text)
