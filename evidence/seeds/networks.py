"""The networks of the seeds; that of seed 002, which has no sizes of its own, is written here."""

from __future__ import annotations

from pellucid import zoo
from pellucid.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU, SoftmaxCrossEntropy
from pellucid.network import Network

__all__ = ["AVERAGE_POOL", "MAX_POOL", "ONE_CONVOLUTION", "STRIDED", "TWO_CONVOLUTIONS"]

TWO_CONVOLUTIONS = zoo.load("cifar-two-conv")
ONE_CONVOLUTION = zoo.load("mnist-one-conv")
MAX_POOL = zoo.load("mnist-maxpool")
AVERAGE_POOL = zoo.load("mnist-avgpool")
# Stride 2 and padding 1, so that every letter of the general formulas matters.
STRIDED = Network(
    [Conv2D(16, 3, stride=2, padding=1), ReLU(), MaxPool2D(2), Flatten(), Dense(10)],
    (3, 32, 32),
    SoftmaxCrossEntropy(),
    name="strided-conv",
)
