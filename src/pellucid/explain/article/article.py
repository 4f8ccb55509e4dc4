"""The article of a network, as HTML, LaTeX or Markdown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pellucid.data.source import printable
from pellucid.engine.run import Run
from pellucid.errors import UsageError, unknown
from pellucid.explain.article.building import sections
from pellucid.explain.article.content import Section
from pellucid.explain.article.subject import Subject, of_model, of_network
from pellucid.explain.article.writing import Progress
from pellucid.files import write_atomically
from pellucid.layers.options import is_number, is_whole
from pellucid.model import Model
from pellucid.network import Network
from pellucid.training.optimiser import Optimiser
from pellucid.training.optimiser import optimiser as chosen

__all__ = ["Article", "article_of", "form_of"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Article:
    """A network written out: its architecture, its equations and their gradients, with one image's numbers.

    Attributes:
        title: name of the network.
        notes: sentences that say what the numbers were computed from.
        sections: what it says.
        run: of the one image, from which its pictures are.
        classes: what each output stands for; may be empty.
        optimiser, rate: of the step of training that it shows.
    """

    title: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    run: Run
    classes: tuple[str, ...]
    optimiser: Optimiser
    rate: float

    def __repr__(self) -> str:
        return f"<Article of {self.title!r}: {', '.join(section.title for section in self.sections)}>"

    def html(self) -> str:
        """One page that needs nothing else, with mathematics, pictures, and numbers that one can follow."""
        from pellucid.explain.article.html import page

        return page(self)

    def latex(self) -> str:
        """A document for pdflatex."""
        from pellucid.explain.article.latex import document

        return document(self)

    def markdown(self) -> str:
        """Markdown as GitHub understands it: tables, and mathematics between dollar signs."""
        from pellucid.explain.article.markdown import text

        return text(self)

    def write(self, path: str | os.PathLike[str], form: str | None = None) -> None:
        """Writes the article to a file, atomically.

        Args:
            path: of the file.
            form: "html", "latex" or "markdown"; what the file's ending says (.html, .tex, .md), if not given.

        Raises:
            UsageError: another form or ending.
            ResourceError: the file cannot be written.
        """
        written = FORMS[form_of(path, form)](self)
        write_atomically(path, lambda file: file.write(written.encode("utf-8")))


FORMS: Mapping[str, Callable[[Article], str]] = {
    "html": Article.html,
    "latex": Article.latex,
    "markdown": Article.markdown,
}
ENDINGS = {".html": "html", ".htm": "html", ".tex": "latex", ".md": "markdown"}


def form_of(path: str | os.PathLike[str], form: str | None = None) -> str:
    """The form in which an article is written to a file.

    Raises:
        UsageError: neither the form nor the file's ending is one of those that there are.

    >>> form_of("net.tex"), form_of("net.txt", "markdown")
    ('latex', 'markdown')
    """
    if form is not None:
        if form not in FORMS:
            raise unknown("form", form, FORMS)
        return form
    suffix = Path(path).suffix.lower()
    if suffix not in ENDINGS:
        raise UsageError(
            f"{os.fspath(path)!r} does not say what to write: {', '.join(ENDINGS)} was expected at its end"
        )
    return ENDINGS[suffix]


def article_of(
    subject: Network | Model, parameters: Mapping[str, Array] | None = None, images: object = None,
    labels: object = None, *, rate: float | None = None, optimiser: object = "sgd", seed: int = 0,
    progress: Progress | None = None,
) -> Article:  # fmt: skip
    """The article; see `pellucid.network.Network.article` and `pellucid.model.Model.article`."""
    kind = chosen(optimiser)
    if rate is not None and (not is_number(rate) or rate < 0):
        raise UsageError(f"a learning rate is a number of at least 0, not {rate!r:.60}")
    if not is_whole(seed, 0):
        raise UsageError(f"seed is a whole number of at least 0, not {seed!r:.60}")
    given = _subject(subject, parameters, images, labels, seed)
    step = kind.rate if rate is None else float(rate)
    writing, found = sections(given, kind, step, progress or _silent)
    return Article(given.network.name, given.notes, found, writing.run, given.model.classes, kind, step)


def _subject(
    subject: Network | Model,
    parameters: Mapping[str, Array] | None,
    images: object,
    labels: object,
    seed: int,
) -> Subject:
    if isinstance(subject, Network):
        return of_network(subject, parameters, images, labels, seed)
    return of_model(subject, images, labels, seed, _training(subject))


def _training(model: Model) -> tuple[str, ...]:
    """How the parameters were trained, as far as the model says so."""
    if not model.history:
        return ()
    epochs = "one epoch" if len(model.history) == 1 else f"{len(model.history)} epochs"
    images = f" on the images {printable(str(model.metadata['data']))}" if "data" in model.metadata else ""
    return (f"Its parameters were trained for {epochs}{images}.",)


def _silent(what: str, done: int, total: int) -> None:
    """For those who do not want to be told."""
