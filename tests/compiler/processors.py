"""This processor, and the same one with its widest vectors taken away."""

from __future__ import annotations

import pytest

from pellucid.compiler.machine import Host, host

__all__ = ["narrower"]


def narrower() -> Host:
    """This processor without AVX-512."""
    mine = host()
    features = mine.features.split(",")
    if "+avx512f" not in features or "+avx2" not in features:
        pytest.skip("this processor has no two widths of vectors to compare")
    without = [f"-{f[1:]}" if f.startswith(("+avx512", "+evex512", "+avx10")) else f for f in features]
    return Host(mine.triple, "haswell", ",".join(without))
