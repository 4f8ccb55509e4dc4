"""ONNX files read: operators become layers and equations."""

from pellucid.interop.importing.building import from_onnx

__all__ = ["from_onnx"]
