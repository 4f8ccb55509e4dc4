"""Entries on disk: taken if whole and ours, otherwise removed; whatever happens to a folder is no error."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.compiler import cache, provenance
from pellucid.compiler.cache import Cache, Held, folder, opened
from pellucid.compiler.machine import host
from pellucid.compiler.provenance import digest, key

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
CONTENT = bytes(range(40))
SIZE = cache.HEAD + len(CONTENT)


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    """A cache that holds one entry."""
    store = Cache(tmp_path / "deep" / "kept")
    store.put(ONE, CONTENT)
    return store


def entry(store: Cache, name: str = ONE) -> Path:
    return store.folder / f"{name}.code"


def test_what_is_kept_is_found_again(kept):
    assert kept.get(ONE) == CONTENT
    assert Cache(kept.folder).get(ONE) == CONTENT
    assert kept.get(TWO) is None
    kept.put(ONE, b"")
    assert kept.get(ONE) == b""
    assert kept.held() == Held(1, cache.HEAD)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_it_is_private(kept):
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert entry(kept).stat().st_mode & 0o777 == 0o600


def damaged(store: Cache, data: bytes) -> None:
    """An entry in which anything is wrong is ignored and removed, and can be made anew."""
    entry(store).write_bytes(data)
    assert store.get(ONE) is None
    assert not entry(store).exists()
    store.put(ONE, CONTENT)
    assert store.get(ONE) == CONTENT


def test_a_truncated_entry(kept):
    whole = entry(kept).read_bytes()
    for length in range(len(whole)):
        damaged(kept, whole[:length])


def test_an_entry_with_one_bit_changed(kept):
    whole = entry(kept).read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        damaged(kept, bytes(changed))


def test_an_entry_damaged_at_random(kept):
    chance = random.Random(6)
    whole = entry(kept).read_bytes()
    for _ in range(500):
        changed = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            at, long = chance.randrange(len(changed) + 1), chance.randrange(12)
            changed[at : at + long] = chance.randbytes(chance.choice((0, long, chance.randrange(30))))
        if changed != whole:
            damaged(kept, bytes(changed))


def test_an_entry_under_the_name_of_another(kept):
    entry(kept, TWO).write_bytes(entry(kept).read_bytes())
    entry(kept, TWO).chmod(0o600)
    assert kept.get(TWO) is None
    assert not entry(kept, TWO).exists()
    assert kept.get(ONE) == CONTENT


def test_an_entry_that_is_larger_than_all_may_be(kept):
    kept.cap = SIZE - 1
    assert kept.get(ONE) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_may_write_to(kept, mode):
    entry(kept).chmod(mode)
    assert kept.get(ONE) is None
    assert not entry(kept).exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users")
def test_an_entry_of_another_user_is_ignored_and_stays(kept, monkeypatch):
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert kept.get(ONE) is None
    assert kept.clear() == Held(0, 0)
    assert entry(kept).exists()
    monkeypatch.undo()
    assert kept.get(ONE) == CONTENT


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_what_is_no_file_is_no_entry(kept, kind):
    path = entry(kept, TWO)
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir(0o700)
    else:
        path.symlink_to(entry(kept, ONE if kind == "link" else THREE))
    assert kept.get(TWO) is None
    kept.put(TWO, CONTENT)
    assert kept.get(TWO) == (None if kind == "folder" else CONTENT)
    assert kept.get(ONE) == CONTENT


def test_the_entries_used_longest_ago_go_first(tmp_path):
    store = Cache(tmp_path, cap=3 * SIZE)
    for age, name in enumerate((ONE, TWO, THREE)):
        store.put(name, CONTENT)
        os.utime(entry(store, name), (1000 + age, 1000 + age))
    assert store.get(ONE) == CONTENT  # and so it is the youngest
    store.put("4" * 64, CONTENT)
    assert sorted(p.name[0] for p in tmp_path.iterdir()) == ["1", "3", "4"]
    store.put("5" * 64, bytes(2 * SIZE - cache.HEAD))
    assert store.held() == Held(2, 3 * SIZE)
    store.put("6" * 64, bytes(4 * SIZE))  # too large by itself
    assert store.held().bytes <= store.cap


def test_clearing_leaves_what_is_not_ours(kept):
    (kept.folder / "letter.code").write_text("dear")
    (kept.folder / ".code-0.tmp").write_text("half")
    assert kept.clear() == Held(1, SIZE)
    assert [p.name for p in kept.folder.iterdir()] == ["letter.code"]
    assert kept.clear() == Held(0, 0)


def test_what_killed_processes_left_is_removed_later(kept):
    left, new = kept.folder / ".code-a.tmp", kept.folder / ".code-b.tmp"
    for path in (left, new):
        path.write_text("half")
    os.utime(left, (1000, 1000))
    kept.put(TWO, CONTENT)
    assert not left.exists()
    assert new.exists()


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    store = Cache(tmp_path / "file" / "kept")
    store.put(ONE, CONTENT)
    assert store.get(ONE) is None
    assert (store.held(), store.clear()) == (Held(0, 0), Held(0, 0))


@pytest.mark.parametrize("call", ["open", "replace", "unlink", "utime", "scandir", "mkdir"])
def test_calls_that_fail(kept, monkeypatch, call):
    def fails(*_: object, **__: object) -> None:
        raise PermissionError(13, "not for you")

    monkeypatch.setattr(os, call, fails)
    kept.put(TWO, CONTENT)
    assert kept.get(TWO) in (None, CONTENT)
    assert kept.get(ONE) in (None, CONTENT)
    kept.clear()
    monkeypatch.undo()
    kept.put(ONE, CONTENT)
    assert kept.get(ONE) == CONTENT


def test_an_interrupt_leaves_nothing(kept, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kept.put(TWO, CONTENT)
    assert [p.name for p in kept.folder.iterdir()] == [entry(kept).name]


SHARING = """
import random, sys
from pathlib import Path
from pellucid.compiler.cache import Cache
chance = random.Random(int(sys.argv[2]))
store = Cache(Path(sys.argv[1]), cap=4000)
found = 0
for _ in range(1500):
    letter = chance.choice("abcdef")
    name, content = letter * 64, letter.encode() * 900
    got = store.get(name)
    assert got in (None, content), got
    found += got is not None
    if chance.random() < 0.3:
        store.put(name, content)
    if chance.random() < 0.01:
        store.clear()
