"""A module of LLVM's language as text: functions, and the intrinsics that they call."""

from __future__ import annotations

__all__ = ["SPACES", "Module"]

# The buffers that every kernel is given, and in which all tensors lie.
SPACES = ("arena", "parameters", "gradients", "scalars")


class Module:
    """Collects functions and the intrinsics that they use."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # "float" or "double"
        self.functions: list[str] = []
        self.declared: dict[str, str] = {}

    def declare(self, name: str, signature: str) -> str:
        """The name of an intrinsic, which the module then knows."""
        self.declared[name] = signature
        return name

    def text(self) -> str:
        """All of it, as LLVM reads it."""
        return "\n".join([*self.functions, *(f"declare {s}" for s in sorted(self.declared.values()))]) + "\n"
