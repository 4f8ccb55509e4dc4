"""Trains two small networks with PyTorch, exports them by PyTorch and freezes what autograd says about them.

    python -m tests.interop.make_torch_models FOLDER_OF_MNIST

Writes, beside this file, torch_sequential.onnx, torch_branched.onnx and torch_models.npz.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent
IMAGES = 4000  # once: enough to be far from chance, and far from done


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


def sequential() -> nn.Module:
    parts = {
        "conv1": nn.Conv2d(1, 6, 5), "relu1": nn.ReLU(), "maxpool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 8, 3), "relu2": nn.ReLU(), "maxpool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(), "dense1": nn.Linear(200, 10),
    }  # fmt: skip
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    return model


def mnist(folder: Path, name: str, header: int) -> np.ndarray:
    content = gzip.decompress((folder / f"train-{name}-ubyte.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=header).copy()


def train(model: nn.Module, images: Tensor, labels: Tensor) -> None:
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for start in range(0, len(images), 50):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(images[start : start + 50]), labels[start : start + 50])
        loss.backward()
        optimiser.step()


def main() -> None:
    torch.manual_seed(0)
    folder = Path(sys.argv[1])
    pixels = mnist(folder, "images-idx3", 16).reshape(-1, 1, 28, 28)[:IMAGES]
    labels = torch.tensor(mnist(folder, "labels-idx1", 8)[:IMAGES].astype(np.int64))
    images = torch.tensor(pixels.astype(np.float32) / 255)
    some = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([3, 1, 4])
    frozen = {"images": some.numpy(), "labels": targets.numpy()}
    for name, model in (("sequential", sequential()), ("branched", Branched())):
        train(model, images, labels)
        model.eval()
        axes = {"image": {0: "N"}, "logits": {0: "N"}}
        torch.onnx.export(
            model, (some,), HERE / f"torch_{name}.onnx", dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["image"], output_names=["logits"], do_constant_folding=False,
        )  # fmt: skip
        model.zero_grad()
        exact = model.double()
        given = some.double().requires_grad_()
        logits = exact(given)
        frozen[f"{name}/logits"] = logits.detach().numpy()
        (slope,) = torch.autograd.grad(logits[0, 7], given, retain_graph=True)
        frozen[f"{name}/logit.image"] = slope.numpy()
        nn.functional.cross_entropy(logits, targets).backward()
        frozen[f"{name}/grad.image"] = given.grad.numpy()
        for parameter, value in exact.named_parameters():
            frozen[f"{name}/grad.{parameter}"] = value.grad.numpy()
    np.savez_compressed(HERE / "torch_models.npz", **frozen)


if __name__ == "__main__":
    main()
