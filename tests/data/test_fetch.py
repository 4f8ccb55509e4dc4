from __future__ import annotations

import errno
import http.client
import io
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pellucid import files
from pellucid.data import fetch, load
from pellucid.data.catalog import CATALOG, Named, RemoteFile
from pellucid.data.download import Redirects, download
from pellucid.data.source import md5
from pellucid.errors import PellucidError, ResourceError, UsageError
from tests.data import mirror as behaviours
from tests.data.mirror import Behaviour, good, hangs_up, mirror, redirects_to
from tests.data.samples import idx_files, packed, pixels

CONTENT = pixels(50_000).tobytes()
FILE = RemoteFile("file.bin", md5(CONTENT).hexdigest(), 60_000)
HALF = CONTENT[: len(CONTENT) // 2]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def part_of(folder: Path) -> Path:
    return folder / "file.bin.part"


def fetched(folder: Path, *mirrors: str, timeout: float = 0.3) -> bytes:
    path = download(FILE, mirrors, folder, timeout=timeout)
    assert os.listdir(folder) == ["file.bin"]
    return path.read_bytes()


def test_a_good_mirror(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    with mirror({"file.bin": CONTENT}, good) as server:
        download(FILE, [f"{server.address}/some/folder/"], tmp_path, progress=lambda *args: seen.append(args))
        assert server.requests == [("/some/folder/file.bin", None)]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_what_is_there_already_is_not_asked_for_again(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(HALF)
    with mirror({"file.bin": CONTENT}, good) as server:
        assert fetched(tmp_path, server.address) == CONTENT
        assert server.requests == [("/file.bin", f"bytes={len(HALF)}-")]


def test_a_complete_part_needs_no_mirror(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENT)
    assert fetched(tmp_path) == CONTENT


def test_a_mirror_that_does_not_resume_starts_anew(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(HALF)
    with mirror({"file.bin": CONTENT}, behaviours.without_ranges) as server:
        assert fetched(tmp_path, server.address) == CONTENT


@pytest.mark.parametrize("start", [b"something else", CONTENT[:-1] + b"!", CONTENT + b"!"])
@pytest.mark.parametrize("behaviour", [good, behaviours.sends_wrong_range])
def test_a_part_that_does_not_fit_is_thrown_away(tmp_path: Path, start: bytes, behaviour: Behaviour) -> None:
    part_of(tmp_path).write_bytes(start)
    with mirror({"file.bin": CONTENT}, behaviour) as server:
        assert fetched(tmp_path, server.address) == CONTENT


def test_lost_connections_are_taken_up_again(tmp_path: Path) -> None:
    with mirror({"file.bin": CONTENT}, hangs_up) as first, mirror({"file.bin": CONTENT}, good) as second:
        assert fetched(tmp_path, first.address, second.address) == CONTENT
        assert len(first.requests) == 5
        assert second.requests == [("/file.bin", f"bytes={len(CONTENT) - len(CONTENT) // 32}-")]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (behaviours.hangs_up_without_ranges, "the connection was lost after 25000 of 50000 bytes"),
        (behaviours.stalls, "no answer in time"),
        (behaviours.is_silent, "no answer in time"),
        (behaviours.trickles, "it sent only [0-9]+ bytes in 0.3 s"),
        (behaviours.corrupts, "the checksum is wrong"),
        (behaviours.is_endless, "it sent more than 60000 bytes"),
        (behaviours.fails, "503"),
        (behaviours.talks_nonsense, "this is no HTTP"),
        (redirects_to(behaviours.in_circles), "redirect"),
        (redirects_to(lambda _: "file:///etc/passwd"), "'file:///etc/passwd' is not allowed"),
        (redirects_to(lambda _: "ftp://127.0.0.1/file.bin"), "it redirects to ftp:"),
        (redirects_to(lambda _: "//\x7f["), "file.bin: "),
    ],
)
def test_a_bad_mirror_is_given_up_and_the_next_one_asked(
    tmp_path: Path, behaviour: Behaviour, reason: str
) -> None:
    with mirror({"file.bin": CONTENT}, behaviour) as bad, mirror({"file.bin": CONTENT}, good) as other:
        with pytest.raises(
            ResourceError, match=rf"^file\.bin could not be fetched \({bad.address}.*{reason}"
        ) as error:
            download(FILE, [bad.address], tmp_path, timeout=0.3)
        assert str(error.value).isprintable()
        assert not (tmp_path / "file.bin").exists()
        assert fetched(tmp_path, bad.address, other.address) == CONTENT


def test_redirects_are_followed_with_the_range(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(HALF)
    with mirror({"file.bin": CONTENT}, good) as target:
        behaviour = redirects_to(lambda request: f"{target.address}/elsewhere{request.path}")
        with mirror({}, behaviour) as first:
            assert fetched(tmp_path, first.address) == CONTENT
        assert target.requests == [("/elsewhere/file.bin", f"bytes={len(HALF)}-")]


@pytest.mark.parametrize(
    "address", ["file:///etc", "ftp://127.0.0.1", "no address", "http://127.0.0.1:1", "http://["]
)
def test_addresses_that_lead_nowhere(tmp_path: Path, address: str) -> None:
    with pytest.raises(ResourceError, match=r"file\.bin could not be fetched"):
        download(FILE, [address], tmp_path, timeout=0.3)
    assert os.listdir(tmp_path) == []


def test_a_secured_address_does_not_lead_to_an_open_one() -> None:
    request = urllib.request.Request("https://example.org/file.bin")
    headers = http.client.HTTPMessage()
    for address in ("http://example.org/", "HTTP://example.org/"):
        with pytest.raises(urllib.error.URLError, match="it redirects to"):
            Redirects().redirect_request(request, io.BytesIO(), 302, "Found", headers, address)
    followed = Redirects().redirect_request(
        request, io.BytesIO(), 302, "Found", headers, "https://example.com/"
    )
    assert followed is not None
    assert followed.full_url == "https://example.com/"


def test_all_mirrors_are_named_in_the_end(tmp_path: Path) -> None:
    with mirror({}, good) as first, mirror({}, behaviours.fails) as second:
        with pytest.raises(ResourceError) as error:
            download(FILE, [first.address, second.address], tmp_path)
        assert f"{first.address}/file.bin: status 404" in str(error.value)
        assert f"{second.address}/file.bin: status 503" in str(error.value)


def test_an_interruption_keeps_what_has_arrived(tmp_path: Path) -> None:
    def interrupt(_name: str, done: int, _total: int | None) -> None:
        if done > 10_000:
            raise KeyboardInterrupt

    def slowly(request: behaviours.Request) -> None:
        request.answer(200, CONTENT[:20_000], length=len(CONTENT))
        request.server.stopped.wait(30)

    with mirror({"file.bin": CONTENT}, slowly) as server, pytest.raises(KeyboardInterrupt):
        download(FILE, [server.address], tmp_path, progress=interrupt, timeout=5)
    kept = part_of(tmp_path).read_bytes()
    assert len(kept) > 10_000
    assert CONTENT.startswith(kept)


class FullDisk(files.System):
    def sync(self, descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_no_fault_of_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "system", FullDisk())
    with mirror({"file.bin": CONTENT}, good) as server:
        with pytest.raises(ResourceError, match=r"cannot write .*file\.bin\.part: No space left"):
            download(FILE, [server.address, server.address], tmp_path)
        assert len(server.requests) == 1
    assert not (tmp_path / "file.bin").exists()


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of a small set that the catalogue takes for MNIST."""
    contents = packed(idx_files())
    published = tuple(RemoteFile(name, md5(data).hexdigest(), 10**6) for name, data in contents.items())
    monkeypatch.setitem(CATALOG, "mnist", Named("mnist", "small", published, ("http://127.0.0.1:1/",)))
    return contents


def test_a_named_set_is_fetched_and_can_be_loaded(tmp_path: Path, mnist: dict[str, bytes]) -> None:
    with mirror(mnist, good) as server:
        folder = fetch("mnist", data_dir=tmp_path / "new", mirrors=[server.address])
        assert folder == tmp_path / "new" / "mnist"
        assert sorted(os.listdir(folder)) == sorted(mnist)
        assert len(load("mnist", data_dir=tmp_path / "new").train) == 6
        (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
        server.requests.clear()
        fetch("mnist", data_dir=tmp_path / "new", mirrors=[server.address])
        assert [path for path, _ in server.requests] == ["/t10k-labels-idx1-ubyte.gz"]
    assert load("mnist", data_dir=tmp_path / "new").test is not None


def test_a_failed_fetch_leaves_the_old_file(tmp_path: Path, mnist: dict[str, bytes]) -> None:
    (tmp_path / "mnist").mkdir()
    old = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    old.write_bytes(b"the user's own")
    with mirror(mnist, behaviours.corrupts) as server, pytest.raises(ResourceError):
        fetch("mnist", data_dir=tmp_path, mirrors=[server.address])
    assert old.read_bytes() == b"the user's own"


def test_the_public_mirrors_are_the_default(tmp_path: Path, mnist: dict[str, bytes]) -> None:
    assert mnist
    with pytest.raises(ResourceError, match=r"http://127\.0\.0\.1:1/train-images"):
        fetch("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("digits", UsageError, "there is nothing to fetch"),
        ("imagenet", UsageError, "no image set 'imagenet'; there are digits, mnist"),
    ],
)
def test_names_that_cannot_be_fetched(name: str, error: type[PellucidError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        fetch(name)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match="cannot write"):
        fetch("mnist", data_dir=tmp_path / "file")


def test_the_catalogue_is_complete() -> None:
    for entry in CATALOG.values():
        assert bool(entry.files) == bool(entry.mirrors)
        for file in entry.files:
            assert len(bytes.fromhex(file.md5)) == 16
        assert all(address.startswith("http") and address.endswith("/") for address in entry.mirrors)
