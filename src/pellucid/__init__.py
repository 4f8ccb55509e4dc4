"""Convolutional networks in which every number can be followed back to its formula.

>>> import pellucid as pl
>>> net = pl.zoo.load("mnist-maxpool")
>>> net.output_shape
(10,)

Nothing is imported before it is used, so that ``import pellucid`` takes no time.
"""

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, which takes longer to import than all the rest here
if TYPE_CHECKING:
    from pellucid import data, zoo
    from pellucid.data import ImageSet, Splits
    from pellucid.engine.check import Check
    from pellucid.engine.run import Run
    from pellucid.errors import (
        CheckFailed,
        DataError,
        FileFormatError,
        FormulaError,
        GeometryError,
        MissingPackageError,
        ModelFileError,
        NetworkError,
        NotFoundError,
        PellucidError,
        ResourceError,
        TrainingError,
        UnknownNameError,
        UsageError,
    )
    from pellucid.estimator import ImageClassifier, ImageRegressor
    from pellucid.explain import Derivation, Explanation, StepExplanation, Uses, Vectors
    from pellucid.explain.article import Article
    from pellucid.formula.formula import Formula
    from pellucid.interop import export_weights, from_onnx, import_weights
    from pellucid.layers import (
        GELU,
        Add,
        AveragePool2D,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        FormulaLayer,
        GlobalAveragePool2D,
        Layer,
        LeakyReLU,
        Loss,
        MaxPool2D,
        MeanSquaredError,
        Parameter,
        ReLU,
        Sigmoid,
        SiLU,
        Softmax,
        SoftmaxCrossEntropy,
        Tanh,
    )
    from pellucid.model import Evaluation, History, Model, Normalisation, load
    from pellucid.network import Network
    from pellucid.network_file import network_to_toml, read_network
    from pellucid.summary import Summary
    from pellucid.training import (
        SGD,
        Adam,
        AdamW,
        Callback,
        Constant,
        Cosine,
        Momentum,
        Nesterov,
        OneCycle,
        Step,
        TensorBoard,
        TrainingInterrupted,
    )
    from pellucid.training.train import train

__version__ = "0.1.0"

__all__ = [
    "GELU",
    "SGD",
    "Adam",
    "AdamW",
    "Add",
    "Article",
    "AveragePool2D",
    "Callback",
    "Check",
    "CheckFailed",
    "Constant",
    "Conv2D",
    "Cosine",
    "DataError",
    "Dense",
    "Derivation",
    "Dropout",
    "Evaluation",
    "Explanation",
    "FileFormatError",
    "Flatten",
    "Formula",
    "FormulaError",
    "FormulaLayer",
    "GeometryError",
    "GlobalAveragePool2D",
    "History",
    "ImageClassifier",
    "ImageRegressor",
    "ImageSet",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MaxPool2D",
    "MeanSquaredError",
    "MissingPackageError",
    "Model",
    "ModelFileError",
    "Momentum",
    "Nesterov",
    "Network",
    "NetworkError",
    "Normalisation",
    "NotFoundError",
    "OneCycle",
    "Parameter",
    "PellucidError",
    "ReLU",
    "ResourceError",
    "Run",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Splits",
    "Step",
    "StepExplanation",
    "Summary",
    "Tanh",
    "TensorBoard",
    "TrainingError",
    "TrainingInterrupted",
    "UnknownNameError",
    "UsageError",
    "Uses",
    "Vectors",
    "__version__",
    "data",
    "export_weights",
    "from_onnx",
    "import_weights",
    "load",
    "network_to_toml",
    "read_network",
    "train",
    "zoo",
]  # fmt: skip

# Where each public name lives.
_HOMES = {
    "pellucid.data": ("ImageSet", "Splits"),
    "pellucid.engine.check": ("Check",),
    "pellucid.engine.run": ("Run",),
    "pellucid.errors": (
        "CheckFailed", "DataError", "FileFormatError", "FormulaError", "GeometryError",
        "MissingPackageError", "ModelFileError", "NetworkError", "NotFoundError", "PellucidError",
        "ResourceError", "TrainingError", "UnknownNameError", "UsageError",
    ),
    "pellucid.explain.article": ("Article",),
    "pellucid.estimator": ("ImageClassifier", "ImageRegressor"),
    "pellucid.explain": ("Derivation", "Explanation", "StepExplanation", "Uses", "Vectors"),
    "pellucid.formula.formula": ("Formula",),
    "pellucid.interop": ("export_weights", "from_onnx", "import_weights"),
    "pellucid.layers": (
        "GELU", "Add", "AveragePool2D", "Conv2D", "Dense", "Dropout", "Flatten", "FormulaLayer",
        "GlobalAveragePool2D", "Layer", "LeakyReLU", "Loss", "MaxPool2D", "MeanSquaredError", "Parameter",
        "ReLU", "SiLU", "Sigmoid", "Softmax", "SoftmaxCrossEntropy", "Tanh",
    ),
    "pellucid.model": ("Evaluation", "History", "Model", "Normalisation", "load"),
    "pellucid.network": ("Network",),
    "pellucid.network_file": ("network_to_toml", "read_network"),
    "pellucid.summary": ("Summary",),
    "pellucid.training": (
        "SGD", "Adam", "AdamW", "Callback", "Constant", "Cosine", "Momentum", "Nesterov", "OneCycle", "Step",
        "TensorBoard", "TrainingInterrupted", "train",
    ),
}  # fmt: skip
_ROOMS = ("data", "zoo")


if not TYPE_CHECKING:  # type checkers read the imports above, and know what is not there

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"{__name__}.{name}")
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
