"""How Sphinx makes the site: `make site`."""

from __future__ import annotations

import re
from inspect import isclass, ismodule
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sklearn.base import BaseEstimator
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import pellucid
from pellucid.training import Optimiser, Schedule

project = "pellucid"
author = "the pellucid authors"
release = pellucid.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["conf.py"]

html_theme = "furo"
html_title = "pellucid"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sourcelink = False
html_math_renderer = "mathml"

# The pages are read on other sites too, whose anchors are made from headings in the same way.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
pygments_style, pygments_dark_style = "default", "github-dark"

# A name between single backquotes in a docstring is code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar = napoleon_attr_annotations = False
python_maximum_signature_line_length = 110
python_use_unqualified_type_names = True


def _write(self: HTML5Translator, node: nodes.Element, *, block: bool) -> None:
    """Formulas as MathML, which browsers set themselves, also without a network."""
    self.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def _inline(self: HTML5Translator, node: nodes.Element) -> None:
    _write(self, node, block=False)


def _displayed(self: HTML5Translator, node: nodes.Element) -> None:
    _write(self, node, block=True)


# Kinds of classes whose members are those of the class that they derive from.
ALIKE = (pellucid.Layer, pellucid.Loss, pellucid.PellucidError, Optimiser, Schedule)
REFERENCE = re.compile(r"^```\{public\} (.+)\n```$", re.MULTILINE)


def _entry(name: str, value: object) -> str:
    """What autodoc is asked for."""
    if not isclass(value):
        return f".. autofunction:: {name}\n"
    if any(issubclass(value, kind) and value is not kind for kind in ALIKE):
        return f".. autoclass:: {name}\n"
    inherited = "   :inherited-members: ClassifierMixin, RegressorMixin, BaseEstimator\n"
    return f".. autoclass:: {name}\n   :members:\n" + (inherited if issubclass(value, BaseEstimator) else "")


def _public(module: str) -> str:
    """The entries of all public names that come from a module, or from one below it."""
    found = {name: getattr(pellucid, name) for name in pellucid.__all__ if name != "__version__"}
    home = found.get(module.removeprefix("pellucid."))
    if ismodule(home):
        rest = {name: getattr(home, name) for name in home.__all__}
        rest = {name: value for name, value in rest.items() if value is not found.get(name)}
        return "\n".join(_entry(f"{module}.{name}", value) for name, value in rest.items())
    places = {name: getattr(value, "__module__", "") for name, value in found.items()}
    names = [name for name, place in places.items() if f"{place}.".startswith(f"{module}.")]
    return "\n".join(_entry(f"pellucid.{name}", found[name]) for name in names)


def _listed(app: Sphinx, page: str, source: list[str]) -> None:
    """Puts the public names where a page of the reference asks for those of some modules."""

    def entries(found: re.Match[str]) -> str:
        return "```{eval-rst}\n" + "\n".join(map(_public, found[1].split())) + "\n```"

    source[0] = REFERENCE.sub(entries, source[0])


def _left_out(app: Sphinx, what: str, name: str, value: object, skip: bool, options: Any) -> bool | None:
    """Methods that scikit-learn adds to each estimator for the routing of metadata."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.connect("source-read", _listed)
    app.connect("autodoc-skip-member", _left_out)
    return {"parallel_read_safe": True}
