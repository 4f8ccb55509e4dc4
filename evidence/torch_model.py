"""A network that PyTorch trained, imported, explained, and trained further on MNIST."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np

from evidence import table
from pellucid import data, engine
from pellucid.model import Normalisation
from pellucid.training.train import train
from tests.interop.torch_model import explained, from_state_dict, imported, strays

BOUND = 1e-12
EPOCHS = 3


def main() -> int:
    """Compare with autograd, train further, write the table, and return the number of failures."""
    rows: list[tuple[str, str, str, float]] = []
    for name in engine.available():
        for way, model in (("ONNX", imported()), ("state dict", from_state_dict())):
            rows += [(way, name, what, stray) for what, stray in strays(model, name)]
            rows += [(way, name, f"explained: {what}", stray) for what, stray in explained(model, name)]
    accuracies = further()
    failures = sum(stray > BOUND for *_, stray in rows)
    failures += sum(b <= a for a, b in pairwise(accuracies))
    table.write(
        "torch_model",
        "A network trained by PyTorch",
        question=(
            "Does a network that PyTorch trained and exported to ONNX, or whose state dict it saved, give "
            "PyTorch's logits here, are its gradients autograd's, and do the explanations of a logit and of "
            f"a weight's gradient add up to them, in float64 and within {BOUND:.0e} of the largest element? "
            "Does its accuracy on MNIST's 10,000 test images rise when it is trained further here?"
        ),
        counts={
            "numbers and tensors compared": len(rows),
            "accuracy as imported": f"{accuracies[0]:.2%}",
            "after each further epoch here": ", ".join(f"{a:.2%}" for a in accuracies[1:]),
            "failures": failures,
        },
        columns=["from", "engine", "what", "difference from PyTorch"],
        rows=[(*row, f"{stray:.1e}") for *row, stray in rows],
    )
    return failures


def further() -> list[float]:
    """Accuracies as imported and after each of some epochs more."""
    mnist, model = data.load("mnist"), imported()
    assert mnist.test is not None
    scaling = Normalisation(np.zeros(1), np.ones(1), 1 / 255)
    fractions = mnist.test.images / np.float32(255)
    accuracies = [float(np.mean(model.predict(fractions) == mnist.test.labels))]
    for epoch in range(EPOCHS):
        model = train(
            model.network, mnist.train, epochs=1, lr=0.001, schedule="constant", normalisation=scaling,
            parameters=model.parameters, seed=epoch, progress=False,
        )  # fmt: skip
        accuracies.append(float(np.mean(model.predict(mnist.test.images) == mnist.test.labels)))
    return accuracies


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
