from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.canonical_json import MAX_DEPTH, dumps, loads

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FINITE | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(VALUES)
def test_every_value_comes_back_with_its_order_and_its_types(value: Any) -> None:
    assert repr(loads(dumps(value))) == repr(value)


@given(st.text() | VALUES.map(json.dumps))
def test_a_text_is_read_only_if_it_is_the_one_that_is_written(text: str) -> None:
    try:
        value = loads(text)
    except ValueError:
        return
    assert dumps(value) == text


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_depth_is_bounded_in_both_directions() -> None:
    value = loads(nested(MAX_DEPTH))
    assert dumps(value) == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match="deeper than 32"):
        loads(nested(MAX_DEPTH + 1))
    with pytest.raises(ValueError, match="deeper than 32"):
        dumps([value])


def test_brackets_in_strings_are_not_depth() -> None:
    for value in ["[" * 99, '"' * 9 + "[" * 99, "\\" * 9 + "[" * 99, {'a"\\': '\\"[[[[' * 99}]:
        assert loads(dumps(value)) == value


def test_a_value_that_holds_itself_is_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="deeper"):
        dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}',
        '{"a": 1}',
        " 1",
        "1 ",
        "1.50",
        "1e3",
        "-0",
        '"\\u0041"',
        '"é"',
        '"\\/"',
    ],
)
def test_other_forms_of_the_same_value_are_refused(text: str) -> None:
    json.loads(text)
    with pytest.raises(ValueError, match="form that pellucid writes"):
        loads(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "1e999", "nul", "'a'", "9" * 5000, '"\n"'])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not valid"):
        loads(text)


@pytest.mark.parametrize(
    ("value", "spot"),
    [
        ({"a": [1, math.inf]}, r"document\['a'\]\[1\] is inf"),
        ({"a": {1: 2}}, r"document\['a'\] has the key 1"),
        ({"a": {1, 2}}, r"document\['a'\] is of type set"),
        (b"a", "document is of type bytes"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_spot(value: object, spot: str) -> None:
    with pytest.raises(ValueError, match=spot):
        dumps(value)
