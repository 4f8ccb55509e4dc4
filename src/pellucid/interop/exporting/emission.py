"""Recognised convolutions, matrix products and pools as the operators that runtimes have for them."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.interop.exporting.recognised import Convolution, MatrixProduct, Pool
from pellucid.interop.exporting.values import Value, Values

__all__ = ["convolution", "matrix_product", "pool_of"]


def convolution(values: Values, found: Convolution, image: str, weight: Value, bias: Value | None) -> Value:
    """Conv or ConvTranspose, with an axis for each letter of the result."""
    kernel = [s.kernel for s in found.windows.slides]
    kind, sides = "Conv", (found.outputs, found.channels)
    if found.windows.transposed:
        kind, sides = "ConvTranspose", (found.groups + found.channels, found.units)
    dims = (*(values.length(side) for side in sides), *kernel)
    weights = values.regrouped(values.spread(weight, found.axes), dims)
    attributes = found.windows.attributes()
    groups = values.length(found.groups)
    if groups is not None and groups > 1:
        attributes["group"] = groups
    output = values.graph.add(kind, image, weights, *_bias(values, found, bias), **attributes)
    return _split(values, output, found.letters, found.outputs)


def matrix_product(
    values: Values, found: MatrixProduct, left: Value, right: Value, bias: Value | None
) -> Value:
    """Gemm, its right side transposed."""
    width = values.length(found.summed)
    rows = values.regrouped(left, (values.extents[found.row], width))
    columns = values.regrouped(right, (values.extents[found.unit], width))
    output = values.graph.add("Gemm", rows, columns, *_bias(values, found, bias), transB=1)
    return Value(output, found.letters)


def pool_of(values: Values, found: Pool, image: str) -> Value:
    """MaxPool or AveragePool, with an axis for each letter of the result."""
    output = values.graph.add(found.kind, image, **found.attributes)
    return _split(values, output, found.letters, found.windows.channels)


def _bias(values: Values, found: Convolution | MatrixProduct, bias: Value | None) -> list[str]:
    if bias is None:
        return []
    return [values.regrouped(values.spread(bias, found.outputs), [values.length(found.outputs)])]


def _split(values: Values, output: str, letters: Sequence[str], channels: Sequence[str]) -> Value:
    """An operator's output (n, channels, places ...) with an axis for each letter of its channels."""
    image, *places = (s for s in letters if s not in channels)
    before = (values.extents[image], values.length(channels), *values.dims(places))
    return Value(values.graph.reshape(output, before, values.dims(letters)), tuple(letters))
