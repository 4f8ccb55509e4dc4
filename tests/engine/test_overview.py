"""What a notebook shows of a run."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from pellucid.layers import Dense, ReLU
from pellucid.network import Network


def test_a_run_shows_its_values_and_the_gradients_that_it_has() -> None:
    net = Network([Dense(2, bias=False), ReLU()], (3,), name="tiny & plain")
    weight = np.array([[1.0, 2.0, 3.0], [-4.0, 0.0, 0.5]])
    run = net.run(np.ones((1, 3)), parameters={"dense1.weight": weight}, upstream={"relu1": np.ones((1, 2))})
    assert repr(run) == "<Run of 'tiny & plain': 1 image, float32>"
    table = ElementTree.fromstring(run._repr_html_())
    rows = {r[0].text: [c.text for c in r[1:]] for r in table.iter("tr") if r[0].tag == "td"}
    assert list(rows) == ["input", "dense1.weight", "dense1", "relu1"]
    assert rows["dense1.weight"] == ["2 × 3", "-4", "0.4167", "3", "1"]
    assert rows["dense1"] == ["1 × 2", "-3.5", "1.25", "6", "1"]
    assert rows["input"][-1] is None  # no gradient of the input has been asked for
