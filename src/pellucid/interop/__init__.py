"""Models from and for other programs: ONNX files and weights."""

from pellucid.interop.exporting.onnx_file import onnx_model, to_onnx
from pellucid.interop.importing import from_onnx

__all__ = ["from_onnx", "onnx_model", "to_onnx"]
