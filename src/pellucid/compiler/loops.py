"""Loops in functions that are written line by line: over a tile's images, and over a row's numbers."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["counted", "over_images"]


def over_images(head: Sequence[str], number: Sequence[str], body: Sequence[str]) -> str:
    """A function that does the same for each of ``%many`` images.

    Args:
        head: its first lines, up to the end of the block ``entry``.
        number: what makes ``%number`` of ``%n``, an image's place in the tile.
        body: what is done; it begins in the block ``image``.
    """
    lines = [
        *head,
        "  br label %image",
        "image:",
        "  %n = phi i64 [ 0, %entry ], [ %n_next, %image_done ]",
        *number,
        *body,
        "  br label %image_done",
        "image_done:",
        "  %n_next = add i64 %n, 1",
        "  %again = icmp slt i64 %n_next, %many",
        "  br i1 %again, label %image, label %leave",
        "leave:",
        "  ret void",
        "}",
    ]
    return "\n".join(lines)


def counted(name: str, before: str, stop: int, step: int) -> tuple[list[str], list[str]]:
    """The lines before and after what is done for each value of a counter.

    Args:
        name: of the counter; the loop leads from the block `before` to the block ``NAME_head``, and in the
            end to the block ``NAME_out``.
        before: name of the block in front of it.
        stop: where it ends.
        step: by which it goes.
    """
    opening = [
        f"  br label %{name}_head",
        f"{name}_head:",
        f"  %{name} = phi i64 [ 0, %{before} ], [ %{name}_next, %{name}_end ]",
    ]
    closing = [
        f"  br label %{name}_end",
        f"{name}_end:",
        f"  %{name}_next = add i64 %{name}, {step}",
        f"  %{name}_more = icmp slt i64 %{name}_next, {stop}",
        f"  br i1 %{name}_more, label %{name}_head, label %{name}_out",
        f"{name}_out:",
    ]
    return opening, closing
