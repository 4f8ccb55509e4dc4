"""Random numbers: frozen bits, the published recipe in plain integers, and the distributions."""

from __future__ import annotations

import hashlib
import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from pellucid import random
from pellucid.errors import UsageError

WORD64 = st.integers(0, 2**64 - 1)


def digest(values: NDArray[np.generic]) -> str:
    """Short hash of an array's type, shape and bytes (little endian)."""
    little = values.astype(values.dtype.newbyteorder("<"))
    text = f"{values.dtype.name} {values.shape} ".encode()
    return hashlib.sha256(text + little.tobytes()).hexdigest()[:16]


# --- frozen bits: a change here breaks every saved seed -------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "stream", "expected"),
    [
        (0, (), 0x48218226FF3CD4BF),
        (1, (), 0xDCE423FC82C0D5B8),
        (2**64 - 1, (), 0x445018E305810B78),
        (0, ("conv1.weight",), 0xD130B53EB0350613),
        (7, ("dropout1", 3, 12345), 0xE8E9D52E8EB93652),
        (7, ("ünïcode, and longer than eight bytes",), 0x22FFAAD300F8EA97),
    ],
)
def test_frozen_keys(seed: int, stream: tuple[int | str, ...], expected: int) -> None:
    assert random.key(seed, *stream) == expected


def test_frozen_numbers() -> None:
    key = random.key(2024, "frozen")
    assert digest(random.bits(key, 5, 10_000)) == "32b8aa31eeeb89a1"
    assert digest(random.bits(key, 2**32 - 100, 100)) == "3b7b3a0981b637c3"
    assert digest(random.uniform(key, (100, 100))) == "2fb88d3674aa489f"
    assert digest(random.uniform(key, (100, 100), np.float32)) == "8d3240b3e9964271"
    assert digest(random.normal(key, (100, 100))) == "b2faffb4aeed24cf"
    assert digest(random.normal(key, (100, 100), np.float32)) == "ea68ee36077c3774"
    assert digest(random.permutation(key, 10_000)) == "a4b169f1e2578d3d"
    assert digest(random.integers(key, -5, 2**32 - 5, (10_000,))) == "340df9c78e32bcdc"
    assert digest(random.mask(key, np.arange(100) * 10**15, 100, 0.7)) == "da3cd87e059c1117"


# --- the published recipe, in plain integers ----------------------------------------------------------


def plain_mix32(x: int) -> int:
    x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
    x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
    return x ^ (x >> 16)


def plain_word(key: int, counter: int) -> int:
    low, high = key % 2**32, key >> 32
    return plain_mix32(plain_mix32((counter * 0x9E3779B9 + low) % 2**32) ^ high)


@given(key=WORD64, start=st.integers(0, 2**32 - 4))
def test_bits_follow_the_published_recipe(key: int, start: int) -> None:
    assert random.bits(key, start, 4).tolist() == [plain_word(key, start + n) for n in range(4)]


@given(key=WORD64)
def test_uniform_numbers_are_the_upper_bits_exactly(key: int) -> None:
    words = [plain_word(key, n) for n in range(6)]
    single = random.uniform(key, 6, np.float32)
    assert single.dtype == np.float32
    assert single.tolist() == [(word >> 8) * 2.0**-24 for word in words]
    double = [((words[n + 1] << 32 | words[n]) >> 11) * 2.0**-53 for n in (0, 2, 4)]
    assert random.uniform(key, 3).tolist() == double


@given(key=WORD64, low=st.integers(-(2**63), 2**63 - 2**32), span=st.integers(1, 2**32))
def test_integers_are_the_scaled_64_bit_words_exactly(key: int, low: int, span: int) -> None:
    words = [plain_word(key, n + 1) << 32 | plain_word(key, n) for n in (0, 2, 4)]
    assert random.integers(key, low, low + span, 3).tolist() == [low + (word * span >> 64) for word in words]


