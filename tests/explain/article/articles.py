"""Articles that several tests read, and a reader of pages that forgives nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

import pellucid as pl
from pellucid.explain.article import Article
from pellucid.network import Network

__all__ = ["NAMES", "Page", "article", "network", "read"]

VOID = {"meta", "link", "img", "wbr", "br", "hr", "input"}
UNFORESEEN = """
name = "unforeseen"
input_shape = [1, 8, 8]
loss = "SoftmaxCrossEntropy"

[[layer]]
type = "FormulaLayer"
formula = "z[n,k,i,j] = sum[u<3,v<3] w[k,u,v] * x[n,0,i+u,j+v] ; y[n,k,i,j] = tanh(z[n,k,i,j]) + b[k]"
parameters = { w = { axes = "k,u,v" }, b = { axes = "k", init = 0.1 } }
constants = { K = 3 }

[[layer]]
type = "FormulaLayer"
name = "energy"
formula = "y[n,k,i] = sqrt(1 + sum[j] x[n,k,i,j]^2)"

[[layer]]
type = "FormulaLayer"
formula = "s[n] = mean[k,i] x[n,k,i] ; y[n,m] = g * sum[k,i] v[m,k,i] * (x[n,k,i] - s[n])"
parameters = { v = { axes = "m,k,i" }, g = { axes = "", init = 1.0 } }
constants = { M = 4 }
"""


def _residual() -> Network:
    layers = [
        pl.Conv2D(3, 3, padding="same", name="stem"),
        pl.ReLU(name="bent"),
        pl.Conv2D(3, 3, padding=1, name="branch"),
        pl.Add(inputs=("branch", "stem")),
        pl.MaxPool2D(3, stride=2, padding=1),
        pl.Flatten("HWC"),
        pl.Dense(4),
    ]
    return Network(layers, (2, 7, 6), pl.SoftmaxCrossEntropy(label_smoothing=0.1), name="residual")


def _regression() -> Network:
    layers = [pl.Dense(3, name="a"), pl.Sigmoid(), pl.Dense(3, shares="a"), pl.SiLU(), pl.Dense(2)]
    return Network(layers, (3,), pl.MeanSquaredError(), name="regression & <more>")


def _unfinished() -> Network:
    return Network([pl.AveragePool2D(2), pl.Softmax()], (2, 4, 4), name="no_loss")


MADE = {"residual": _residual, "regression": _regression, "no-loss": _unfinished}
NAMES = (*pl.zoo.names(), "unforeseen", *MADE)


@cache
def network(name: str) -> Network:
    """One of the zoo's, or one with branches, of formulas, with shared parameters, or without a loss."""
    if name == "unforeseen":
        from pellucid.network_file import parse_network

        return parse_network(UNFORESEEN, "unforeseen.toml")
    return MADE[name]() if name in MADE else pl.zoo.load(name)


@cache
def article(name: str) -> Article:
    """Its article, made once for all tests."""
    return network(name).article()


@dataclass
class Page(HTMLParser):
    """What stands in a page; an element that is not closed, or closed twice, is an error."""

    open: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href"):
                self.links.append(value or "")
            elif name in ("src", "srcset", "data", "action", "poster"):
                self.sources.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID, tag
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & {*self.open}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words that are seen, with single blanks."""
        return " ".join("".join(self.words).split())


@cache
def read(name: str) -> Page:
    """The page of an article, read."""
    page = Page()
    page.feed(article(name).html())
    page.close()
    assert not page.open, page.open
    return page
