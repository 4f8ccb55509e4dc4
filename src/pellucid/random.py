"""Random numbers that are a function of a key and a counter: the same bits on every machine.

Nothing here has a state. A *key* (64 bits) is made of a seed and the names of what the numbers are for; the
number at position `i` of a key's stream depends on the key and `i` alone, so any part of a stream can be
drawn in any order, by any thread, in Python or in generated code:

    half(x, m) = (x ^ (x >> 16)) * m                                          modulo 2**32
    mix32(x)   = h ^ (h >> 16)  where  h = (g ^ (g >> 15)) * 0x846CA68B,  g = half(x, 0x7FEB352D)
    word(i)    = mix32(mix32(i * 0x9E3779B9 + low) ^ high)                    low, high: the halves of the key

Only integer arithmetic modulo a power of two and the correctly rounded IEEE operations + - * / and square
root are used; logarithm and cosine are series of our own, because a C library's differ in the last bit.

Sources: the 64-bit mixer is the output function of SplitMix64 (Steele, Lea and Flood, 2014); the constants of
the 32-bit mixer are C. Wellons' "lowbias32" (2018); normal numbers by Box and Muller (1958).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.errors import UsageError

__all__ = ["bits", "integers", "key", "mask", "normal", "permutation", "uniform"]

Shape = int | tuple[int, ...]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, odd
_TEXT = 0xD1B54A32D192ED03  # marks the beginning of a name, so that names and numbers differ
_STREAM = 2**32  # words of one key


def _mix64(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit words in which each bit depends on every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _absorb(state: NDArray[np.uint64], words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The key `state` continued by one more word, for each of `words`."""
    return _mix64(_mix64(words + _GOLDEN) ^ state)


def _words(item: SupportsIndex | str) -> list[int]:
    """The 64-bit words that stand for one part of a key."""
    if isinstance(item, str):
        text = item.encode()
        pieces = (text[at : at + 8] for at in range(0, len(text), 8))
        return [_TEXT ^ len(text), *(int.from_bytes(piece, "little") for piece in pieces)]
    try:
        number = operator.index(item)
    except TypeError:
        raise UsageError(f"random key: {item!r} was given, a whole number was expected") from None
    if not 0 <= number < 2**64:
        raise UsageError(f"random key: {number} was given, a number from 0 to 2**64 - 1 was expected")
    return [number]


def key(seed: SupportsIndex, *stream: SupportsIndex | str) -> int:
    """The key of one stream of random numbers.

    Args:
        seed: from 0 to 2**64 - 1.
        stream: what the numbers are for: names and numbers (0 to 2**64 - 1), in an order that matters.

    Returns:
        A 64-bit number; other arguments give, in effect, an independent one.

    Raises:
        UsageError: a number outside its range.

    >>> hex(key(0, "conv1.weight"))
    '0xd130b53eb0350613'
    >>> key(0, 1, 2) == key(0, 2, 1)
    False
    """
    words = [word for item in (seed, *stream) for word in _words(item)]
    state = np.zeros(1, np.uint64)
    for at in range(len(words)):
        state = _absorb(state, np.array(words[at : at + 1], np.uint64))
    return int(state[0])


