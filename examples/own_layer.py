"""A layer of your own, typed as a formula: shapes, gradients, machine code and explanations follow."""

import pellucid as pl

# Each channel is divided by the size of what is around a pixel, in all channels, with a weight to be learned.
divide = pl.FormulaLayer(
    """
    size[n,i,j] = mean[c,u,v] x[n, c, i + u - p, j + v - p]^2
    y[n,c,i,j] = gain[c] * x[n,c,i,j] / sqrt(size[n,i,j] + 0.1)
    """,
    parameters={"gain": pl.Parameter(("c",), init=1.0)},
    constants={"U": 3, "V": 3, "p": 1},
    padding={"x": {2: "p", 3: "p"}},
    name="divide",
)
net = pl.Network(
    [pl.Conv2D(8, 3), divide, pl.ReLU(), pl.MaxPool2D(2), pl.Flatten(), pl.Dense(10)],
    (1, 28, 28),
    pl.SoftmaxCrossEntropy(),
)

print(net.derive("divide.gain"))  # step by step, each step checked at random values
print(net.check())  # every gradient, compared with differences

digits = pl.data.load("digits")
model = pl.train(net, digits.train, epochs=5)
print(model.evaluate(digits.test.images, digits.test.labels))

run = model.run(digits.test.images[:1], digits.test.labels[:1])
print(run.explain("divide[0,2,10,10]"))
print(run.explain("divide.gain.grad[2]", most=3))