@given(
    seed=WORD64,
    images=st.lists(st.integers(0, 2**63 - 1), max_size=4),
    keep=st.floats(0.0, 1.0),
)
def test_a_mask_is_addressed_by_image_and_element(seed: int, images: list[int], keep: float) -> None:
    mask = random.mask(random.key(seed, "drop"), images, 5, keep)
    assert mask.shape == (len(images), 5)
    assert mask.dtype == np.bool_
    for row, image in zip(mask, images, strict=True):
        words = random.bits(random.key(seed, "drop", image), 0, 5).tolist()
        assert row.tolist() == [word >> 8 < math.ceil(keep * 2**24) for word in words]


# --- structure ----------------------------------------------------------------------------------------


def test_keys_of_different_streams_differ() -> None:
    names: list[int | str] = [0, 1, 2**64 - 1, "", "a", "b", "ab", "a\0", "conv1.weight", "conv1.bias"]
    streams = [stream for length in range(4) for stream in itertools.product(names, repeat=length)]
    assert len({random.key(seed, *stream) for seed in (0, 1) for stream in streams}) == 2 * len(streams)


def test_numpy_integers_are_seeds_too() -> None:
    assert random.key(3, np.int64(4)) == random.key(3, 4)


@given(key=WORD64, start=st.integers(0, 2**31), first=st.integers(0, 50), second=st.integers(0, 50))
def test_a_stream_can_be_drawn_in_pieces(key: int, start: int, first: int, second: int) -> None:
    pieces = [random.bits(key, start, first), random.bits(key, start + first, second)]
    np.testing.assert_array_equal(np.concatenate(pieces), random.bits(key, start, first + second))


@given(key=WORD64, n=st.integers(0, 200))
def test_a_permutation_holds_each_number_once(key: int, n: int) -> None:
    order = random.permutation(key, n)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_shapes_and_types() -> None:
    for draw in (random.uniform, random.normal):
        for dtype in (np.float32, np.float64):
            assert draw(1, (2, 3), dtype).shape == (2, 3)
            assert draw(1, (), dtype).shape == ()
            assert draw(1, (3, 0), dtype).shape == (3, 0)
            assert draw(1, 4, dtype).dtype == dtype
    np.testing.assert_array_equal(random.normal(1, 9, np.float32), random.normal(1, 9).astype(np.float32))
    assert random.integers(1, 0, 5, (2, 2)).dtype == np.int64


# --- elementary functions -----------------------------------------------------------------------------


def test_the_logarithm_is_right_to_two_units_in_the_last_place() -> None:
    x = np.concatenate(
        [1.0 - random.uniform(1, 500), 2.0 ** -np.arange(54.0), [1.0, 1.0 - 2.0**-53, 0.5**0.5]]
    )
    with localcontext() as context:
        context.prec = 40
        exact = [Decimal(value).ln() for value in x.tolist()]
    for got, want in zip(random._log(x).tolist(), exact, strict=True):
        assert abs(Decimal(got) - want) <= 2 * Decimal(float(np.spacing(max(1.0, abs(float(want))))))


def test_the_cosine_is_right_to_1e_15() -> None:
    u = np.concatenate([random.uniform(2, 10_000), np.arange(8) / 8, [1.0 - 2.0**-53]])
    exact = np.cos(2 * np.pi * np.where(u > 0.5, 1.0 - u, u))
    np.testing.assert_allclose(random._cos_turns(u), exact, rtol=0, atol=1e-15)


# --- distributions (fixed seeds: these can't fail by chance) -------------------------------------------

COUNT = 200_000


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_uniform_and_uncorrelated(seed: int, dtype: type) -> None:
    u = random.uniform(random.key(seed, "uniform"), COUNT, dtype).astype(np.float64)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 0.01
    for lag in (1, 2, 64):
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) < 4 / math.sqrt(COUNT)


