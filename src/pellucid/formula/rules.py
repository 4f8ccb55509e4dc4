"""The closed list of rules by which gradients are derived, and the record of their use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pellucid.formula.expression import Equation, Expr, Read

__all__ = ["RULES", "Recorder", "Rule", "Step"]


@dataclass(frozen=True)
class Rule:
    """One way of rewriting an equation that keeps its value.

    Attributes:
        name: how derivations refer to it.
        reason: why it holds, one sentence.
    """

    name: str
    reason: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("chain", "the loss depends on the operand through all elements of each tensor computed from it"),
        Rule("definition", "each of these tensors is what its equation says"),
        Rule("constant", "what does not contain the operand has derivative 0"),
        Rule("sum", "the derivative of a sum is the sum of the derivatives"),
        Rule("product", "in a product, each factor is differentiated in turn while the others stay"),
        Rule("power", "the derivative of a power lowers its exponent by one"),
        Rule("function", "the derivative of f(a) is the derivative of f at a, times the derivative of a"),
        Rule("maximum", "only the first element that attains the maximum passes its derivative on"),
        Rule("cases", "in each case of a distinction, only that case's value is differentiated"),
        Rule("shift", "the result does not depend on the shift, so nothing flows through it"),
        Rule("element", "an element depends on itself with derivative 1 and on no other element"),
        Rule("expand", "products are distributed over the sums that hold derivatives, and sums are joined"),
        Rule(
            "sift",
            "a sum over an index that a delta fixes has one term, or none where no whole index in range fits",
        ),
        Rule("split", "a quotient or remainder is fixed by the index up to the digit that it drops"),
        Rule("compare", "an equation of indices that cannot be solved for one letter stays as a condition"),
        Rule("outside", "a factor that does not depend on the summed index is taken out of the sum"),
        Rule("substitute", "the gradient of an intermediate result is put in"),
        Rule("assumption", "a stated fact about the operands is used"),
        Rule("recognise", "an expression that the forward pass has already computed is read instead"),
        Rule(
            "cancel",
            "a value divided by itself is 1: where it is 0, the derivative has no value or this is its limit",
        ),
        Rule("collect", "equal terms are added and common factors are taken out"),
        Rule("numbers", "sizes and constants become numbers, and conditions that always hold are dropped"),
        Rule("unit", "what is multiplied or divided by 1 stays as it is"),
        Rule("padding", "a gradient that counts as 0 beyond its edges needs no range conditions"),
        Rule("reverse", "a sum over a window may as well be taken from the window's end"),
        Rule("residue", "among all values of the window index exactly one leaves no remainder"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One rewriting: `before` and `after` have the same value by `rule`."""

    rule: Rule
    before: Equation
    after: Equation


@dataclass
class Recorder:
    """An equation that is being rewritten, with every step so far."""

    target: Read
    value: Expr
    steps: list[Step] = field(default_factory=list)

    def rewrite(self, rule: str, value: Expr) -> bool:
        """Takes the new right side; False if it is the old one."""
        if value.key == self.value.key:
            return False
        self.steps.append(Step(RULES[rule], Equation(self.target, self.value), Equation(self.target, value)))
        self.value = value
        return True

    def apply(self, rule: str, rewriting: Callable[[Expr], Expr]) -> bool:
        return self.rewrite(rule, rewriting(self.value))
