"""Trains a network with branches by PyTorch, exports it by PyTorch and freezes what autograd says about it.

    python -m tests.interop.make_branched_model

Writes, beside this file, branched_model.onnx and branched_model.npz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent


class Branched(nn.Module):
    """Batch normalisation, a sum and a join of branches, a global mean: what a chain does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.left = nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.right = nn.Conv2d(6, 6, 1, bias=False)
        self.act = nn.PReLU(6)
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = nn.functional.avg_pool2d(x, 3, stride=2, padding=1)
        both = torch.cat([self.act(self.left(x)) + x, torch.sigmoid(self.right(x)) * x], dim=1)
        return self.head(both.mean(dim=(2, 3)))


def train(model: nn.Module) -> None:
    """A few steps, so that the statistics of batch normalisation are not those of a beginning."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(30):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(torch.rand(50, 1, 28, 28)), torch.randint(10, (50,))).backward()
        optimiser.step()
    optimiser.zero_grad()


def main() -> None:
    torch.manual_seed(0)
    model = Branched()
    train(model)
    model.eval()
    images, labels = torch.rand(3, 1, 28, 28), torch.tensor([3, 1, 4])
    torch.onnx.export(
        model, (images,), HERE / "branched_model.onnx", dynamo=False, opset_version=17,
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}}, input_names=["image"], output_names=["logits"],
        do_constant_folding=False,
    )  # fmt: skip
    exact, given = model.double(), images.double().requires_grad_()
    logits = exact(given)
    (slope,) = torch.autograd.grad(logits[0, 7], given, retain_graph=True)
    nn.functional.cross_entropy(logits, labels).backward()
    frozen = {"images": images, "labels": labels, "logits": logits.detach(), "logit.image": slope}
    frozen |= {"grad.image": given.grad, **{f"grad.{n}": p.grad for n, p in exact.named_parameters()}}
    np.savez_compressed(HERE / "branched_model.npz", **{n: t.numpy() for n, t in frozen.items()})


if __name__ == "__main__":
    main()
