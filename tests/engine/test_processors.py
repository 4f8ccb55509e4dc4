"""Threads by default: the physical cores that the process may use."""

from __future__ import annotations

import os

import pytest

from pellucid.engine import processors
from pellucid.engine.processors import cores, quota, threads_by_default


@pytest.fixture
def topology(tmp_path):
    """Four cores of two threads each, numbered as systems do; of processor 9 nothing is told."""
    for n in range(8):
        folder = tmp_path / f"cpu{n}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{n % 4},{n % 4 + 4}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("usable", "count"), [(range(8), 4), ([0, 4], 1), ([0, 1, 5], 2), ([3], 1), ([0, 4, 9], 2), ([], 0)]
)
def test_two_threads_of_a_core_are_one(topology, usable, count):
    assert cores(usable, topology) == count


def test_what_nobody_tells_counts_by_itself(tmp_path):
    assert cores([0, 1, 2], tmp_path) == 3


@pytest.mark.parametrize(
    ("files", "share"),
    [
        ({}, None),
        ({"cpu.max": "max 100000"}, None),
        ({"a/b/cpu.max": "150000 100000", "cpu.max": "max 100000"}, 1.5),
        ({"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"}, 2.0),
        ({"cpu/a/b/cpu.cfs_quota_us": "50000", "cpu/a/b/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/a/b/cpu.cfs_quota_us": "-1", "cpu/a/b/cpu.cfs_period_us": "100000"}, None),
        ({"a/b/cpu.max": "nonsense"}, None),
        ({"a/b/cpu.max": "100000 0"}, None),
    ],
)
def test_shares_of_processor_time(tmp_path, files, share):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert quota("a/b", tmp_path) == share


@pytest.mark.parametrize(("share", "threads"), [(None, 6), (8.0, 6), (2.5, 3), (0.1, 1)])
def test_the_least_of_all_bounds(monkeypatch, share, threads):
    monkeypatch.setattr(processors, "cores", lambda _: 6)
    monkeypatch.setattr(processors, "quota", lambda _: share)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    assert threads_by_default() == threads


def test_systems_that_tell_only_a_number(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(processors, "quota", lambda _: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert threads_by_default() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads_by_default() == 1
