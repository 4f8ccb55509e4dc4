"""The seeds' own texts, where somebody has them: which of their lines hold mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["lines_with_formulas"]

# A formula within a sentence, sizes of layers, an equation in a listing, a flow of gradients.
INLINE = re.compile(r"\$[^$]+\$|\\\(|×|\d ?[x×] ?\d|`[^`]*[=+*/][^`]*`|->|→|max\(")
FENCES = ("$$", "\\[", "\\]", "```")


def lines_with_formulas(text: str) -> Iterator[int]:
    """Numbers of lines, from 1, that hold a formula, a size or a chart."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        fences = sum(bare.count(fence) for fence in FENCES)
        if fences % 2:
            inside = not inside
        elif (inside and bare) or fences or INLINE.search(line):
            yield number
