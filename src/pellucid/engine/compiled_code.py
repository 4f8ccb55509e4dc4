"""Code and what the engine must know to call it: made from a recipe, or found in the cache on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from pellucid import canonical_json
from pellucid.compiler import cache, machine
from pellucid.compiler.layout import Tensor
from pellucid.compiler.module import Module
from pellucid.compiler.placement import CHUNK
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.provenance import key
from pellucid.errors import NetworkError
from pellucid.network import Network
from pellucid.network_file import network_to_document

__all__ = ["Document", "Layout", "Recipe", "kind_of", "network_described", "obtained"]

Document = dict[str, Any]
# Bytes of the number that says how long the layout's text is.
NUMBER = 8


@dataclass(frozen=True)
class Layout:
    """Where everything lies that the code works on: all that is left of the plan once the code is made.

    Attributes:
        tensors: storage of each tensor.
        sizes: elements of each space.
        trained: elements of the parameters that optimisers change, at the start of their space.
        written: tensors that the code computes.
        masks: names of the random masks, in the order of their keys.
        batch_numbers: the equations, as text, for numbers of a batch's weights that every step is given.
    """

    tensors: Mapping[str, Tensor]
    sizes: Mapping[str, int]
    trained: int
    written: tuple[str, ...]
    masks: tuple[str, ...] = ()
    batch_numbers: str = ""

    @staticmethod
    def of(plan: PassPlan, masks: tuple[str, ...] = (), batch_numbers: str = "") -> Layout:
        """What the engine needs of a plan."""
        return Layout(
            plan.tensors, plan.sizes, plan.trained, tuple(sorted(plan.written)), masks, batch_numbers
        )

    @property
    def shard(self) -> int:
        """Elements between the gradients of one shard of a batch and those of the next."""
        return -(-self.sizes["gradients"] // CHUNK) * CHUNK

    def text(self) -> str:
        """The layout as JSON."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["tensors"] = [asdict(tensor) for tensor in self.tensors.values()]
        return canonical_json.dumps(fields)

    @staticmethod
    def read(text: str) -> Layout:
        """The layout that `text` wrote."""
        fields = {name: _tuples(value) for name, value in canonical_json.loads(text).items()}
        tensors = [Tensor(**{n: _tuples(v) for n, v in f.items()}) for f in fields.pop("tensors")]
        return Layout({tensor.name: tensor for tensor in tensors}, **fields)


def _tuples(value: Any) -> Any:
    """JSON has lists only."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


class Recipe(Protocol):
    """All that some code depends on, and how it is made from that alone."""

    def description(self) -> Document | None:
        """The recipe in JSON's types, by which its code is found again; None if it has no such form."""

    def make(self) -> tuple[Layout, Module]:
        """Derives, plans and emits: the module, and where its data lie."""


def obtained(recipe: Recipe) -> tuple[Layout, machine.Code]:
    """The recipe's code for this machine, ready to be called; from the cache, or made and kept there."""
    where, store = machine.host(), cache.opened()
    description = None if store is None else recipe.description()
    name = None if description is None else key(description, where)
    entry = None if store is None or name is None else store.get(name)
    if entry is not None and (kept := _read(entry)) is not None:
        return kept[0], machine.loaded(kept[1], where)
    layout, module = recipe.make()
    code = machine.object_code(module.text(), where)
    if store is not None and name is not None:
        store.put(name, _entry(layout.text(), code))
    return layout, machine.loaded(code, where)


def _entry(text: str, code: bytes) -> bytes:
    return len(text).to_bytes(NUMBER, "little") + text.encode("ascii") + code


def _read(entry: bytes) -> tuple[Layout, bytes] | None:
    """What `_entry` put together; None if it did not, whatever the entry's checksum says."""
    end = NUMBER + int.from_bytes(entry[:NUMBER], "little")
    try:
        return Layout.read(entry[NUMBER:end].decode("ascii")), entry[end:]
    except (ValueError, KeyError, TypeError):
        return None


def network_described(network: Network) -> Document | None:
    """The network as a network file holds it; None if it has parts that no file can hold."""
    try:
        return network_to_document(network)
    except NetworkError:
        return None


def kind_of(dtype: DTypeLike) -> str:
    """LLVM's name of a number type."""
    return {4: "float", 8: "double"}[np.dtype(dtype).itemsize]
