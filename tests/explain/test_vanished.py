"""Terms that vanish: which they are, and that the reason is the right one, against loops written by hand."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np

from pellucid.explain import Explanation
from pellucid.layers import Conv2D, LeakyReLU, MaxPool2D, ReLU
from pellucid.network import Network
from tests.explain.numbers import run_of


def kinds(found: Explanation) -> Counter[str]:
    return Counter({v.kind: v.count for v in found.vanished})


def reasons(found: Explanation) -> dict[tuple[int, ...], str]:
    """The kind of reason by the values of the letters that are summed over."""
    return {tuple(t.letters.values()): v.kind for v in found.vanished for t in v.terms}


def test_padding_of_a_convolution() -> None:
    stride, padding, dilation = 2, 1, 2
    net = Network([Conv2D(2, 3, stride=stride, padding=padding, dilation=dilation, bias=False)], (2, 6, 7))
    run = run_of(net)
    _, _, rows, columns = run["conv1"].shape
    for i, j in product(range(rows), range(columns)):
        found = run.explain(f"conv1[1,1,{i},{j}]", most=None)
        expected = {}
        for c, u, v in product(range(2), range(3), range(3)):
            h, o = stride * i + dilation * u - padding, stride * j + dilation * v - padding
            if not (0 <= h < 6 and 0 <= o < 7):
                expected[c, u, v] = "padding"
        assert reasons(found) == expected
        for term in found.terms:
            c, u, v = term.letters.values()
            h, o = stride * i + dilation * u - padding, stride * j + dilation * v - padding
            weight, pixel = run["conv1.weight"][1, c, u, v], run["input"][1, c, h, o]
            assert term.value == float(weight) * float(pixel)
            assert {o.reference: o.value for o in term.operands} == {
                f"conv1.weight[1,{c},{u},{v}]": weight,
                f"input[1,{c},{h},{o}]": pixel,
            }


def test_stride_and_range_of_its_input_gradient() -> None:
    stride, padding = 2, 1
    run = run_of(Network([Conv2D(2, 3, stride=stride, padding=padding)], (1, 6, 7)))
    _, _, rows, columns = run["conv1"].shape
    for h, o in product(range(6), range(7)):
        found = run.explain(f"input.grad[0,0,{h},{o}]", most=None)
        expected = {}
        for k, u, v in product(range(2), range(3), range(3)):
            a, b = h + padding - u, o + padding - v
            if a % stride or b % stride:
                expected[k, u, v] = "stride"
            elif not (0 <= a < stride * rows and 0 <= b < stride * columns):
                expected[k, u, v] = "range"
        assert reasons(found) == expected
        assert len(found.terms) == 18 - len(expected)


def test_the_maximum_of_a_window_and_its_padding() -> None:
    run = run_of(Network([MaxPool2D(3, stride=2, padding=1)], (2, 5, 6)))
    x, (_, _, rows, columns) = run["input"], run["maxpool1"].shape
    for i, j in product(range(rows), range(columns)):
        found = run.explain(f"maxpool1[2,1,{i},{j}]", most=None)
        inside = {}
        for u, v in product(range(3), range(3)):
            h, o = 2 * i + u - 1, 2 * j + v - 1
            if 0 <= h < 5 and 0 <= o < 6:
                inside[u, v] = x[2, 1, h, o]
        best = max(inside, key=lambda place: inside[place])
        (term,) = found.terms
        assert tuple(term.letters.values()) == best
        assert kinds(found) == Counter(padding=9 - len(inside), maximum=len(inside) - 1)
        position = run.explain(f"maxpool1:y_at[2,1,{i},{j}]")
        assert position.total == 3 * best[0] + best[1] == position.stored


def test_what_a_maximum_passes_back() -> None:
    run = run_of(Network([MaxPool2D(2)], (1, 5, 4)))  # the last row is in no window
    x = run["input"]
    for h, o in product(range(5), range(4)):
        found = run.explain(f"input.grad[0,0,{h},{o}]", most=None)
        window = x[0, 0, 2 * (h // 2) : 2 * (h // 2) + 2, 2 * (o // 2) : 2 * (o // 2) + 2]
        if h == 4:
            assert kinds(found) == Counter(stride=3, range=1)
        elif x[0, 0, h, o] == window.max():
            assert kinds(found) == Counter(stride=3)
            assert [t.text for t in found.terms] == [f"maxpool1.grad[0,0,{h // 2},{o // 2}]"]
        else:
            assert kinds(found) == Counter(stride=3, maximum=1)


def test_equal_elements_of_a_window() -> None:
    net = Network([MaxPool2D(2)], (1, 2, 2))
    run = net.run(np.ones((1, 1, 2, 2)), upstream={"maxpool1": np.ones((1, 1, 1, 1))})
    (lost,) = run.explain("maxpool1[0,0,0,0]").vanished
    assert {t.reason for t in lost.terms} == {"1 is the largest too, but another was found first"}
    assert [use.vanishes for use in run.uses("input[0,0,0,0]").uses] == [""]
    assert [use.vanishes for use in run.uses("input[0,0,1,1]").uses] == [*{t.reason for t in lost.terms}]
    reason = run.explain("input.grad[0,0,1,1]").vanished[-1].terms[0].reason
    assert reason == "the one that was chosen has position 0 in its window, and this one has 3"


def test_what_relu_blocks() -> None:
    run = run_of(Network([ReLU()], (9,)))
    for d in range(9):
        x, forward, back = run["input"][0, d], run.explain(f"relu1[0,{d}]"), run.explain(f"input.grad[0,{d}]")
        for found in (forward, back):
            assert kinds(found) == (Counter() if x > 0 else Counter(condition=1))
            if x <= 0:
                (lost,) = found.vanished[0].terms
                assert lost.reason == f"input[0,{d}] > 0 does not hold, as input[0,{d}] = {float(x):.6g}"
                assert f"input[0,{d}]" in [o.reference for o in lost.operands]


def test_one_case_of_a_distinction_counts() -> None:
    run = run_of(Network([LeakyReLU(0.25)], (9,)))
    for d in range(9):
        found = run.explain(f"leakyrelu1[0,{d}]")
        (term,) = found.terms
        assert term.text == f"input[0,{d}]" if run["input"][0, d] > 0 else f"slope*input[0,{d}]"
        assert kinds(found) == Counter(condition=1)


def test_factors_that_are_zero() -> None:
    net = Network([Conv2D(1, 2, bias=False)], (1, 2, 2))
    weight = np.array([[[[1.0, 0.0], [2.0, 3.0]]]])
    run = net.run(np.array([[[[4.0, 5.0], [0.0, 6.0]]]]), parameters={"conv1.weight": weight})
    (lost,) = run.explain("conv1[0,0,0,0]").vanished
    assert [t.reason for t in lost.terms] == ["conv1.weight[0,0,0,1] is 0", "input[0,0,1,0] is 0"]


def test_as_many_as_there_are_may_be_asked_for() -> None:
    run = run_of(Network([Conv2D(2, 3, padding=1)], (2, 4, 4)))
    every = run.explain("conv1[0,0,0,0]", most=None)
    assert kinds(every)["padding"] == 10
    assert reasons(run.explain("conv1[0,0,0,0]", most=10**30)) == reasons(every)
