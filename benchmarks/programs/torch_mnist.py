"""mnist-avgpool on MNIST with PyTorch: read, train, evaluate.  Prints the accuracy on the test images.

Arguments: the folder of the gzip files, epochs, seed, and "contiguous", "channels-last" or "compile".
A whole program as a user would write it who cares for speed: all images in one tensor, batches gathered by
index, no loader.
"""

import gzip
import math
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BATCH, RATE = 64, 0.003


def read(folder: str, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, 28, 28) uint8 and labels."""
    with gzip.open(f"{folder}/{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{folder}/{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.tensor(images), torch.tensor(labels, dtype=torch.int64)


class Net(nn.Module):
    """A convolution, ReLU, the mean of every 2 by 2 pixels, a dense layer."""

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.conv = nn.Conv2d(1, 15, 5)
        self.dense = nn.Linear(2160, 10)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.conv.bias)
        nn.init.zeros_(self.dense.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.avg_pool2d(functional.relu(self.conv(x)), 2)
        # flattened as the images lie in memory
        return self.dense((x.permute(0, 2, 3, 1) if self.channels_last else x).flatten(1))


def main() -> None:
    """Train and evaluate."""
    folder, epochs, seed, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(2)
    torch.manual_seed(seed)
    form = torch.channels_last if how == "channels-last" else torch.contiguous_format
    images, labels = read(folder, "train")
    images = images.float().div_(255)
    mean, deviation = images.mean(), images.std()
    images = images.sub_(mean).div_(deviation)
    model = Net(channels_last=how == "channels-last").to(memory_format=form)
    run = torch.compile(model) if how == "compile" else model
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    steps = -(-len(images) // BATCH)
    done = 0
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for numbers in order.split(BATCH):
            x = images[numbers].contiguous(memory_format=form)
            optimiser.zero_grad(set_to_none=True)
            functional.cross_entropy(run(x), labels[numbers]).backward()
            optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * done / (epochs * steps)))
            optimiser.step()
            done += 1
    with torch.inference_mode():
        images, labels = read(folder, "t10k")
        images = images.float().div_(255).sub_(mean).div_(deviation)
        right = sum(
            int((model(x).argmax(1) == y).sum())
            for x, y in zip(images.split(500), labels.split(500), strict=True)
        )
    print(right / len(images))


main()
