"""Why an engine runs."""

from __future__ import annotations

import sys

import pytest

from pellucid.engine import choice
from pellucid.engine.suitability import obstacle, unsuitable
from pellucid.errors import UsageError


@pytest.fixture(autouse=True)
def anew():
    obstacle.cache_clear()
    yield
    obstacle.cache_clear()


@pytest.mark.parametrize(
    ("architecture", "features", "lacking"),
    [
        ("x86_64", {"avx2": True, "fma": True, "avx512f": True}, None),
        ("x86_64", {"avx2": True, "fma": False}, "no FMA"),
        ("x86_64", {}, "no AVX2 and no FMA"),
        ("aarch64", {"neon": True}, None),
        ("arm64", {}, None),
        ("aarch64", {"neon": False}, "no NEON"),
        ("i686", {"avx2": True, "fma": True}, "is i686"),
    ],
)
def test_processors(architecture, features, lacking):
    found = unsuitable(architecture, features)
    assert found is None if lacking is None else lacking in found


def test_without_llvmlite_numpy_serves_and_the_reason_says_so(monkeypatch):
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert choice.reason().startswith("the compiled engine cannot run here: llvmlite cannot be loaded")
    assert choice.available() == ["numpy"]
    assert choice.get().name == "numpy"


def test_an_engine_that_cannot_run_is_never_replaced(monkeypatch):
    monkeypatch.setattr(choice, "obstacle", lambda: "the processor has no FMA")
    monkeypatch.setenv(choice.VARIABLE, "compiled")
    for name, source in (("compiled", ""), ("auto", f" (from {choice.VARIABLE})")):
        with pytest.raises(UsageError) as caught:
            choice.get(name)
        expected = f"the engine 'compiled'{source} cannot run here: the processor has no FMA"
        assert str(caught.value) == expected


def test_the_compiled_engine_is_preferred(monkeypatch):
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.setattr(choice, "obstacle", lambda: None)
    assert choice.available() == ["compiled", "numpy"]
    assert choice.get().name == "compiled"
    assert choice.reason() == "it is the first of compiled, numpy"


def test_the_environment_is_a_reason(monkeypatch):
    monkeypatch.setenv(choice.VARIABLE, "numpy")
    assert choice.reason() == f"{choice.VARIABLE} says so"
