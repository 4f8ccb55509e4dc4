"""Models from and for other programs."""

from pellucid.interop.importing import from_onnx

__all__ = ["from_onnx"]
