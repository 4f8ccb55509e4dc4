"""Every operator that can be imported, and what says which layer or which equations it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pellucid.interop.importing import elementwise, products, shapes, statistics, windows
from pellucid.interop.importing.node import Node
from pellucid.interop.importing.values import Value

__all__ = ["OPERATORS"]

OPERATORS: Mapping[str, Callable[[Node], Value]] = {
    **elementwise.OPERATORS, **products.OPERATORS, **shapes.OPERATORS, **statistics.OPERATORS,
    **windows.OPERATORS,
}  # fmt: skip
