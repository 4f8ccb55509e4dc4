"""Whether this machine can run compiled code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

__all__ = ["obstacle", "unsuitable"]

# Instructions without which the vectors are too narrow or multiply-adds round twice, by architecture.
NEEDED: Mapping[str, tuple[str, ...]] = {"x86_64": ("avx2", "fma"), "aarch64": ("neon",), "arm64": ("neon",)}


@cache
def obstacle() -> str | None:
    """What keeps compiled code from running here, as a sentence's end; None if nothing does."""
    try:
        from llvmlite import binding
    except (ImportError, OSError) as error:
        return f"llvmlite cannot be loaded ({error})"
    triple, features = binding.get_process_triple(), dict(binding.get_host_cpu_features())
    return unsuitable(triple.partition("-")[0], features)


def unsuitable(architecture: str, features: Mapping[str, bool]) -> str | None:
    """What a processor lacks; None if it is x86-64 with AVX2 and FMA, or AArch64.

    Args:
        architecture: as LLVM names it.
        features: instructions as LLVM names them, and whether the processor has them.

    >>> unsuitable("x86_64", {"avx2": True, "fma": True})
    >>> unsuitable("x86_64", {"avx2": False, "fma": False})
    'the processor has no AVX2 and no FMA'
    >>> unsuitable("riscv64", {})
    'the processor is riscv64, and code is made for x86-64 and AArch64'
    """
    if architecture not in NEEDED:
        return f"the processor is {architecture}, and code is made for x86-64 and AArch64"
    # every AArch64 has what is needed, though not every system says so
    missing = [n for n in NEEDED[architecture] if not features.get(n, architecture != "x86_64")]
    return "the processor has " + " and ".join(f"no {n.upper()}" for n in missing) if missing else None
