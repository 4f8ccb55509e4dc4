"""Schedules against their formulas, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.training.schedule import SCHEDULES, Constant, Cosine, OneCycle, Step, schedule


def test_constant():
    assert Constant().rates(0.5, 3, 2).tolist() == [0.5] * 6


def test_step_falls_after_whole_epochs():
    wanted = [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01]
    assert Step(every=2, factor=0.1).rates(1.0, 5, 2) == pytest.approx(wanted)


def test_cosine():
    wanted = [0.2 + 0.8 * (1 + math.cos(math.pi * s / 12)) / 2 for s in range(12)]
    assert Cosine(floor=0.2).rates(3.0, 4, 3) == pytest.approx([3 * w for w in wanted])


def test_one_cycle_is_pytorchs():
    """Phases that end at 0.3 * 20 - 1 = 5 and at 19, between rates of 1/25, 1 and 1/25/10^4."""

    def between(a, b, share):
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    low, last = 1 / 25, 1 / 25 / 1e4
    wanted = [between(low, 1, s / 5) if s <= 5 else between(1, last, (s - 5) / 14) for s in range(20)]
    assert OneCycle().rates(1.0, 4, 5) == pytest.approx(wanted)


@pytest.mark.parametrize("kind", SCHEDULES.values())
def test_a_warm_up_rises_evenly_before_the_schedule_begins(kind):
    warm, cold = kind(warmup=1.5).rates(2.0, 5, 4), kind().factors(14, 4)
    assert warm[:6] == pytest.approx([2 * s / 6 for s in range(1, 7)])
    assert warm[6:] == pytest.approx(2 * cold)


@pytest.mark.parametrize("epochs", [0, 1, 2])
@pytest.mark.parametrize("kind", SCHEDULES.values())
def test_short_trainings_have_a_rate_for_each_step(kind, epochs):
    for warmup in (0.0, 0.4, 10.0):
        rates = kind(warmup=warmup).rates(0.1, epochs, 1)
        assert rates.shape == (epochs,)
        assert np.isfinite(rates).all()
        assert (rates > 0).all()
        assert (rates <= 0.1).all()


@pytest.mark.parametrize("kind", SCHEDULES)
def test_options_give_back_the_same_schedule(kind):
    one = schedule(kind, warmup=2)
    assert schedule(one.options()) == one


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: schedule("no"), "there is no schedule 'no'; there are constant, step, cosine, one-cycle"),
        (lambda: Constant(warmup=-1), "a warm-up takes 0 epochs or more, not -1"),
        (lambda: Cosine(floor=2), "the floor of a cosine schedule is a share from 0 to 1, not 2"),
        (lambda: OneCycle(rise=-1), "the rise, start and end of a one-cycle schedule are shares from 0 to 1"),
        (
            lambda: Step(every=0),
            "a step schedule falls every 1 or more epochs by a factor of at most 1, not every 0 by 0.1",
        ),
    ],
)
def test_wrong_options(make, sentence):
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == sentence
