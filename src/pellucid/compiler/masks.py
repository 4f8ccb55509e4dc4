"""Random masks in machine code: the same bits as `pellucid.random.mask`, whose recipe this is.

The key of an image's row is the step's key continued by the image's number; an element's word is a hash of
the key and of the element's place in public order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compiler.context import fields
from pellucid.compiler.layout import Tensor, lanes_for
from pellucid.compiler.loops import counted, over_images
from pellucid.compiler.prove import Access, proved

__all__ = ["Mask", "masks_function"]

GOLDEN = 0x9E3779B97F4A7C15
MIX64 = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
MIX32 = ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1))
GOLDEN32 = 0x9E3779B9


@dataclass(frozen=True)
class Mask:
    """A tensor of zeros and ones, drawn anew for each step and image.

    Attributes:
        tensor: where a tile's masks go, images first.
        keep: probability of a one.
    """

    tensor: Tensor
    keep: float


class _Lines:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.number = 0

    def op(self, text: str) -> str:
        self.number += 1
        self.text.append(f"  %x{self.number} = {text}")
        return f"%x{self.number}"

    def add(self, *lines: str) -> None:
        self.text += lines

    def mix(self, value: str, kind: str, rounds: Sequence[tuple[int, int]], lanes: int) -> str:
        """Shifts, exclusive ors and products, one round after the other."""
        for shift, factor in rounds:
            moved = self.op(f"lshr {kind} {value}, {_splat(shift, kind, lanes)}")
            value = self.op(f"xor {kind} {value}, {moved}")
            if factor != 1:
                value = self.op(f"mul {kind} {value}, {_splat(factor, kind, lanes)}")
        return value

    def spread(self, value: str, lanes: int) -> str:
        if lanes == 1:
            return value
        one = self.op(f"insertelement <{lanes} x i32> poison, i32 {value}, i32 0")
        return self.op(
            f"shufflevector <{lanes} x i32> {one}, <{lanes} x i32> poison, <{lanes} x i32> zeroinitializer"
        )


def _splat(number: int, kind: str, lanes: int) -> str:
    return str(number) if lanes == 1 else "<" + ", ".join([f"i32 {number}"] * lanes) + ">"


def masks_function(masks: Sequence[Mask], kind: str) -> str:
    """``noise(context, arena, order, step, images)``: all masks of a tile."""
    arguments = "ptr %context, ptr %arena, ptr %order, i64 %step, i64 %many"
    head = [
        f"define internal void @noise({arguments}) {{",
        "entry:",
        *fields(("masks",)),
        "  %keys = inttoptr i64 %masks to ptr",
        f"  %row = mul i64 %step, {len(masks)}",
    ]
    number = ["  %place = getelementptr i64, ptr %order, i64 %n", "  %number = load i64, ptr %place"]
    lines, here = _Lines(), "image"
    for index, mask in enumerate(masks):
        here = _mask(lines, index, mask, kind, here)
    return over_images(head, number, lines.text)


def _mask(lines: _Lines, index: int, mask: Mask, kind: str, here: str) -> str:
    """One image's mask; returns the block in which it ends."""
    at = lines.op(f"add i64 %row, {index}")
    state = lines.op(f"load i64, ptr {lines.op(f'getelementptr i64, ptr %keys, i64 {at}')}")
    word = lines.mix(lines.op(f"add i64 %number, {GOLDEN - 2**64}"), "i64", MIX64, 1)
    key = lines.mix(lines.op(f"xor i64 {word}, {state}"), "i64", MIX64, 1)
    low = lines.op(f"trunc i64 {key} to i32")
    high = lines.op(f"trunc i64 {lines.op(f'lshr i64 {key}, 32')} to i32")
    tensor = mask.tensor
    base = lines.op(f"add i64 {lines.op(f'mul i64 %n, {tensor.strides[0]}')}, {tensor.origin}")
    shape, strides = tensor.shape[1:], tensor.strides[1:]
    weights = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    last = (tensor.last or 1) - 1
    outer = [axis for axis in range(len(shape)) if axis != last]
    lanes = lanes_for(shape[last])
    proved(Access.to_all(tensor, lanes, last + 1))
    low_v, high_v = lines.spread(low, lanes), lines.spread(high, lanes)
    place, element = base, "0"
    closers: list[list[str]] = []
    for axis in (*outer, last):
        name = f"m{index}_{axis}"
        opening, closing = counted(name, here, shape[axis], lanes if axis == last else 1)
        lines.add(*opening)
        closers.append(closing)
        here = f"{name}_head"
        place = lines.op(f"add i64 {place}, {lines.op(f'mul i64 %{name}, {strides[axis]}')}")
        element = lines.op(f"add i64 {element}, {lines.op(f'mul i64 %{name}, {weights[axis]}')}")
    counter = (f"m{index}_{last}", shape[last])
    _draw(lines, mask, kind, lanes, place, element, weights[last], (low_v, high_v), counter)
    lines.add(*(x for closing in reversed(closers) for x in closing))
    return f"m{index}_{(*outer, last)[0]}_out"


def _draw(
    lines: _Lines, mask: Mask, kind: str, lanes: int, place: str, element: str, weight: int,
    keys: tuple[str, str], last: tuple[str, int],
) -> None:  # fmt: skip
    """One vector of zeros and ones; lanes past the end of the axis are zero."""
    many = "i32" if lanes == 1 else f"<{lanes} x i32>"
    numbers = lines.spread(lines.op(f"trunc i64 {element} to i32"), lanes)
    if lanes > 1:
        steps = "<" + ", ".join(f"i32 {lane * weight}" for lane in range(lanes)) + ">"
        numbers = lines.op(f"add {many} {numbers}, {steps}")
    spread = lines.op(f"mul {many} {numbers}, {_splat(GOLDEN32, many, lanes)}")
    hashed = lines.op(f"add {many} {spread}, {keys[0]}")
    hashed = lines.op(f"xor {many} {lines.mix(hashed, many, MIX32, lanes)}, {keys[1]}")
    upper = lines.op(f"lshr {many} {lines.mix(hashed, many, MIX32, lanes)}, {_splat(8, many, lanes)}")
    kept = lines.op(f"icmp ult {many} {upper}, {_splat(math.ceil(mask.keep * 2**24), many, lanes)}")
    if lanes > 1:
        room = lines.op(f"trunc i64 {lines.op(f'sub i64 {last[1]}, %{last[0]}')} to i32")
        order = "<" + ", ".join(f"i32 {lane}" for lane in range(lanes)) + ">"
        inside = lines.op(f"icmp slt {many} {order}, {lines.spread(room, lanes)}")
        kept = lines.op(f"and <{lanes} x i1> {kept}, {inside}")
    values = kind if lanes == 1 else f"<{lanes} x {kind}>"
    bits = "i1" if lanes == 1 else f"<{lanes} x i1>"
    number = lines.op(f"uitofp {bits} {kept} to {values}")
    target = lines.op(f"getelementptr {kind}, ptr %arena, i64 {place}")
    lines.add(f"  store {values} {number}, ptr {target}, align {4 if kind == 'float' else 8}")