def _mix32(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """A bijection of 32-bit words in which each bit depends on every bit."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def _word(keys: NDArray[np.uint64], counter: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The words at `counter` of the streams `keys`; the two broadcast."""
    low = (keys & np.uint64(_STREAM - 1)).astype(np.uint32)
    high = (keys >> np.uint64(32)).astype(np.uint32)
    return _mix32(_mix32(counter * np.uint32(0x9E3779B9) + low) ^ high)


def bits(key: int, start: int, count: int) -> NDArray[np.uint32]:
    """Random 32-bit words of one stream.

    Args:
        key: of the stream, from `key`.
        start: position of the first word, at least 0.
        count: number of words; a stream has 2**32.

    Returns:
        The words at start, ..., start + count - 1, shape (count,).

    Raises:
        UsageError: positions that the stream does not have.

    >>> bits(key(7), 0, 4).tolist()
    [3792324959, 1280362075, 708104623, 4062998219]
    >>> bits(key(7), 2, 2).tolist()
    [708104623, 4062998219]
    """
    if start < 0 or count < 0 or start + count > _STREAM:
        raise UsageError(
            f"random bits: {count} words from position {start} were asked for, "
            f"a stream has the positions 0 to 2**32 - 1"
        )
    counter = np.arange(start, start + count, dtype=np.uint64).astype(np.uint32)
    return _word(np.array([key], np.uint64), counter)


def _bits64(key: int, count: int) -> NDArray[np.uint64]:
    """Random 64-bit words, shape (count,): two neighbours of the stream each, the low half first."""
    pair = bits(key, 0, 2 * count).astype(np.uint64).reshape(count, 2)
    return pair[:, 0] | (pair[:, 1] << np.uint64(32))


def _unit(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The upper 53 bits as a number in [0, 1), exactly."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _size(shape: Shape) -> int:
    """Number of elements of an array."""
    extents = (shape,) if isinstance(shape, int) else shape
    if any(extent < 0 for extent in extents):
        raise UsageError(f"random numbers: the shape {shape} was given, extents of at least 0 were expected")
    return math.prod(extents)


def _is_single(dtype: DTypeLike) -> bool:
    """Whether the numbers are float32 (and not float64)."""
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise UsageError(f"random numbers: the type {kind} was given, float32 or float64 was expected")
    return kind == np.dtype(np.float32)


def uniform(key: int, shape: Shape, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Numbers spread evenly over [0, 1).

    Args:
        key: of the stream, from `key`.
        shape: of the result.
        dtype: float64, multiples of 2**-53 (two words each), or float32, multiples of 2**-24 (one word each).

    Returns:
        An array of that shape and type; the two types give different numbers.

    Raises:
        UsageError: another type, or more numbers than a stream has.

    >>> uniform(key(7), 2).tolist()
    [0.29810752623783643, 0.9459904905326824]
    """
    if _is_single(dtype):
        upper = bits(key, 0, _size(shape)) >> np.uint32(8)
        return (upper.astype(np.float32) * np.float32(2.0**-24)).reshape(shape)
    return _unit(_bits64(key, _size(shape))).reshape(shape)


def _log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm of finite numbers above 0, to about 2 units in the last place of max(1, |log x|).

    x = m * 2**e with m in [sqrt(1/2), sqrt(2)), and log m = 2 artanh((m - 1)/(m + 1)) by its power series.
    """
    m, e = np.frexp(x)
    low = m < math.sqrt(0.5)
    m = np.where(low, 2.0 * m, m)
    exponent = (e - low).astype(np.float64)
    t = (m - 1.0) / (m + 1.0)
    square = t * t
    series = np.zeros_like(t)
    for n in range(21, 0, -2):  # |t| < 0.172, so the first term left out is below 1e-18
        series = series * square + 1.0 / n
    return exponent * 0.6931471805599453 + 2.0 * t * series


def _cos_turns(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of u turns, 0 <= u < 1, to 1e-15.

    The turn is folded onto v in [0, 1/4] with exact subtractions, where the power series of
    cos(2 pi v) = sin(2 pi (1/4 - v)) converges fast.
    """
    v = np.minimum(u, 1.0 - u)  # cos(-a) = cos(a)
    sign = np.where(v > 0.25, -1.0, 1.0)  # cos(pi - a) = -cos(a)
    a = 6.283185307179586 * (0.25 - np.minimum(v, 0.5 - v))
    square = a * a
    series = np.ones_like(a)
    for n in range(22, 0, -2):  # a <= pi/2, so the first term left out is below 1e-17
        series = 1.0 - series * square / float(n * (n + 1))
    return sign * a * series


def normal(key: int, shape: Shape, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Normally distributed numbers of mean 0 and deviation 1.

    Each one is sqrt(-2 log(1 - u)) cos(2 pi v) with two uniform numbers of its own (four words), so no
    magnitude is above sqrt(106 log 2) = 8.6.

    Args:
        key: of the stream, from `key`.
        shape: of the result.
        dtype: float64 or float32; float32 gives the same numbers, rounded.

    Returns:
        An array of that shape and type.

    Raises:
        UsageError: another type, or more numbers than a stream has.

    >>> normal(key(7), 3).tolist()
    [0.7934133494457081, -0.7807840169251405, 1.9552163895612342]
    """
    single = _is_single(dtype)
    count = _size(shape)
    u = _unit(_bits64(key, 2 * count)).reshape(count, 2)
    z = (np.sqrt(-2.0 * _log(1.0 - u[:, 0])) * _cos_turns(u[:, 1])).reshape(shape)
    return z.astype(np.float32) if single else z


def permutation(key: int, n: int) -> NDArray[np.int64]:
    """The numbers 0 ... n - 1 in random order.

    Args:
        key: of the stream, from `key`.
        n: how many, 0 to 2**31.

    Returns:
        Their order by 64-bit random words, shape (n,), int64.

    Raises:
        UsageError: n outside its range.

    >>> permutation(key(7), 6).tolist()
    [5, 0, 3, 2, 1, 4]
    """
    return np.argsort(_bits64(key, n), kind="stable").astype(np.int64)


def integers(key: int, low: int, high: int, shape: Shape) -> NDArray[np.int64]:
    """Whole numbers spread evenly over low ... high - 1.

    Args:
        key: of the stream, from `key`.
        low: the smallest number.
        high: one more than the largest; high - low is 1 to 2**32.
        shape: of the result.

    Returns:
        An int64 array of that shape; no number is favoured by more than one part in 2**32.

    Raises:
        UsageError: an empty or too large range.

    >>> integers(key(7), 0, 10, 8).tolist()
    [2, 9, 7, 3, 9, 1, 8, 2]
    """
    span = high - low
    if not 1 <= span <= _STREAM or low < -(2**63) or high > 2**63:
        raise UsageError(
            f"random integers: the range {low} to {high} was given, "
            f"1 to 2**32 whole numbers of 64 bits were expected"
        )
    words = _bits64(key, _size(shape))
    width = np.uint64(span)
    below = ((words & np.uint64(_STREAM - 1)) * width) >> np.uint64(32)
    offsets = ((words >> np.uint64(32)) * width + below) >> np.uint64(32)  # floor(word * span / 2**64)
    return (offsets.astype(np.int64) + np.int64(low)).reshape(shape)


def mask(
    key: int, images: NDArray[np.int64] | Sequence[int], elements: int, keep: float
) -> NDArray[np.bool_]:
    """Which elements of which images are kept; each one is drawn from the numbers of its image and element.

    Args:
        key: of the stream, from `key`.
        images: numbers of the images, at least 0, shape (N,).
        elements: elements of an image, at most 2**32.
        keep: probability of keeping an element, 0 to 1, rounded up to a multiple of 2**-24.

    Returns:
        Shape (N, elements). The row of image m is the upper 24 bits of `bits(key(..., m), 0, elements)`
        compared with keep * 2**24, if key is `key(...)`.

    Raises:
        UsageError: an argument outside its range.

    >>> mask(key(7, "dropout1"), [3, 0], elements=6, keep=0.5).astype(int).tolist()
    [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 1]]
    """
    numbers = np.asarray(images, np.int64)
    if not 0.0 <= keep <= 1.0:
        raise UsageError(f"random mask: keep is {keep}, a probability from 0 to 1 was expected")
    if numbers.ndim != 1 or (numbers < 0).any():
        raise UsageError("random mask: the images were expected as one row of numbers of at least 0")
    if not 0 <= elements <= _STREAM:
        raise UsageError(f"random mask: {elements} elements were asked for, 0 to 2**32 were expected")
    keys = _absorb(np.array([key], np.uint64), numbers.astype(np.uint64))[:, np.newaxis]
    counter = np.arange(elements, dtype=np.uint64).astype(np.uint32)
    kept: NDArray[np.bool_] = (_word(keys, counter) >> np.uint32(8)) < np.uint32(math.ceil(keep * 2**24))
    return kept
