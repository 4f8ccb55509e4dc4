"""Which engine runs."""

from __future__ import annotations

import pytest

from pellucid import engine
from pellucid.engine.choice import VARIABLE
from pellucid.errors import UsageError


def test_automatic_is_the_preferred_one(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert engine.get().name == engine.available()[0]


@pytest.mark.parametrize("name", engine.available())
def test_the_environment_forces_one_that_really_runs(monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    assert engine.get("auto").name == name


def test_an_engine_that_is_asked_for_by_name_is_not_overruled(monkeypatch):
    monkeypatch.setenv(VARIABLE, "abacus")
    assert engine.get("numpy").name == "numpy"


def test_unknown_names_are_one_sentence(monkeypatch):
    names = "auto, compiled, numpy"
    with pytest.raises(UsageError) as caught:
        engine.get("abacus")
    assert str(caught.value) == f"there is no engine 'abacus'; there are {names}"
    monkeypatch.setenv(VARIABLE, "slide rule")
    with pytest.raises(UsageError) as caught:
        engine.get()
    assert str(caught.value) == f"there is no engine 'slide rule' (from {VARIABLE}); there are {names}"
