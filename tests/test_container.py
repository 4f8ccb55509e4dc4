from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid import container, files
from pellucid.container import Array, load, save
from pellucid.errors import ModelFileError, ResourceError, UsageError
from tests import faulty_system
from tests.faulty_system import FAULTS, WRITE_FAULTS, FaultySystem
from tests.test_canonical_json import VALUES

ARRAYS: dict[str, Array] = {
    "conv1.weight": np.arange(-2, 4, dtype=np.float32).reshape(2, 3),
    "step": np.array(7, np.int64),
    "none": np.zeros((0, 3), np.float64),
    "image": np.array([1, 255], np.uint8),
}
DOCUMENT = {"zebra": [1, 2.5, None, True], "apple": {"name": 'quo"te\\ [é'}}


def same(left: Array, right: Array) -> bool:
    """Equal in type, shape and every bit."""
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def assert_content(path: Path, tensors: dict[str, Array], document: Any) -> None:
    arrays, found = load(path, kind="model")
    assert list(arrays) == sorted(tensors)
    assert all(same(arrays[name], tensors[name]) for name in tensors)
    assert json.dumps(found) == json.dumps(document)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save(path, ARRAYS, DOCUMENT, kind="model")
    return path


def test_arrays_and_document_come_back(path: Path) -> None:
    assert_content(path, ARRAYS, DOCUMENT)
    arrays, _ = load(path, kind="model")
    assert all(array.flags.writeable for array in arrays.values())


def test_nothing_is_a_content_too(tmp_path: Path) -> None:
    save(tmp_path / "empty", {}, {}, kind="model")
    assert_content(tmp_path / "empty", {}, {})
    assert safetensors.numpy.load_file(tmp_path / "empty") == {}


DTYPES = st.sampled_from([dtype.str.replace("<", order) for dtype in container._CODES for order in "<>"])


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z_][a-zA-Z0-9_.\-é]{0,9}(/[0-9a-z]{1,3})?\Z"),
        DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))),
        max_size=4,
    ),
    st.dictionaries(st.text(), VALUES, max_size=3),
)
def test_any_content_comes_back_and_reads_as_plain_safetensors(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Array], document: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "model"
    save(path, tensors, document, kind="model")
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in tensors.items()}
    assert_content(path, native, document)
    plain = safetensors.numpy.load_file(path)
    assert plain.keys() == native.keys()
    assert all(same(plain[name], native[name]) for name in native)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["document"]) == document


def test_every_bit_of_a_nan_is_kept(tmp_path: Path) -> None:
    bits = np.array([0x7FF0000000000001, 0xFFF8DEADBEEF0001, 0x8000000000000000, 1], np.uint64)
    views = {"double": bits.view("<f8"), "single": bits.view("<f4"), "half": bits.view("<f2")}
    save(tmp_path / "nan", views, {}, kind="model")
    assert_content(tmp_path / "nan", views, {})


def test_strided_arrays_are_stored_by_value(tmp_path: Path) -> None:
    grid = np.arange(12.0).reshape(3, 4)
    views = {"turned": grid.T, "every": grid[::2, ::-1], "spread": np.broadcast_to(grid[0], (2, 4))}
    save(tmp_path / "views", views, {}, kind="model")
    assert_content(tmp_path / "views", {name: view.copy(order="C") for name, view in views.items()}, {})


def test_equal_content_gives_equal_bytes(path: Path, tmp_path: Path) -> None:
    backwards = dict(reversed(ARRAYS.items()))
    save(tmp_path / "again", backwards, DOCUMENT, kind="model")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_array_is_aligned_for_its_type(path: Path) -> None:
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    del header["__metadata__"]
    assert length % 8 == 0
    assert all(e["data_offsets"][0] % ARRAYS[name].itemsize == 0 for name, e in header.items())


