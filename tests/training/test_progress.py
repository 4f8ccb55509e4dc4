"""The bar: on terminals only, or where it is asked for."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pellucid.training import ProgressBar, train
from tests.networks import small_network
from tests.training.samples import blobs

DATA = blobs(30)
SHOW_CURSOR, GONE = "\x1b[?25h", "\x1b[2K"


def test_nothing_is_drawn_where_there_is_no_terminal(capsys):
    train(small_network(), DATA, epochs=2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_it_is_drawn_when_it_is_asked_for(capsys):
    train(small_network(), DATA, epochs=2, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 2/2" in captured.err


def test_a_terminal_sees_epoch_loss_and_speed():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    bar = ProgressBar(console=console)
    model = train(small_network(), DATA, epochs=3, callbacks=[bar], progress=False)
    drawn = stream.getvalue()
    assert "epoch 3/3" in drawn
    assert f"loss {model.history[-1]['loss']:.4f}" in drawn
    assert "images/s" in drawn
    assert drawn.endswith(GONE)
    assert SHOW_CURSOR in drawn


def test_it_ends_with_a_training_that_fails():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)

    class Fails(ProgressBar):
        def on_epoch_end(self, row):
            raise RuntimeError("fails")

    with pytest.raises(RuntimeError, match="fails"):
        train(small_network(), DATA, callbacks=[Fails(console=console)], progress=False)
    assert SHOW_CURSOR in stream.getvalue()
