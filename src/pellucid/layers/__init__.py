"""Layers and losses: one short file each, equations only."""

from collections.abc import Mapping

from pellucid.layers.activation import GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Tanh
from pellucid.layers.conv import Conv2D
from pellucid.layers.custom import FormulaLayer
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.flatten import Flatten
from pellucid.layers.join import Add
from pellucid.layers.layer import Layer, Loss, Parameter
from pellucid.layers.loss import MeanSquaredError, SoftmaxCrossEntropy
from pellucid.layers.pool import AveragePool2D, GlobalAveragePool2D, MaxPool2D

__all__ = [
    "GELU",
    "LAYERS",
    "LOSSES",
    "Add",
    "AveragePool2D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "FormulaLayer",
    "GlobalAveragePool2D",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MaxPool2D",
    "MeanSquaredError",
    "Parameter",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Tanh",
]

_LAYERS: tuple[type[Layer], ...] = (
    Add, AveragePool2D, Conv2D, Dense, Dropout, Flatten, FormulaLayer, GELU, GlobalAveragePool2D, LeakyReLU,
    MaxPool2D, ReLU, SiLU, Sigmoid, Softmax, Tanh,
)  # fmt: skip

# By the names that network files use.
LAYERS: Mapping[str, type[Layer]] = {layer.__name__: layer for layer in _LAYERS}
LOSSES: Mapping[str, type[Loss]] = {loss.__name__: loss for loss in (SoftmaxCrossEntropy, MeanSquaredError)}
