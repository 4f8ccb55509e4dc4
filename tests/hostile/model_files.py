"""Damaged and hostile model files, and what an independent reader says that they mean."""

from __future__ import annotations

import hashlib
import json
import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from pellucid import container
from tests.hostile.outcome import Outcome, judged

# A file as its author sees it: the header as text and the bytes of the arrays.
Parts = tuple[str, bytes]
_BLANK = "0" * 64
_SAFE_NAME = re.compile(r"[^\W.][^/\\:\s]*(/[^\W.][^/\\:\s]*)*")


def run(count: int, seed: int) -> list[Outcome]:
    """Make that many files, an equal number with each mutation, load each one and judge the result."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.safetensors"
        for index in range(count):
            draw = random.Random(f"{seed} {index}")
            mutation = list(MUTATIONS)[index % len(MUTATIONS)]
            original = _valid(draw, path)
            hostile = MUTATIONS[mutation](draw, original)
            path.write_bytes(hostile)
            outcomes.append(
                judged("model", mutation, path.name, lambda: _flaw(path, original, hostile))  # noqa: B023
            )
    return outcomes


def _flaw(path: Path, original: bytes, hostile: bytes) -> str | None:
    """What is wrong with reading this file, if it can be read; checked by other means than `load` has."""
    arrays, document = container.load(path, kind="model")
    if hostile == original:
        return None
    length = int.from_bytes(hostile[:8], "little")
    metadata = json.loads(hostile[8 : 8 + length])["__metadata__"]
    zeroed = hostile.replace(metadata["sha256"].encode(), _BLANK.encode(), 1)
    if hashlib.sha256(zeroed).hexdigest() != metadata["sha256"]:
        return "a changed byte was not noticed"
    if json.dumps(json.loads(metadata["document"])) != json.dumps(document):
        return "the document is not what the bytes mean"
    plain = safetensors.numpy.load(hostile)
    if not all(_SAFE_NAME.fullmatch(name) for name in arrays):
        return f"a name that could be a path was accepted: {list(arrays)}"
    if arrays.keys() != plain.keys() or any(
        (arrays[name].dtype, arrays[name].shape, arrays[name].tobytes())
        != (plain[name].dtype, plain[name].shape, plain[name].tobytes())
        for name in arrays
    ):
        return "the arrays are not what the bytes mean"
    return None


def _valid(draw: random.Random, path: Path) -> bytes:
    """A small file with arrays of several types and a document."""
    arrays = {}
    for number in range(draw.randint(1, 4)):
        shape = tuple(draw.randint(0, 4) for _ in range(draw.randint(0, 3)))
        dtype = np.dtype(draw.choice(["f4", "f8", "i8", "u1"]))
        data = draw.randbytes(int(np.prod(shape)) * dtype.itemsize)
        arrays[f"layer{number}.weight"] = np.frombuffer(data, dtype).reshape(shape)
    document = {"classes": [draw.choice("abc") for _ in range(3)], "history": [{"loss": draw.random()}]}
    container.save(path, arrays, document, kind="model")
    return path.read_bytes()


def _parts(content: bytes) -> Parts:
    length = int.from_bytes(content[:8], "little")
    return content[8 : 8 + length].decode().rstrip(" "), content[8 + length :]


def _sealed(header: str, data: bytes) -> bytes:
    """A file with a digest that fits, as somebody who has read the code can make it."""
    text = re.sub('"sha256":"[0-9a-f]{64}"', f'"sha256":"{_BLANK}"', header, count=1).encode()
    text += b" " * (-len(text) % 8)
    blank = len(text).to_bytes(8, "little") + text + data
    return blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


def _truncation(draw: random.Random, content: bytes) -> bytes:
    return content[: draw.randrange(len(content))]


def _bit_flip(draw: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for position in draw.sample(range(len(changed)), draw.choice([1, 1, 1, 2, 8])):
        changed[position] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _lying_header(draw: random.Random, content: bytes) -> bytes:
    """A header that says something else about the same bytes, with a digest that fits."""
    header, data = _parts(content)
    if draw.random() < 0.15:
        lie = draw.choice([0, 1, len(content) - 8, len(content), 2**31, 2**63, 2**64 - 1])
        return lie.to_bytes(8, "little") + content[8:]
    entries = json.loads(header)
    for _ in range(draw.choice([1, 1, 2])):
        _lie(draw, entries)
    return _sealed(json.dumps(entries, separators=(",", ":")), data)


def _lie(draw: random.Random, entries: dict[str, Any]) -> None:
    metadata = entries["__metadata__"]
    name = draw.choice([name for name in entries if name != "__metadata__"])
    entry = entries[name]
    odd: Any = draw.choice([-1, 0, 1, 2, 3, 255, 2**31, 2**63, 2**64, 1.0, True, None, "1", [], {}, 10**40])
    lies: list[Callable[[], object]] = [
        lambda: entry.update(shape=[odd]),
        lambda: entry.update(shape=odd),
        lambda: entry.update(shape=[*entry["shape"], odd] if isinstance(entry["shape"], list) else odd),
        lambda: entry.update(dtype=draw.choice(["F64", "F32", "I64", "U8", "BOOL", "BF16", "O", 1, None])),
        lambda: entry.update(data_offsets=[odd, odd]),
        lambda: entry.update(data_offsets=odd),
        lambda: entry.update(data_offsets=[0, draw.randint(0, 99)]),
        lambda: entry.update(extra=odd),
        lambda: entry.pop(draw.choice(list(entry)), None) if entry else None,
        lambda: entries.update({name: odd}) if len(entries) > 2 else None,
        lambda: entries.update(new=dict(entry)),
        lambda: metadata.update({draw.choice(["kind", "pellucid", "document", "extra"]): odd}),
        lambda: metadata.update(document=draw.choice(["", "1", "[]", "{", "null", '{"a":NaN}', '{"a": 1}'])),
        lambda: metadata.pop(draw.choice(["kind", "pellucid", "document"]), None),
    ]
    draw.choice(lies)()


def _bomb(draw: random.Random, content: bytes) -> bytes:
    """A few bytes that ask for very many, or a large header that is slow or grows when it is parsed."""
    header, data = _parts(content)
    size = int(10 ** draw.uniform(2, 6.9))
    giant = draw.choice(["[0,%d]", "[%d,0,%d]", "[%d,%d]", "[%d]", "[1,%d,1]"])
    giant = giant.replace("%d", str(draw.choice([2**31, 2**40, 2**62, 2**64, 10**4000])))
    entry = '{"dtype":"F64","shape":%s,"data_offsets":[0,%d]}'
    fillers: list[Callable[[], str]] = [
        lambda: _with_entry(header, '"giant":' + entry % (giant, 0)),
        lambda: _with_entry(header, '"giant":' + entry % (giant, 2**62)),
        lambda: _with_entry(header, '"axes":' + entry % ("[" + ",".join(["1"] * (size // 2)) + "]", 8)),
        lambda: _with_entry(header, '"a":[' + ",".join(["[]"] * (size // 3)) + "]"),
        lambda: _with_entry(header, ",".join(f'"{n:x}":0' for n in range(size // 10 + 1))),
        lambda: _with_entry(header, '"digits":' + "9" * size),
        lambda: _with_entry(header, '"quotes":"' + '\\"' * (size // 2)),
        lambda: _with_document(header, '{"a":[' + ",".join(["{}"] * (size // 3 + 1)) + "]}"),
        lambda: _with_document(header, '{"a":1e999}'),
    ]
    return _sealed(draw.choice(fillers)(), data)


def _path_trick(draw: random.Random, content: bytes) -> bytes:
    """Tensors with names that would do harm as paths, or in a terminal."""
    header, data = _parts(content)
    tricks = ["../x", "/etc/passwd", "a/../../x", "C:\\x", "\\\\host\\x", "~/x"]
    tricks += ["a\0b", "\x1b[2J", "a\nb", "a\u202eb", "", ".", "..", " ", "a//b", "a/", "con:"]
    tricks += ["a\ud800", "%2e%2e/x", "a" * 300, "$(x)", "-x"]
    name = draw.choice(tricks)
    if draw.random() < 0.5:
        name = draw.choice(["layer9.", "é", "x/"]) + name
    return _sealed(header.replace('"layer0.weight"', json.dumps(name)), data)


def _repeated_key(draw: random.Random, content: bytes) -> bytes:
    """The same key twice: in the header, in an entry, in the metadata, in the document."""
    header, data = _parts(content)
    document = json.loads(header)["__metadata__"]["document"]
    first = json.dumps(json.loads(header)["layer0.weight"], separators=(",", ":"))
    repeated = [
        _with_entry(header, f'"layer0.weight":{first}'),
        header.replace('"shape":', '"shape":[1],"shape":', 1),
        header.replace('"data_offsets":', '"data_offsets":[0,8],"data_offsets":', 1),
        header.replace('"kind":', '"kind":"checkpoint","kind":', 1),
        header.replace('"pellucid":', '"pellucid":"1","pellucid":', 1),
        header.replace("{", '{"__metadata__":{},', 1),
        _with_document(header, document.replace("{", '{"classes":[],', 1)),
        _with_document(header, document.replace('{"loss"', '{"loss":0.0,"loss"', 1)),
    ]
    return _sealed(draw.choice(repeated), data)


def _deep_json(draw: random.Random, content: bytes) -> bytes:
    """Brackets within brackets, from harmless to more than any stack holds."""
    header, data = _parts(content)
    depth = draw.choice([1, 5, 30, 31, 32, 33, 100, 1000, 100_000, 3_000_000])
    opening, closing = draw.choice([("[", "]"), ('{"a":', "}")])
    tower = opening * depth + draw.choice(["1", "[]"]) + closing * depth
    if draw.random() < 0.3:
        tower = opening * depth
    if draw.random() < 0.5:
        return _sealed(_with_entry(header, f'"deep":{tower}'), data)
    return _sealed(_with_document(header, f'{{"deep":{tower}}}'), data)


def _stray_bytes(draw: random.Random, content: bytes) -> bytes:
    """Bytes before, within or after the file's own, or in its place."""
    stray = draw.choice([b"\0", b" ", b"\n", draw.randbytes(8), b"PK\x03\x04", b"\x80\x04", b"\x1f\x8b"])
    place = draw.randrange(len(content) + 1)
    header, data = _parts(content)
    strays = [content + stray, stray + content, content[:place] + stray + content[place:], stray, b""]
    strays += [_sealed(header, data + stray), _sealed(header + " " * 8, data), _sealed(header + "\n", data)]
    return draw.choice(strays)


def _with_entry(header: str, entry: str) -> str:
    return f"{header[:-1]},{entry}}}"


def _with_document(header: str, document: str) -> str:
    head, tail = re.split(r'"document":"(?:[^"\\]|\\.)*"', header, maxsplit=1)
    return f'{head}"document":{json.dumps(document)}{tail}'


MUTATIONS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "truncation": _truncation,
    "bit flip": _bit_flip,
    "lying header": _lying_header,
    "bomb": _bomb,
    "path trick": _path_trick,
    "repeated key": _repeated_key,
    "deep JSON": _deep_json,
    "stray bytes": _stray_bytes,
}
