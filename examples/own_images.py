"""Your own images: a folder with one folder a class becomes a model that classifies pictures.

    python own_images.py [FOLDER]

Without a folder it makes one, of digits in colour.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import pellucid as pl


def coloured_digits(folder: Path) -> None:
    """Writes 600 pictures of 24 by 24 pixels, as FOLDER/CLASS/NUMBER.png."""
    digits = pl.data.load("digits").train
    shades = np.array([[255, 80, 40], [40, 160, 255], [250, 220, 60]])
    for number in range(600):
        place = folder / digits.classes[digits.labels[number]] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = digits.images[number, 0][..., np.newaxis] / 255 * shades[number % 3]
        Image.fromarray(pixels.astype(np.uint8)).resize((24, 24)).save(place)


folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("pictures")
if not folder.exists():
    coloured_digits(folder)

images = pl.data.load(folder, resize=(24, 24), mode="rgb").train
learn, test = images.split(0.2, seed=0)
print(f"{len(learn)} images to learn from, {len(test)} to test with, classes: {', '.join(images.classes)}")

model = pl.train(pl.zoo.default(learn.shape, len(learn.classes)), learn, validation=0.15, epochs=8)
print(model.evaluate(test.images, test.labels))
model.plot_confused(test.images, test.labels).save("confused.png")
model.save("pictures.safetensors")

# And now pictures without a class.
paths = pl.data.image_paths([folder])[:5]
pictures = pl.data.read_images(paths, shape=model.network.input_shape, resize=True)
for path, row in zip(paths, model.predict_proba(pictures), strict=True):
    print(f"{path}: {model.classes[row.argmax()]} ({row.max():.0%})")
