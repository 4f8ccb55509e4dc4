"""The handwritten digits inside scikit-learn, enlarged: a real set that needs no file and no network.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository, 1998;
the 1,797 images of its test set, 8 x 8 pixels of 0..16 each.
"""

from __future__ import annotations

import numpy as np

from pellucid.data.image_set import ImageSet, Splits

__all__ = ["digits"]

_SIZE = 28
_HELD_OUT = 0.2
_SEED = 1797


def digits() -> Splits:
    """1,797 gray images of 28 x 28 pixels; 359 of them, the same ones always, are for testing."""
    from PIL import Image
    from sklearn.datasets import load_digits

    small = load_digits()
    images = np.empty((len(small.target), 1, _SIZE, _SIZE), np.uint8)
    for n, picture in enumerate(small.images.astype(np.float32)):
        large = Image.fromarray(picture).resize((_SIZE, _SIZE), Image.Resampling.BILINEAR)
        images[n, 0] = np.rint(np.asarray(large) * (255.0 / 16.0))
    classes = tuple(str(digit) for digit in range(10))
    whole = ImageSet(images, small.target.astype(np.int64), classes, "digits")
    return Splits(*whole.split(_HELD_OUT, _SEED))
