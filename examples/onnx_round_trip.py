"""ONNX: a model goes out for other programs, comes back as layers and equations, and explains itself."""

import numpy as np

import pellucid as pl

digits = pl.data.load("digits")
model = pl.train(pl.zoo.load("mnist-avgpool"), digits.train, epochs=4)
model.to_onnx("digits.onnx", preprocessing="none")

# What another program has written is read in the same way.
again = pl.from_onnx("digits.onnx", loss=pl.SoftmaxCrossEntropy())
print(again.network.summary())

# The file reads what the network reads; the model knows how images become that.
images, labels = digits.test.images, digits.test.labels
inputs = model.run(images)["input"]
difference = np.abs(model.outputs(images) - again.outputs(inputs)).max()
print(f"largest difference between two logits: {difference:.1e}")
assert difference < 1e-4

# Any number of it can be followed, and it can be trained further.
run = again.run(inputs[:1], labels[:1])
print(run.explain(f"{again.network.output}[0,{labels[0]}]", most=5))
inputs_to_learn = model.run(digits.train.images)["input"]
further = pl.train(
    again.network,
    (inputs_to_learn, digits.train.labels),
    parameters=again.parameters,
    normalisation=False,
    epochs=4,
)
before, after = (one.evaluate(inputs, labels).accuracy for one in (again, further))
print(f"accuracy {before:.1%}, after more training {after:.1%}")
