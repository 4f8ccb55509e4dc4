"""Models from and for other programs: ONNX files and weights."""

from pellucid.interop.exporting.onnx_file import onnx_model, to_onnx
from pellucid.interop.importing import from_onnx
from pellucid.interop.weights import export_weights, import_weights

__all__ = ["export_weights", "from_onnx", "import_weights", "onnx_model", "to_onnx"]
