from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.data.catalog import CATALOG, Named, RemoteFile
from pellucid.data.source import md5
from tests.cli.invoke import events, failed, invoke
from tests.data.mirror import Mirror, corrupts, good, mirror
from tests.data.samples import idx_files, packed, write

FILES = packed(idx_files())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "PELLUCID_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "pellucid" / "data"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """The only home of a small MNIST."""
    remote = tuple(RemoteFile(name, md5(content).hexdigest(), 10_000) for name, content in FILES.items())
    with mirror(FILES, good) as found:
        monkeypatch.setitem(CATALOG, "mnist", Named("mnist", "ten digits", remote, (found.address,)))
        yield found


def test_list_tells_what_is_where(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "mnist", packed(idx_files()))
    told = {one["name"]: one for one in events("data", "list", "--data-dir", tmp_path / "mine")}
    assert list(told) == ["digits", "mnist", "fashion-mnist", "cifar10"]
    assert all(one.keys() == {"event", "name", "title", "path", "embedded"} for one in told.values())
    assert [one["path"] for one in told.values()] == [None, str(tmp_path / "mine" / "mnist"), None, None]
    assert [one["embedded"] for one in told.values()] == [True, False, False, False]


def test_list_for_people() -> None:
    lines = invoke("data", "list").stdout.splitlines()
    rows = {line.split()[0]: line for line in lines[3:-1]}
    assert rows["digits"].rstrip().endswith("embedded")
    assert rows["cifar10"].rstrip().endswith("not found")


def test_fetch_goes_where_the_sets_are_found(home: Path, server: Mirror) -> None:
    assert events("data", "fetch", "mnist") == [
        {"event": "done", "name": "mnist", "path": str(home / "mnist")}
    ]
    assert sorted(path.name for path in (home / "mnist").iterdir()) == sorted(FILES)
    assert [one["path"] for one in events("data", "list")][1] == str(home / "mnist")


def test_fetch_into_a_folder(tmp_path: Path, server: Mirror) -> None:
    result = invoke("data", "fetch", "mnist", "--data-dir", tmp_path / "mine")
    assert result.output == f"mnist is in {tmp_path / 'mine' / 'mnist'}\n"
    asked = len(server.requests)
    assert invoke("data", "fetch", "mnist", "--data-dir", tmp_path / "mine").exit_code == 0
    assert len(server.requests) == asked


def test_a_set_that_no_mirror_has_unharmed(home: Path, server: Mirror) -> None:
    server.behaviour = corrupts
    assert "the checksum is wrong" in failed(1, "data", "fetch", "mnist")


def test_a_folder_that_is_a_file(tmp_path: Path, server: Mirror) -> None:
    (tmp_path / "file").write_text("no folder")
    assert "is a file" in failed(2, "data", "fetch", "mnist", "--data-dir", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "no folder"
