"""A network from the document that describes it; each mistake is one sentence with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from pellucid.errors import NetworkError, PellucidError
from pellucid.layers import LAYERS, LOSSES, FormulaLayer, Layer, Loss, Parameter
from pellucid.layers.options import OptionError, shown
from pellucid.network import Network
from pellucid.network_file.options import Document, file_name, is_required, option_fields, spellings

__all__ = ["network_from_document"]

Place = tuple[str | int, ...]

TOP = ("name", "input_shape", "loss", "layer")
MOST_LAYERS = 1000
DEEPEST = 10


def network_from_document(document: object) -> Network:
    """The network that a document describes.

    Raises:
        NetworkError: the document describes none; the sentence says what is wrong, `place` says where.

    >>> network_from_document({"input_shape": [4], "layer": [{"type": "Dense"}]})
    Traceback (most recent call last):
    pellucid.errors.NetworkError: layer 1 (Dense): the option 'units' is missing
    """
    if not isinstance(document, dict):
        raise NetworkError(f"a network is described by a table, not by {shown(document)}")
    _check_depth(document)
    _check_names(document, TOP, "a network", ())
    for wanted in ("input_shape", "layer"):
        if wanted not in document:
            raise NetworkError(f"a network's {wanted!r} is missing")
    entries = document["layer"]
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_LAYERS:
        raise NetworkError(
            f"'layer' is a list of 1 to {MOST_LAYERS:,} tables, not {shown(entries)}", ("layer",)
        )
    layers = [_layer(entry, number) for number, entry in enumerate(entries)]
    loss = _loss(document["loss"]) if "loss" in document else None
    return Network(layers, document["input_shape"], loss, name=document.get("name", "network"))


def _layer(entry: object, number: int) -> Layer:
    what, place = f"layer {number + 1}", ("layer", number)
    if not isinstance(entry, dict):
        raise NetworkError(f"{what} is a table, not {shown(entry)}", place)
    options = dict(entry)
    kind = LAYERS[_kind(options, LAYERS, what, place)]
    what = f"{what} ({kind.__name__})"
    placed: Document = {key: options.pop(key) for key in ("name", "shares", "inputs") if key in options}
    for key in ("name", "shares"):  # in order, so that of two mistakes the same one is told each time
        if key in placed and not isinstance(placed[key], str):
            raise NetworkError(f"{what}: {key} is a string, not {shown(placed[key])}", (*place, key))
    if "inputs" in placed:
        inputs = placed["inputs"]
        if not isinstance(inputs, list) or not all(isinstance(i, str) for i in inputs):
            raise NetworkError(f"{what}: inputs is a list of names, not {shown(inputs)}", (*place, "inputs"))
        placed["inputs"] = tuple(inputs)
    options = _options(kind, options, what, place)
    if kind is FormulaLayer:
        options = _formula_options(options, what, place)
    with _located(what, place):
        return kind(**options, **placed)


def _loss(entry: object) -> Loss:
    what, place = "the loss", ("loss",)
    options = {"type": entry} if isinstance(entry, str) else entry
    if not isinstance(options, dict):
        raise NetworkError(f"{what} is a name or a table, not {shown(entry)}", place)
    options = dict(options)
    kind = LOSSES[_kind(options, LOSSES, what, place)]
    what = f"{what} ({kind.__name__})"
    options = _options(kind, options, what, place)
    with _located(what, place):
        return kind(**options)


def _kind(options: Document, known: Mapping[str, type], what: str, place: Place) -> str:
    """The type, taken out of the options."""
    if "type" not in options:
        raise NetworkError(f"{what} has no 'type'; there are {', '.join(known)}", place)
    kind = options.pop("type")
    if not isinstance(kind, str) or kind not in known:
        raise NetworkError(
            f"{what} has the unknown type {shown(kind)}; {_hint(kind, known)}", (*place, "type")
        )
    return kind


def _options(kind: type[Layer] | type[Loss], given: Document, what: str, place: Place) -> Document:
    """The options by the names that the class has for them, lists as tuples."""
    options = option_fields(kind)
    _check_names(given, [name for option in options for name in spellings(option.name)], what, place)
    found: Document = {}
    for option in options:
        used = [name for name in spellings(option.name) if name in given]
        if len(used) > 1:
            raise NetworkError(f"{what} has both {used[0]!r} and {used[1]!r}", (*place, used[1]))
        if used:
            found[option.name] = _tuples(given[used[0]])
        elif is_required(option):
            raise NetworkError(f"{what}: the option {file_name(option.name)!r} is missing", place)
    return found


def _formula_options(options: Document, what: str, place: Place) -> Document:
    """A FormulaLayer's, with the objects that it takes for its parameters and paddings."""
    changed = dict(options)
    for option in ("parameters", "padding"):
        table = options.get(option, {})
        if not isinstance(table, dict) or not all(isinstance(part, dict) for part in table.values()):
            raise NetworkError(f"{what}: {option} is a table of tables, not {shown(table)}", (*place, option))
        changed[option] = {}
        for name, part in table.items():
            inside = f"{what}: {option}.{name}", (*place, option, name)
            changed[option][name] = (
                _parameter(part, *inside) if option == "parameters" else _axes(part, *inside)
            )
    return changed


def _parameter(table: Document, what: str, place: Place) -> Parameter:
    _check_names(table, ("axes", "init", "name"), what, place)
    if "axes" not in table:
        raise NetworkError(f"{what}: the option 'axes' is missing", place)
    with _located(what, place):
        return Parameter(**{name: _tuples(value) for name, value in table.items()})


def _axes(table: Document, what: str, place: Place) -> dict[int, object]:
    numbers = {str(axis): axis for axis in range(32)}
    _check_names(table, tuple(numbers), what, place)
    return {numbers[axis]: _tuples(amount) for axis, amount in table.items()}


@contextmanager
def _located(what: str, place: Place) -> Iterator[None]:
    """Errors of a layer's construction as errors of the document."""
    try:
        yield
    except OptionError as error:
        raise NetworkError(f"{what}: {error}", (*place, file_name(error.option))) from None
    except PellucidError as error:
        raise NetworkError(f"{what}: {error}", (*place, file_name("source"))) from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _check_names(table: Mapping[str, object], allowed: Iterable[str], what: str, place: Place) -> None:
    known = list(allowed)
    for name in table:
        if name not in known:
            raise NetworkError(f"{what} has no option {shown(name)}; {_hint(name, known)}", (*place, name))


def _hint(name: object, known: Iterable[str]) -> str:
    names = list(known)
    near = [f"did you mean {match}? " for match in get_close_matches(str(name)[:50], names, n=1)]
    return f"{''.join(near)}there are {', '.join(names) or 'none'}"


def _check_depth(document: Document) -> None:
    """Refuses deep nesting, so that all that follows may recurse."""
    level: list[tuple[Place, object]] = [((), document)]
    for _ in range(DEEPEST):
        level = [((*place, key), part) for place, whole in level for key, part in _inside(whole)]
    if level:
        raise NetworkError(f"a network's description is nested at most {DEEPEST} levels deep", level[0][0])


def _inside(value: object) -> Iterable[tuple[str | int, object]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
