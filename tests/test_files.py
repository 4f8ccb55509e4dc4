from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pellucid import files
from pellucid.errors import ModelFileError, ResourceError
from pellucid.files import open_regular, write_atomically
from tests import faulty_system
from tests.faulty_system import FAULTS, WRITE_FAULTS, FaultySystem, fails

OLD = b"the old state"
NEW = b"the new state, which is longer"


def write_new(stream: BinaryIO) -> None:
    """Two writes, so that one can work and the next one fail."""
    stream.write(NEW[:9])
    stream.write(b"")
    stream.write(NEW[9:])


def calls_of_a_save(path: Path) -> list[str]:
    system = FaultySystem()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "system", system)
        write_atomically(path, write_new)
    return system.calls


@pytest.fixture(params=["over an old file", "where there was none"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "state"
    if request.param == "over an old file":
        path.write_bytes(OLD)
    return path


def state(path: Path) -> bytes | None:
    """The file's bytes, and no other file beside it."""
    assert [other.name for other in path.parent.iterdir()] == ([path.name] if path.exists() else [])
    return path.read_bytes() if path.exists() else None


def put_back(path: Path, before: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)


def systems(path: Path) -> Iterator[tuple[str, FaultySystem]]:
    """Each call of a save with each fault that it can have."""
    before = state(path)
    calls = calls_of_a_save(path)
    for at, call in enumerate(calls):
        for name, fault in (FAULTS | (WRITE_FAULTS if call == "write" else {})).items():
            put_back(path, before)
            yield f"{name} at {call} ({at})", FaultySystem(at, fault)


def test_a_save_makes_these_calls_in_this_order(tmp_path: Path) -> None:
    path = tmp_path / "state"
    plain = ["create", "write", "write", "size", "sync", "close", "rename", "sync_folder"]
    assert calls_of_a_save(path) == plain
    assert calls_of_a_save(path) == [*plain[:6], "permit", *plain[6:]]
    assert state(path) == NEW


def test_every_failing_call_leaves_the_old_state_or_the_new(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(target)
    seen = 0
    for case, system in systems(target):
        monkeypatch.setattr(files, "system", system)
        with pytest.raises(ResourceError) as caught:
            write_atomically(target, write_new)
        renamed = "sync_folder" in system.calls or (case.startswith("late") and "at rename" in case)
        assert state(target) == (NEW if renamed else before), case
        assert str(target) in str(caught.value), case
        assert caught.value.errno in (errno.ENOSPC, errno.EIO), case
        seen += 1
    assert seen == 3 * (9 if before else 8) + 2 * 2


@pytest.mark.parametrize("interrupt", [faulty_system.interrupts, faulty_system.interrupts_afterwards])
def test_ctrl_c_at_any_call_leaves_the_old_state_or_the_new(
    target: Path, monkeypatch: pytest.MonkeyPatch, interrupt: faulty_system.Fault
) -> None:
    before = state(target)
    for at in range(len(calls_of_a_save(target))):
        put_back(target, before)
        system = FaultySystem(at, interrupt)
        monkeypatch.setattr(files, "system", system)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(target, write_new)
        assert state(target) in (before, NEW)


def test_a_write_that_takes_a_part_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in (1, 2):
        monkeypatch.setattr(files, "system", FaultySystem(at, faulty_system.half))
        write_atomically(tmp_path / f"state{at}", write_new)
        assert (tmp_path / f"state{at}").read_bytes() == NEW


def test_an_error_of_the_writer_itself_passes_through(target: Path) -> None:
    before = state(target)

    def refuses(stream: BinaryIO) -> None:
        stream.write(NEW)
        raise ModelFileError("not now")

    with pytest.raises(ModelFileError, match=r"^not now$"):
        write_atomically(target, refuses)
    assert state(target) == before


def test_a_stream_is_written_from_start_to_end(tmp_path: Path) -> None:
    def seeks(stream: BinaryIO) -> None:
        assert not stream.seekable()
        stream.seek(0)

    with pytest.raises(ResourceError, match="from start to end"):
        write_atomically(tmp_path / "state", seeks)
    assert state(tmp_path / "state") is None


def test_permissions_are_kept_and_a_new_file_gets_the_umasks(tmp_path: Path) -> None:
    path = tmp_path / "state"
    earlier = os.umask(0o027)
    try:
        write_atomically(path, write_new)
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o666)
        write_atomically(path, write_new)
        assert path.stat().st_mode & 0o777 == 0o666
        path.chmod(0o600)
        write_atomically(path, write_new)
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(earlier)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "runs" / "3")
    for _ in range(2):
        write_atomically(tmp_path / "latest", write_new)
        assert (tmp_path / "latest").is_symlink()
        assert (tmp_path / "runs" / "3").read_bytes() == NEW


def test_devices_pipes_and_folders_are_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(ResourceError, match="not a regular file"):
            write_atomically(path, write_new)
        with pytest.raises(ResourceError, match="not a regular file"):
            open_regular(path)
    assert Path(os.devnull).is_char_device()


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state"
    for action in (lambda: write_atomically(path, write_new), lambda: open_regular(path)):
        with pytest.raises(ResourceError, match="nowhere") as caught:
            action()
        assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("length", [200, 255])
@pytest.mark.parametrize("letter", ["a", "é", "字"])
def test_names_up_to_the_systems_limit_can_be_saved(tmp_path: Path, length: int, letter: str) -> None:
    path = tmp_path / (letter * (length // len(letter.encode())))
    write_atomically(path, write_new)
    assert state(path) == NEW


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "state", write_new)
    assert state(tmp_path / "state") == NEW


def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "system", FaultySystem(1, fails(errno.ENOSPC)))
    with pytest.raises(ResourceError) as caught:
        write_atomically(tmp_path / "state", write_new)
    assert str(caught.value) == f"cannot write {tmp_path / 'state'}: No space left on device"
