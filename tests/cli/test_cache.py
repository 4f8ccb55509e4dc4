from __future__ import annotations

from pathlib import Path

import pytest

from pellucid.compiler.cache import CAP_BYTES, Cache
from tests.cli.invoke import events, failed, invoke


@pytest.fixture
def kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """The cache of one test, with two entries."""
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(folder / "kept"))
    store = Cache(folder / "kept")
    store.put("1" * 64, bytes(1000))
    store.put("2" * 64, bytes(2000))
    return store


def test_info_and_clear(kept: Cache) -> None:
    (told,) = events("cache", "info")
    size = told["bytes"]
    assert size > 3000
    assert told == {
        "event": "cache", "folder": str(kept.folder), "entries": 2, "bytes": size, "most_bytes": CAP_BYTES,
        "problem": None,
    }  # fmt: skip
    assert events("cache", "clear") == [{"event": "done", "entries": 2, "bytes": size}]
    assert events("cache", "clear") == [{"event": "done", "entries": 0, "bytes": 0}]
    assert events("cache", "info")[0]["entries"] == 0


def test_for_people(kept: Cache) -> None:
    rows = [line.split() for line in invoke("cache", "info").stdout.splitlines() if line.strip()]
    size = f"{kept.held().bytes:,}"
    assert rows == [
        ["folder", str(kept.folder)], ["entries", "2"], ["bytes", size, "of", "at", "most", f"{CAP_BYTES:,}"],
    ]  # fmt: skip
    assert invoke("cache", "clear").stdout == f"2 entries of {size} bytes removed\n"
    kept.put("1" * 64, b"")
    assert invoke("cache", "clear").stdout.startswith("1 entry of ")


def test_switched_off(kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", "off")
    told = {"event": "cache", "folder": None, "entries": 0, "bytes": 0, "most_bytes": CAP_BYTES}
    told |= {"problem": None}
    assert events("cache", "info") == [told]
    assert "switched off" in invoke("cache", "info").stdout
    assert events("cache", "clear") == [{"event": "done", "entries": 0, "bytes": 0}]
    assert kept.held().entries == 2


def test_training_twice_makes_the_code_once(kept: Cache) -> None:
    kept.clear()
    options = ("--net", "tiny.toml", "--data", "halves.npz", "--engine", "compiled", "--epochs", 1)
    for run in ("first", "second"):
        assert invoke("train", *options, "--out", f"{run}.safetensors").exit_code == 0
    entries = kept.held().entries
    assert entries > 0
    invoke("train", *options, "--out", "third.safetensors")
    assert kept.held().entries == entries


def test_a_folder_that_cannot_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(folder / "tiny.toml" / "kept"))
    assert events("cache", "info")[0]["entries"] == 0
    assert events("cache", "clear")[0]["entries"] == 0


def test_wrong_use() -> None:
    assert "No such command" in failed(2, "cache", "empty")


def test_a_folder_that_cannot_be_used_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(folder / "file" / "kept"))
    assert events("cache", "info")[0]["problem"] == f"{folder / 'file'} is no folder"
    assert f"{folder / 'file'} is no folder; code is made anew each time" in invoke("cache", "info").stdout
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(folder / "new" / "kept"))
    assert events("cache", "info")[0]["problem"] is None
    assert not (folder / "new").exists()


def test_a_folder_that_may_not_be_written_to_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(folder))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert events("cache", "info")[0]["problem"] == f"there is no permission to write to {folder}"
