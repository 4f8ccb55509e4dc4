"""Rows of images copied in and out, converted and reordered; in vectors where both sides allow it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compiler.context import fields, pointers
from pellucid.compiler.layout import Tensor
from pellucid.compiler.loops import counted, over_images
from pellucid.compiler.prove import Access, proved

__all__ = ["Feed", "gather", "scatter"]

# Numbers that are copied at once.
WIDTH = 16


@dataclass(frozen=True)
class Feed:
    """Rows of numbers that are fetched for each image: from an array of rows in public order into a tensor.

    Attributes:
        field: where the array's address stands.
        source: LLVM type of an element: i8 (unsigned), i64, float or double.
        tensor: where a tile's rows go.
    """

    field: str
    source: str
    tensor: Tensor


def gather(feeds: Sequence[Feed], kind: str) -> str:
    """Copies each image's rows into the arena, converted to the network's type."""
    names = tuple(dict.fromkeys(f.field for f in feeds))
    head = ["define internal void @gather(ptr %context, ptr %arena, ptr %order, i64 %many) {", "entry:"]
    number = ["  %place = getelementptr i64, ptr %order, i64 %n", "  %number = load i64, ptr %place"]
    body: list[str] = []
    here = "image"
    for index, feed in enumerate(feeds):
        lines, here = _Row(feed, kind, f"f{index}", into=True).lines(here)
        body += lines
    return over_images([*head, *fields(names), *pointers(names)], number, body)


def scatter(feed: Feed, kind: str) -> str:
    """Copies a tile's rows of one tensor out, in public order, to places that follow each other."""
    names = (feed.field,)
    head = ["define internal void @scatter(ptr %context, ptr %arena, i64 %first, i64 %many) {", "entry:"]
    body, _ = _Row(feed, kind, "f0", into=False).lines("image")
    return over_images([*head, *fields(names), *pointers(names)], ["  %number = add i64 %first, %n"], body)


@dataclass(frozen=True)
class _Row:
    """One image's numbers, copied between an array in public order and a tensor in storage.

    Attributes:
        feed: both of them.
        kind: of the tensor's numbers.
        prefix: of the names of registers and blocks.
        into: whether the tensor is written.
    """

    feed: Feed
    kind: str
    prefix: str
    into: bool

    def lines(self, here: str) -> tuple[list[str], str]:
        """Loops in public order that begin in one block, and the block in which they end."""
        proved(Access.to_all(self.feed.tensor))
        axes = _merged(self.feed.tensor.shape[1:], self.feed.tensor.strides[1:])
        if not axes:
            return self._ends() + self._number("only", "0", "0"), here
        lines, closers = self._ends(), []
        source, target = "0", "0"
        extent, stride = axes[-1]
        width = WIDTH if stride == 1 and extent >= WIDTH else 1
        whole = extent // width * width
        for depth, (extent, stride) in enumerate(axes):
            last, name = depth == len(axes) - 1, f"{self.prefix}_{depth}"
            stop, step = (whole, width) if last else (extent, 1)
            opening, closing = counted(name, here, stop, step)
            lines += [
                *opening,
                f"  %{name}_a = mul i64 %{name}, {math.prod(n for n, _ in axes[depth + 1 :])}",
                f"  %{name}_from = add i64 {source}, %{name}_a",
                f"  %{name}_b = mul i64 %{name}, {stride}",
                f"  %{name}_to = add i64 {target}, %{name}_b",
            ]
            for e in range(stop, extent):
                closing += self._number(f"{depth}_r{e}", source, target, e, e * stride)
            closers.append(closing)
            source, target, here = f"%{name}_from", f"%{name}_to", f"{name}_head"
        lines += self._vector(source, target) if width > 1 else self._number("v", source, target)
        return [*lines, *(x for closing in reversed(closers) for x in closing)], f"{self.prefix}_0_out"

    def _ends(self) -> list[str]:
        """Where the row begins, on both sides."""
        tensor, p = self.feed.tensor, self.prefix
        return [
            f"  %{p}_first = mul i64 %number, {math.prod(tensor.shape[1:])}",
            f"  %{p}_source = getelementptr {self.feed.source}, ptr %{self.feed.field}_p, i64 %{p}_first",
            f"  %{p}_move = mul i64 %n, {tensor.strides[0]}",
            f"  %{p}_base = add i64 %{p}_move, {tensor.origin}",
            f"  %{p}_target = getelementptr {self.kind}, ptr %arena, i64 %{p}_base",
        ]

    def _number(self, name: str, source: str, target: str, more: int = 0, further: int = 0) -> list[str]:
        """One number copied."""
        feed, kind, p = self.feed, self.kind, self.prefix
        name = f"{p}_{name}"
        lines = [
            f"  %{name}_i = add i64 {source}, {more}",
            f"  %{name}_j = add i64 {target}, {further}",
            f"  %{name}_p = getelementptr {feed.source}, ptr %{p}_source, i64 %{name}_i",
            f"  %{name}_q = getelementptr {kind}, ptr %{p}_target, i64 %{name}_j",
        ]
        if self.into:
            return [*lines, *self._converted(name, feed.source, kind, "")]
        return [
            *lines,
            f"  %{name}_x = load {kind}, ptr %{name}_q",
            f"  store {kind} %{name}_x, ptr %{name}_p",
        ]

    def _vector(self, source: str, target: str) -> list[str]:
        """So many numbers copied that follow each other on both sides."""
        feed, p = self.feed, self.prefix
        name, align = f"{p}_v", f", align {4 if self.kind == 'float' else 8}"
        kind = f"<{WIDTH} x {self.kind}>"
        lines = [
            f"  %{name}_p = getelementptr {feed.source}, ptr %{p}_source, i64 {source}",
            f"  %{name}_q = getelementptr {self.kind}, ptr %{p}_target, i64 {target}",
        ]
        if self.into:
            return [*lines, *self._converted(name, f"<{WIDTH} x {feed.source}>", kind, align)]
        load, store = f"load {kind}, ptr %{name}_q{align}", f"store {kind} %{name}_x, ptr %{name}_p{align}"
        return [*lines, f"  %{name}_x = {load}", f"  {store}"]

    def _converted(self, name: str, source: str, kind: str, align: str) -> list[str]:
        """Loaded from the array, brought to the tensor's type and stored."""
        lines = [f"  %{name}_x = load {source}, ptr %{name}_p, align 1"]
        how = _conversion(self.feed.source, self.kind)
        if how is not None:
            lines.append(f"  %{name}_y = {how} {source} %{name}_x to {kind}")
        return [*lines, f"  store {kind} %{name}_{'y' if how else 'x'}, ptr %{name}_q{align}"]


def _conversion(source: str, kind: str) -> str | None:
    """The instruction from the array's type to the network's; None if they are the same."""
    if source in ("i8", "i64"):
        return "uitofp" if source == "i8" else "sitofp"
    if source == kind:
        return None
    return "fptrunc" if source == "double" else "fpext"


def _merged(shape: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    """Axes that follow each other without gaps in storage as one."""
    axes: list[tuple[int, int]] = []
    for extent, stride in zip(shape, strides, strict=True):
        if extent == 1:
            continue
        if axes and axes[-1][1] == extent * stride:
            axes[-1] = (axes[-1][0] * extent, stride)
        else:
            axes.append((extent, stride))
    return axes