@pytest.mark.parametrize("seed", range(3))
def test_normal_numbers_are_normal_and_uncorrelated(seed: int) -> None:
    z = random.normal(random.key(seed, "normal"), COUNT)
    assert stats.kstest(z, "norm").pvalue > 0.01
    deviations = [1.0, math.sqrt(2.0), math.sqrt(15.0), math.sqrt(96.0)]  # of z, z^2, z^3, z^4
    for power, (moment, deviation) in enumerate(zip([0.0, 1.0, 0.0, 3.0], deviations, strict=True), start=1):
        assert abs(np.mean(z**power) - moment) < 4 * deviation / math.sqrt(COUNT)
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4 / math.sqrt(COUNT)
    assert np.abs(z).max() < 8.6


def test_neighbouring_streams_are_uncorrelated() -> None:
    rows = np.stack([random.uniform(random.key(5, n), 5_000) for n in range(50)])
    off_diagonal = np.corrcoef(rows)[np.triu_indices(50, 1)]
    assert stats.kstest(off_diagonal * math.sqrt(5_000), "norm").pvalue > 0.01


def test_each_bit_of_key_and_counter_reaches_each_bit_of_the_word() -> None:
    keys = np.array([random.key(6)], np.uint64)
    counter = np.arange(2**14, dtype=np.uint32)
    word = random._word(keys, counter)
    flipped = [random._word(keys ^ np.uint64(2**bit), counter) for bit in range(64)]
    flipped += [random._word(keys, counter ^ np.uint32(2**bit)) for bit in range(32)]
    for other in flipped:
        share = np.unpackbits((word ^ other).view(np.uint8).reshape(-1, 4), axis=1).mean(axis=0)
        np.testing.assert_allclose(share, 0.5, atol=0.025)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_mask_keeps_the_share_asked_for(keep: float) -> None:
    mask = random.mask(random.key(8), np.arange(300), 400, keep)
    spread = math.sqrt(keep * (1 - keep))
    assert abs(mask.mean() - keep) < 4 * spread / math.sqrt(mask.size)
    assert np.abs(mask.mean(axis=0) - keep).max() < 5 * spread / math.sqrt(300)
    assert np.abs(mask.mean(axis=1) - keep).max() < 5 * spread / math.sqrt(400)


def test_a_mask_can_keep_all_or_nothing() -> None:
    assert random.mask(1, [0, 1], 1000, 1.0).all()
    assert not random.mask(1, [0, 1], 1000, 0.0).any()


def test_integers_and_permutations_are_even() -> None:
    counts = np.bincount(random.integers(random.key(9), 0, 7, COUNT), minlength=7)
    assert stats.chisquare(counts).pvalue > 0.01
    orders = [tuple(random.permutation(random.key(10, n), 3).tolist()) for n in range(3_000)]
    times = [orders.count(order) for order in itertools.permutations(range(3))]
    assert stats.chisquare(times).pvalue > 0.01


# --- wrong use ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match=str(seed)):
        random.key(seed)
    with pytest.raises(UsageError, match=str(seed)):
        random.key(0, "name", seed)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="positions 0 to"):
        random.bits(0, 2**32 - 1, 2)
    with pytest.raises(UsageError, match="positions 0 to"):
        random.bits(0, -1, 2)
    with pytest.raises(UsageError, match="float16"):
        random.uniform(0, 2, np.float16)
    with pytest.raises(UsageError, match="int64"):
        random.normal(0, 2, np.int64)
    with pytest.raises(UsageError, match="shape"):
        random.normal(0, (2, -1))
    with pytest.raises(UsageError, match="5 to 5"):
        random.integers(0, 5, 5, 1)
    with pytest.raises(UsageError, match="range"):
        random.integers(0, 0, 2**32 + 1, 1)
    with pytest.raises(UsageError, match="keep is 1"):
        random.mask(0, [0], 1, 1.5)
    with pytest.raises(UsageError, match="at least 0"):
        random.mask(0, [-1], 1, 0.5)
    with pytest.raises(UsageError, match="elements"):
        random.mask(0, [1], -1, 0.5)
