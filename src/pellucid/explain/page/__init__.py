"""The parts of an article's page on which one clicks: pictures of tensors, the data behind them, the script.

A page shows each tensor with `figure`, holds `data` once, `style` in its head, `panel` at the end of its body
and `script` behind it.  It needs nothing else, from nowhere.
"""

from pellucid.explain.page.assets import panel, script, style
from pellucid.explain.page.data import data
from pellucid.explain.page.figure import figure

__all__ = ["data", "figure", "panel", "script", "style"]
