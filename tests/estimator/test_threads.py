"""Fits that run beside each other share the cores."""

from __future__ import annotations

import joblib
import pytest
from threadpoolctl import threadpool_limits

from pellucid.engine.processors import threads_by_default
from pellucid.estimator import threads
from pellucid.estimator.threads import threads_for


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "threads_by_default", lambda: 8)
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": 8}])
    for name in threads._VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("eight_cores")
def test_a_fit_alone_has_the_cores() -> None:
    asked = [None, -1, -2, -20, 1, 3, 99]
    assert [threads_for(n_jobs) for n_jobs in asked] == [8, 8, 7, 1, 1, 3, 8]


@pytest.mark.usefixtures("eight_cores")
def test_variables_bound_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    assert threads_for(None) == 3
    assert threads_for(2) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert threads_for(-1) == 3


def test_limits_bound_it() -> None:
    with threadpool_limits(1):
        assert threads_for(-1) == 1


@pytest.mark.usefixtures("eight_cores")
def test_threads_of_joblib_have_one_each() -> None:
    found = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(threads_for)(-1) for _ in range(2))
    assert found == [1, 1]


def test_workers_of_joblib_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in threads._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    found = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(threads_for)(-1) for _ in range(2))
    assert sum(found) <= max(2, threads_by_default())
