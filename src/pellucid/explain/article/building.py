"""An article's content, from a network, its parameters and one image."""

from __future__ import annotations

from pellucid.engine.program import LOSS
from pellucid.explain.article.architecture import architecture
from pellucid.explain.article.backward import backward
from pellucid.explain.article.content import Section
from pellucid.explain.article.evidence import evidence
from pellucid.explain.article.forward import forward, loss
from pellucid.explain.article.subject import Subject
from pellucid.explain.article.update import update
from pellucid.explain.article.writing import Progress, Writing, parts
from pellucid.explain.sources import Sources
from pellucid.training.optimiser import Optimiser

__all__ = ["sections"]


def sections(
    subject: Subject, optimiser: Optimiser, rate: float, tell: Progress
) -> tuple[Writing, tuple[Section, ...]]:
    """All sections in order, and what was found out on the way."""
    tell("running the network", 0, 1)
    run = subject.run()
    writing = Writing(subject, run, Sources(run), tell)
    every = parts(subject.network)
    layers, last = [p for p in every if p.name != LOSS], [p for p in every if p.name == LOSS]
    found = [architecture(writing), forward(writing, layers), *(loss(writing, p) for p in last)]
    found += [backward(writing, every), update(writing, optimiser, rate), evidence(writing, every)]
    return writing, tuple(found)
