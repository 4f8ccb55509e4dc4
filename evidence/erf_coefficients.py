"""The Chebyshev coefficients of exp(x^2) erfc(x) that the compiler's erf uses, worked out in 80 digits."""

from __future__ import annotations

import sys
from decimal import Decimal, localcontext

from evidence import table
from pellucid.compiler.elementary import ERFC_FROM, ERFC_SCALED, ERFC_TO

DIGITS, NODES = 80, 64
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803")
# Of a coefficient: less than the last place of the sum, which is 0.09 and more, in float64.
MOST = 1e-17


def cosine(x: Decimal) -> Decimal:
    """By its series."""
    total = term = Decimal(1)
    for n in range(1, 100):
        term *= -x * x / (2 * n * (2 * n - 1))
        total += term
    return total


def scaled_erfc(x: Decimal) -> Decimal:
    """exp(x^2) erfc(x) = exp(x^2) - 2/sqrt(pi) (x + 2x^3/3 + 4x^5/15 + ...); loses 18 digits at most here."""
    total = term = x
    for n in range(1, 600):
        term *= 2 * x * x / (2 * n + 1)
        total += term
    return (x * x).exp() - 2 / PI.sqrt() * total


def coefficients(count: int) -> list[float]:
    """Of T0, T1, ... in t = (x - 2)/(x + 2), its interval brought to [-1, 1]."""
    low, high = ((Decimal(str(x)) - 2) / (Decimal(str(x)) + 2) for x in (ERFC_FROM, ERFC_TO))
    angles = [PI * (2 * k + 1) / (2 * NODES) for k in range(NODES)]
    places = [(low + high) / 2 + (high - low) / 2 * cosine(a) for a in angles]
    values = [scaled_erfc(2 * (1 + t) / (1 - t)) for t in places]
    found: list[float] = []
    for degree in range(count):
        turns = [cosine(a * degree % (2 * PI)) for a in angles]
        total = sum((v * c for v, c in zip(values, turns, strict=True)), Decimal(0))
        found.append(float(total * (1 if degree == 0 else 2) / NODES))
    return found


def main() -> int:
    """Compares; the exit code is 1 if a coefficient is not what the compiler has."""
    with localcontext(prec=DIGITS):
        found = coefficients(len(ERFC_SCALED))
    pairs = list(zip(ERFC_SCALED, found, strict=True))
    wrong = sum(abs(used - own) > MOST for used, own in pairs)
    table.write(
        "erf_coefficients",
        "Coefficients of erf",
        question=f"Chebyshev coefficients of exp(x^2) erfc(x), {ERFC_FROM} <= x <= {ERFC_TO}, in"
        f" t = (x - 2)/(x + 2) brought to [-1, 1]: those in the compiler, and from {NODES} nodes in {DIGITS}"
        " decimal digits.",
        counts={"coefficients": len(pairs), f"further apart than {MOST}": wrong},
        columns=("degree", "in the compiler", "worked out", "difference"),
        rows=[(n, repr(used), repr(own), f"{abs(used - own):.0e}") for n, (used, own) in enumerate(pairs)],
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