def test_every_changed_bit_is_an_error(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    assert len(raw) < 1000
    for position in range(len(raw)):
        for bit in range(8):
            raw[position] ^= 1 << bit
            path.write_bytes(raw)
            with pytest.raises(ModelFileError, match=r"model\.safetensors: "):
                load(path, kind="model")
            raw[position] ^= 1 << bit
    path.write_bytes(raw)
    assert_content(path, ARRAYS, DOCUMENT)


def test_every_missing_end_and_every_added_byte_is_an_error(path: Path) -> None:
    raw = path.read_bytes()
    changed = [raw[:length] for length in range(len(raw))]
    changed += [raw + bytes([byte]) for byte in range(256)] + [b"\0" + raw, raw[8:], raw + raw]
    for content in changed:
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            load(path, kind="model")


@pytest.mark.parametrize(("size", "length"), [(0, 0), (7, 0), (100, 93), (1 << 40, container.MAX_HEADER + 8)])
def test_a_header_is_not_read_before_its_length_is_believable(tmp_path: Path, size: int, length: int) -> None:
    with (tmp_path / "model").open("wb") as file:
        file.write(length.to_bytes(8, "little"))
        file.truncate(size)
    with pytest.raises(ModelFileError, match=f"the first 8 of its {size:,} bytes"):
        load(tmp_path / "model", kind="model")


def test_the_kind_must_be_the_one_asked_for(path: Path) -> None:
    with pytest.raises(ModelFileError, match="it is a 'model' file, and a 'checkpoint' file is needed"):
        load(path, kind="checkpoint")


def test_a_later_format_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "FORMAT", "2")
    save(path, ARRAYS, DOCUMENT, kind="model")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="it has format '2', and this version reads format '1'"):
        load(path, kind="model")


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file({"a": np.zeros(2)}, tmp_path / "other", metadata)
        with pytest.raises(ModelFileError, match="it is not a file that pellucid wrote"):
            load(tmp_path / "other", kind="model")


TRICKS = ["", "../a", "a/../b", "/a", "a/", "a//b", "a\\b", "a\nb", "a b", ".a", "C:a", "a\0", "a" * 201]


@pytest.mark.parametrize("name", TRICKS)
def test_names_that_could_be_paths_or_controls_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a tensor"):
        save(tmp_path / "model", {name: np.zeros(1)}, {}, kind="model")


@pytest.mark.parametrize("array", [np.zeros(1, complex), np.array("a"), np.array(None), np.zeros(1, bool)])
def test_types_that_are_not_stored_are_named(tmp_path: Path, array: Array) -> None:
    with pytest.raises(UsageError, match=r"tensor 'odd' has the type (complex128|<U1|object|bool)"):
        save(tmp_path / "model", {"odd": array}, {}, kind="model")


def test_what_cannot_be_stored_leaves_the_older_file(path: Path) -> None:
    empty_giant = np.zeros((0, 1 << 40))
    for tensors, document in (
        ({"__metadata__": np.zeros(1)}, {}),
        ({"a": empty_giant}, {}),
        ({"a": np.zeros((1,) * 33)}, {}),
        ({}, {"loss": float("nan")}),
        ({}, {"long": "a" * container.MAX_HEADER}),
        ({}, {"digits": 10**5000}),
    ):
        with pytest.raises(UsageError):
            save(path, tensors, document, kind="model")
    assert_content(path, ARRAYS, DOCUMENT)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot read .*nothing: No such file"):
        load(tmp_path / "nothing", kind="model")


def test_each_failing_call_of_a_save_leaves_the_old_content_or_the_new(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = path.read_bytes()
    system = FaultySystem()
    monkeypatch.setattr(files, "system", system)
    changed = ARRAYS | {"step": np.array(8, np.int64)}
    save(path, changed, DOCUMENT, kind="model")
    interruptions = [faulty_system.interrupts, faulty_system.interrupts_afterwards]
    for at, call in enumerate(system.calls):
        for fault in [*FAULTS.values(), *interruptions, *(WRITE_FAULTS.values() if call == "write" else [])]:
            path.write_bytes(old)
            monkeypatch.setattr(files, "system", FaultySystem(at, fault))
            with pytest.raises((ResourceError, KeyboardInterrupt)):
                save(path, changed, DOCUMENT, kind="model")
            assert_content(path, ARRAYS if path.read_bytes() == old else changed, DOCUMENT)
            assert [file.name for file in path.parent.iterdir()] == [path.name]


SAVE_FOREVER = """
import sys
import numpy as np
from pellucid.container import save
for step in range(1, 1_000_000):
    arrays = {"weight": np.full(50_000, step, np.float32), "step": np.array(step)}
    save(sys.argv[1], arrays, {"step": step}, kind="checkpoint")
    if step == 1:
        print("saved", flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_process_that_is_killed_while_saving_leaves_a_whole_file(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "checkpoint"
    with subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"saved\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.2))
        child.send_signal(signal.SIGKILL)
    arrays, document = load(path, kind="checkpoint")
    assert arrays["step"] == document["step"]
    assert (arrays["weight"] == document["step"]).all()
