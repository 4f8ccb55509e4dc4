"""The article of each seed's network, trained for a moment on real images, with the seed's formulas in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from evidence.seeds.matching import exact, layer_of
from evidence.seeds.record import Said, Seed
from pellucid.data import ImageSet, fetch, load
from pellucid.errors import NotFoundError
from pellucid.explain.article import Article
from pellucid.explain.article.content import Display, Section
from pellucid.formula.expression import Compare, Equation
from pellucid.training.train import train

__all__ = ["build_article", "printed", "unprinted"]

# A moment of training: enough that filters and gradients show something.
IMAGES = 10_000
SETS = {1: "mnist", 3: "cifar10"}


def build_article(seed: Seed, folder: Path) -> tuple[Path, list[Said]]:
    """Trains the seed's network, saves the model and writes its article.

    Returns:
        The page's path, and those of the seed's formulas that are not in the section where they should be.

    Raises:
        ResourceError: images that are neither there nor to be fetched.
    """
    images, test = _images(SETS[seed.network.input_shape[0]])
    model = train(seed.network, images.take(range(IMAGES)), epochs=1, progress=False)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / f"seed-{seed.number}.safetensors")
    article = model.article(test.images[:1], test.labels[:1])
    path = folder / f"seed-{seed.number}.html"
    article.write(path)
    return path, unprinted(article, seed)


def _images(name: str) -> tuple[ImageSet, ImageSet]:
    """Images to learn from and to show; fetched if they are not there."""
    try:
        found = load(name)
    except NotFoundError:
        fetch(name)
        found = load(name)
    assert found.test is not None
    return found.train, found.test


def unprinted(article: Article, seed: Seed) -> list[Said]:
    """The seed's formulas whose equations are not in their sections of the article."""
    return [said for said in seed.formulas if not _is_printed(article, said, seed)]


def _is_printed(article: Article, said: Said, seed: Seed) -> bool:
    title, name = said.where.section(layer_of(said, seed))
    if not title:
        return True  # the seed's own, and no part of the network
    equation = exact(said, seed)
    sections = [s for s in article.sections if s.title == title]
    if name:
        sections = [s for section in sections for s in _about(section, name)]
    there = {repr(item) for section in sections for item in printed(section)}
    return bool(there & {repr(equation), repr(equation.value)})


def _about(section: Section, name: str) -> Iterator[Section]:
    """The sections inside that are about a value, or about the layer of a parameter."""
    for inner in section.sections:
        if inner.code in (name, name.partition(".")[0]):
            yield inner
        yield from _about(inner, name)


def printed(part: object) -> Iterator[object]:
    """Everything that stands as mathematics on lines of its own, equations also as their right sides."""
    if isinstance(part, Display):
        yield part.item
        if isinstance(part.item, Equation):
            yield part.item.value
        elif isinstance(part.item, Compare):  # a derivative and what it is
            yield part.item.right
    elif isinstance(part, tuple):
        for each in part:
            yield from printed(each)
    elif is_dataclass(part):
        for field in fields(part):
            yield from printed(getattr(part, field.name))
