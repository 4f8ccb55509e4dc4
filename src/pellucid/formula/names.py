"""Names as a mathematician writes them: Greek letters, labels, primes; words stay upright words."""

from __future__ import annotations

import re

from pellucid.formula.boxes import Box, Fence, Row, Scripts, Symbol

__all__ = ["GREEK", "named"]

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
# [d] letter [label] ['...]: dx, w1, z_max, alpha'
SIMPLE = re.compile(rf"(d(?!elta))?([A-Za-z]|{'|'.join(GREEK)})(?:_?([0-9]+)|_([A-Za-z][A-Za-z0-9]*))?")


def named(name: str, indices: Box | None = None) -> Box:
    """The name of a tensor, constant, size or index letter, with its indices below."""
    plain = name.rstrip("'")
    primes = tuple(Symbol("′", "prime") for _ in name[len(plain) :])
    match = SIMPLE.fullmatch(plain)
    if match is None:
        return _scripted(Symbol(plain, "word"), indices, primes)
    differential, letter, number, word = match.groups()
    label = Symbol(number, "number") if number else Symbol(word, "word") if word else None
    base: Box = Symbol(GREEK.get(letter, letter), "letter")
    if label is None:
        box = _scripted(base, indices, primes)
    elif indices is None:
        box = _scripted(base, label, primes)
    else:  # below are the indices, so the label goes up
        box = _scripted(base, indices, (Fence("(", label, ")"), *primes))
    return Row((Symbol("d", "word"), box)) if differential else box


def _scripted(base: Box, below: Box | None, above: tuple[Box, ...]) -> Box:
    if below is None and not above:
        return base
    return Scripts(base, below, None if not above else above[0] if len(above) == 1 else Row(above))