assert found > 100, found
"""


def test_processes_share_it(tmp_path):
    command = [sys.executable, "-W", "error", "-c", SHARING, str(tmp_path)]
    running = [subprocess.Popen([*command, str(seed)], stderr=subprocess.PIPE) for seed in range(3)]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, b"")
    assert all(path.suffix == ".code" for path in tmp_path.iterdir())


def test_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    places = {
        "linux": (".cache", "XDG_CACHE_HOME"),
        "darwin": ("Library/Caches", "XDG_CACHE_HOME"),
        "win32": ("AppData/Local", "LOCALAPPDATA"),
    }
    elsewhere = str(tmp_path / "elsewhere")
    for platform, (usual, variable) in places.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert folder({}) == tmp_path / usual / "pellucid"
        assert folder({variable: elsewhere}) == tmp_path / "elsewhere" / "pellucid"
        assert folder({variable: elsewhere, cache.VARIABLE: ""}) == tmp_path / "elsewhere" / "pellucid"
        assert folder({variable: elsewhere, cache.VARIABLE: "here"}) == Path("here").absolute()
        assert folder({variable: elsewhere, cache.VARIABLE: "off"}) is None
    monkeypatch.setattr(sys, "platform", "linux")
    assert folder({"XDG_CACHE_HOME": "not/absolute"}) == tmp_path / ".cache" / "pellucid"


def test_no_home_is_no_cache(monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert opened() is None


def test_a_key_is_of_everything_that_code_depends_on(monkeypatch):
    here, about = host(), {"network": "n", "tile": 4}
    monkeypatch.setattr(provenance, "sources", lambda: "a")
    first = key(about, here)
    assert first is not None
    assert len(first) == 64
    assert key(dict(about), replace(here)) == first
    others = [key(about, replace(here, **{f: "x"})) for f in ("triple", "cpu", "features")]
    others += [key(about, replace(here, features=here.features + ",-avx2")), key({**about, "tile": 8}, here)]
    monkeypatch.setattr(provenance, "sources", lambda: "b")
    others.append(key(about, here))
    monkeypatch.setattr("llvmlite.__version__", "0")
    others.append(key(about, here))
    monkeypatch.setattr(provenance.llvm, "llvm_version_info", (0, 0, 0))
    others.append(key(about, here))
    assert None not in others
    assert len({first, *others}) == len(others) + 1


def test_there_is_no_key_for_what_cannot_be_told(monkeypatch):
    monkeypatch.setattr(provenance, "sources", lambda: "a")
    assert key({"limit": float("inf")}, host()) is None
    monkeypatch.setattr(provenance, "sources", lambda: None)
    assert key({}, host()) is None


def test_a_digest_is_of_names_and_contents_of_all_sources(tmp_path):
    package = tmp_path / "pellucid"
    assert digest(package, 2e9) is None
    (package / "compiler").mkdir(parents=True)
    (package / "cli").mkdir()
    first, other = package / "compiler" / "nest.py", package / "cli" / "info.py"
    for path in (first, other):
        path.write_text("x = 1\n")
        os.utime(path, (1000, 1000))
    before = digest(package, 2000)
    assert before is not None
    other.write_text("x = 2\n")  # takes no part in making code
    assert digest(package, 2000) == before
    assert digest(package, 999) is None  # changed since the process began
    first.write_text("x = 2\n")
    os.utime(first, (1000, 1000))
    changed = digest(package, 2000)
    renamed = first.rename(first.with_name("loops.py"))
    assert len({before, changed, digest(package, 2000)}) == 3
    renamed.unlink()
    assert digest(package, 2000) is None
