"""A first network: learn handwritten digits, see where it fails, follow one number back to its formula."""

import pellucid as pl

digits = pl.data.load("digits")
net = pl.Network(
    [pl.Conv2D(8, 3), pl.ReLU(), pl.MaxPool2D(2), pl.Flatten(), pl.Dense(10)],
    input_shape=(1, 28, 28),
    loss=pl.SoftmaxCrossEntropy(),
    name="first",
)
print(net.summary())

model = pl.train(net, digits.train, validation=0.1, epochs=8)
result = model.evaluate(digits.test.images, digits.test.labels)
print(result)

model.history.plot("The first network").save("curves.png")
result.plot().save("confusion.png")
model.plot_confused(digits.test.images, digits.test.labels).save("confused.png")
model.plot("conv1.weight").save("filters.png")

# Why does the loss want this weight to change? The equation and its largest terms, with the pixels they read.
run = model.run(digits.test.images[:1], digits.test.labels[:1])
print(run.explain("conv1.weight.grad[3,0,1,1]", most=5))

model.save("first.safetensors")
