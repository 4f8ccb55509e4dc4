"""The language read from text: what it means, where its errors point, and that no text is too much for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
    Compare,
    Delta,
    Divides,
    Equation,
    IndexValue,
    Mul,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    Within,
    free_letters,
    substitute,
    walk,
)
from pellucid.formula.index import Index, exact_quotient, flat, floor_quotient
from pellucid.formula.latex import latex
from pellucid.formula.mathml import mathml
from pellucid.formula.parse import Assumption, parse, parse_equation, parse_expression, parse_read
from tests.formula.strategies import equations

i, j, s = Index.of("i"), Index.of("j"), Index.of("s")
x = Read("x", (i,))


@pytest.mark.parametrize(
    ("source", "meaning"),
    [
        ("i", IndexValue(i)),
        ("2*i - 3 + J", IndexValue(2 * i - 3 + "J")),
        ("s", Read("s")),
        ("s*i", Mul((Read("s"), IndexValue(i)))),  # as a value, a constant may be any number
        ("(s*i)//2", IndexValue(floor_quotient(s * i, Index.of(2)))),
        ("x[(s*i + 1)/s]", Read("x", (exact_quotient(s * i + 1, s),))),
        ("x[(i,j)]", Read("x", (flat([i, j]),))),
        ("7//2", Num(3)),
        ("-7//2", Num(-4)),
        ("7%4", Num(3)),
        ("1/2", Num(1) / 2),
        (".5e1", Num(5.0)),
        ("5.", Num(5.0)),
        ("-x[i]^2", -(x**2)),
        ("x[i]^-2", x**-2),
        ("2^3^2", Num(512)),
        ("x[i]^t^2", Power(x, Power(Read("t"), Num(2)))),
        ("x[i]/2/t", x / 2 / Read("t")),
        ("x[i] - 2 - t", Add((x, Num(-2), -Read("t")))),
        ("sum[u] x[u]*t + 1", Reduce("sum", (Bound("u"),), Read("x", (Index.of("u"),)) * Read("t")) + 1),
        ("max[u<3, v<K] t", Reduce("max", (Bound("u", Index.of(3)), Bound("v", Index.of("K"))), Read("t"))),
        ("[i < J]", Where(Compare("<", IndexValue(i), IndexValue(Index.of("J"))), Num(1), Num(0))),
        ("[t < p]", Where(Compare("<", Read("t"), Read("p")), Num(1), Num(0))),
        ("delta(i, j + 1)", Delta(i, j + 1)),
        ("D*t", IndexValue(Index.of("D")) * Read("t")),  # the size of d, not a derivative
        ("delta[i]", Read("delta", (i,))),
    ],
)
def test_values_mean_what_they_say(source: str, meaning: object) -> None:
    assert parse_expression(source, "i,j") == meaning


@pytest.mark.parametrize(
    ("source", "meaning"),
    [
        ("0 <= i < I", Within(i, Index.of("I"))),
        ("s | i + 1", Divides(s, i + 1)),
        ("i < j < 3", And((Compare("<", IndexValue(i), IndexValue(j)), Compare("<", IndexValue(j), Num(3))))),
        ("not i == 3", Not(Compare("==", IndexValue(i), Num(3)))),
        ("s*i > p", Compare(">", IndexValue(s * i), IndexValue(Index.of("p")))),
        ("x[i] > p", Compare(">", x, Read("p"))),
        ("(i < 1)", Compare("<", IndexValue(i), Num(1))),
        ("((i) + 1) < (1)", Compare("<", IndexValue(i + 1), Num(1))),
        (
            "i < 1 or i < 2 and i < 3",
            Or((Compare("<", IndexValue(i), Num(1)),
                And((Compare("<", IndexValue(i), Num(2)), Compare("<", IndexValue(i), Num(3)))))),
        ),
        (
            "(i < 1 or i < 2) and i < 3",
            And((Or((Compare("<", IndexValue(i), Num(1)), Compare("<", IndexValue(i), Num(2)))),
                 Compare("<", IndexValue(i), Num(3)))),
        ),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_say(source: str, meaning: object) -> None:
    assert parse_expression(f"where({source}, t, 2)", "i,j") == Where(meaning, Read("t"), Num(2))  # type: ignore[arg-type]


def test_statements_end_with_their_line_and_go_on_in_brackets_and_after_operators() -> None:
    source = """
        # softmax, shifted
        shift m[n] = max[k] z[n,k]; e[n,k] = exp(z[n,k] -
            m[n])   # goes on
        assume sum[k] y[n,k] = 1\r
        p[n,k] = (e[n,k] /
                  sum[c] e[n,c]

        ) \\
          * 2;;
    """
    shift, e, fact, p = parse(source)
    assert isinstance(shift, Equation)
    assert shift.shift
    assert e == parse_equation("e[n,k] = exp(z[n,k] - m[n])")
    assert isinstance(fact, Assumption)
    assert str(fact) == "assume sum[k] y[n,k] = 1"
    assert p == parse_equation("p[n,k] = 2*(e[n,k]/sum[c] e[n,c])")


def test_dots_stand_for_the_letters_of_the_operand() -> None:
    assert parse_equation("y[...] = x[0,...]", ellipsis="h,l") == parse_equation("y[h,l] = x[0,h,l]")
    assert parse_equation("y[...] = relu(x[...])", ellipsis="n,c") == parse_equation("y[n,c] = relu(x[n,c])")
    assert parse_equation("t = sum[...] x[...]^2", ellipsis="n,c") == parse_equation("t = sum[n,c] x[n,c]^2")
    assert parse_equation("y[n,(...)] = x[n,...]", ellipsis="c,i") == parse_equation("y[n,(c,i)] = x[n,c,i]")


# The character that an error points at is the one behind the mark.
WRONG = [
    ("y[i] = x[i] §$", "unexpected character '$'"),
    ("y[i] = x[i] +§", "expected a number, a name or a bracket, found the end of the line"),
    ("y[i] = x[i§", "expected ']', found the end of the line"),
    ("y[i] = (x[i]§", "expected ')', found the end of the line"),
    ("y[i] = x[i] §x[j]", "expected an operator or the end of the line, found 'x'"),
    ("y[i] = 2§x[i]", "expected an operator or the end of the line, found 'x'"),
    ("y[i] §", "expected '=', found the end of the line"),
    ("y[i] §== x[i]", "expected '=', found '=='"),
    ("y[i] = x[i]; z = §)", "found ')'"),
    ("y[i] = x[i]\n  z = x[i]\n+ §)", "found ')'"),
    ("§y[i] + 1 = x[i]", "the left side of an equation is one tensor"),
    ("y[§2*i] = x[i]", "an index on the left side is a letter or a flattened index"),
    ("y[§I] = x[i]", "an index on the left side is a letter or a flattened index"),
    ("y[§3] = x[i]", "an index on the left side is a letter or a flattened index"),
    ("y[i,§(j,i)] = x[i]", "the letter 'i' stands twice on the left side"),
    ("§L = sum[i] x[i]", "'L' without indices is the size of the letter 'l'"),
    ("§exp[i] = x[i]", "'exp' is a word of the language"),
    ("§i[i] = x[i]", "'i' is both the tensor that is defined and an index letter"),
    ("y[i] = §i[0]", "'i' is both a tensor and an index letter in one equation"),
    ("y[i] = sum[u] §u[i]", "'u' is both a tensor and an index letter"),
    ("y[i] = t + §x[i]*x", "'x' is read both with and without"),
    ("y[i] = §foo(x[i])", "foo is not a function of the language; the functions are exp, log, sqrt"),
    ("y[i] = 1 + §max(x[i], 0)", "max is taken over index letters, as in max[u] x[u]"),
    ("y[i] = §exp(x[i], 2)", "exp takes 1 argument, not 2"),
    ("y[i] = §maximum(x[i])", "maximum takes 2 arguments, not 1"),
    ("y[i] = §exp", "'exp' is a word of the language, not a value"),
    ("y[i] = §where(i < 1, 2)", "where takes a condition and two values"),
    ("y[i] = where(x[i]§, 1, 2)", "expected a comparison such as < or =="),
    ("y[i] = [x[i] §and i < 2]", "expected a comparison such as < or =="),
    ("y[i] = (i §< 2)*x[i]", "a condition stands where a value is needed"),
    ("y[i] = §(i, j)*x[i]", "a flattened index holds index letters only"),
    ("y[i] = x[§(i, 2)]", "all but the first part of a flattened index are letters"),
    ("y[i] = x[§t[i]]", "an index is integer arithmetic"),
    ("y[i] = x[§1.5]", "an index is integer arithmetic"),
    ("y[i] = x[i//§0]", "an index is divided by 0"),
    ("y[i] = x[i%(§0 - s)]", "an index is divided by -s"),
    ("y[i] = §x[i] % 2", "// and % are for index expressions only"),
    ("y[i] = x[i]/§0", "division by the number 0"),
    ("y[i] = x[i]/(§i - i)", "division by the number 0"),
    ("y[i] = [x[i] §| i]", "an integer divides an index expression"),
    ("y[i] = §sum[i] x[i]", "the letter 'i' is already in use where sum binds it"),
    ("y[i] = sum[u] §sum[u] x[i]", "the letter 'u' is already in use where sum binds it"),
    ("y[i] = §sum[u,u] x[u]", "an index letter is bound twice"),
    ("y[i] = §sum[U] x[U]", "'U' cannot be an index letter"),
    ("y[i] = §max[u : u < 2] x[u]", "only a sum takes a condition, not max"),
    ("y[i] = x[§u] + sum[u] w[u]", "the letter 'u' stands outside the reduction that binds it"),
    ("y[i] = sum[u<§i + 1] w[u]", "number of values does not depend on the letter 'i'"),
    ("y[i] = sum[u<§u] w[u]", "the letter 'u' stands outside the reduction that binds it"),
    ("y[i] = x[§...]", "'...' stands for the letters of an operand"),
    ("y[i] = §D(x[i], 2)", "with respect to one element"),
    ("y[i] = §1e999", "a number is too large"),
    ("y[i] = §" + "9" * 400, "a number has more than 300 characters"),
    ("y[i] = x[§" + "9" * 40 + "]", "an index is too large"),
    ("y[i] = §1e300*1e300", "a number in a formula is too large"),
    ("y[i] =\tx[i]\t+ §€", "unexpected character '€'"),
    ("y[i] = " + "x[i] + " * 400 + "§€", "unexpected character '€'"),
    ("§²", "unexpected character '²'"),
    ("y[i] = x§\u200b[i]", "unexpected character"),
    ("y[i] = 1 §− 2", "unexpected character '−'"),
]


@pytest.mark.parametrize(("marked", "message"), WRONG)
def test_errors_point_at_the_character(marked: str, message: str) -> None:
    at = marked.index("§")
    source = marked.replace("§", "")
    with pytest.raises(FormulaError) as caught:
        parse(source)
    said, line, caret = str(caught.value).split("\n")
    assert message in said
    assert caret.strip() == "^"
    line_start = source.rfind("\n", 0, at) + 1
    shown_from = len(caret) - 5 - (at - line_start)  # a long line is shown in part
    assert shown_from == 0 or len(line) <= 184
    assert (line[len(caret) - 1 :] or " ")[0] == (re.sub(r"\s|\u200b", " ", source[at:]) or " ")[0]


@given(equations(), st.data(), st.sampled_from("$€@!~`\\&?{}\0²−é"))
@settings(max_examples=50)
def test_a_foreign_character_is_pointed_at_wherever_it_stands(
    equation: Equation, data: st.DataObject, foreign: str
) -> None:
    source = repr(equation)
    at = data.draw(st.integers(0, len(source)))
    assume(source[at - 1 : at] != ".")  # a name does not end with a dot either
    with pytest.raises(FormulaError, match="unexpected character") as caught:
        parse(source[:at] + foreign + source[at:])
    _, line, caret = str(caught.value).split("\n")
    assert len(caret) - 5 == min(at, 90)
    assert line[len(caret) - 1] == (foreign if foreign.isprintable() else " ")


WORDS = re.compile(r"[A-Za-z][\w.]*'*|[0-9.]+|<=|>=|==|!=|//|\S")


@given(equations(), st.data())
def test_damaged_text_is_an_error_or_another_formula(equation: Equation, data: st.DataObject) -> None:
    words = WORDS.findall(repr(equation))
    for _ in range(data.draw(st.integers(1, 3))):
        at, other = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
        words[at : at + data.draw(st.integers(0, 2))] = words[other : other + data.draw(st.integers(0, 2))]
        words = words or ["x"]
    try:
        statements = parse(" ".join(words))
    except FormulaError as error:
        pointed = re.search(r"\n +\^$", str(error)) or "at least one equation" in str(error)
        if not pointed:
            raise
    else:
        assert parse("\n".join(map(str, statements))) == statements


def many(words: str, count: int, joined: str = "") -> str:
    """The words repeated, each time with another number for ``#``."""
    return joined.join(words.replace("#", str(n)) for n in range(count))


ENDLESS = {
    "brackets": "(" * 90_000,
    "closed brackets": "(" * 5000 + "x" + ")" * 5000,
    "tests in brackets": "[" + "(" * 5000 + "i<1" + ")" * 5000 + "]",
    "tests of tests": "[((" * 5000 + "i<1" + "))<1]" * 5000,
    "signs": "-" * 90_000 + "x",
    "negations": "[" + "not " * 9000 + "i<1]",
    "powers": "x^" * 40_000 + "x",
    "functions": "exp(" * 9000 + "x" + ")" * 9000,
    "choices": "where(i<1, 2, " * 5000 + "x" + ")" * 5000,
    "sums": many("sum[u#] ", 8000) + "x",
    "index terms": "x[" + many("i#", 9000, "+") + "]",
    "index factors": "x[" + many("(i+1)", 9000, "*") + "]",
    "index polynomials": "x[" + many("(i+j+k+l)", 40, "*") + "]",
    "flattened letters": "x[(" + many("u#", 9000, ",") + ")]",
    "quotients": "x[" + "(" * 5000 + "i" + "//2+1)" * 5000 + "]",
    "arguments": "exp(" + many("u#", 9000, ",") + ")",
    "digits": "9" * 90_000,
    "big numbers": many("9" * 290, 300, "*"),
    "towers": "(" * 20 + "9.5" + "^64)" * 20,
    "characters": "x" * 100_001,
    "primes": "x[" + "'" * 90_000,
    "nothing": "\n" * 90_000,
    "ends": ";" * 90_000,
    "a comment": "#" * 90_000,
    "backslashes": "\\" * 90_000,
    "dots": "." * 90_000,
    "a surrogate": "x + \ud800",
    "a zero byte": "x\0",
    "a byte order mark": "x + \ufeffx",
    "an override": "x \u202e+ y",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_hostile_text_is_an_error(source: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_expression(source, "i,j")
    assert all(len(line) < 400 for line in str(caught.value).split("\n"))
    str(caught.value).encode()  # without half characters


LONG = {
    "terms": many("x#", 5000, "+"),
    "equal terms": many("x", 30_000, "+"),
    "factors": many("x#", 5000, "*"),
    "divisors": many("x#", 5000, "/"),
    "conditions": "[" + many("i<#", 1500, " and ") + "]",
    "alternatives": "[" + many("i<#", 1500, " or ") + "]",
    "comparisons": "[" + many("i", 5000, " < ") + "]",
    "letters": "sum[" + many("u#", 5000, ",") + "] x",
    "remainders": "x[" + "+".join(f"i%{n} + i//{n}" for n in range(2, 50)) + "]",
    "deep brackets": "(" * 38 + "x + y" + ")" * 38,
    "deep sums": many("sum[u# : u# < 3] -a#*", 18) + "x",
    "deep functions": "y*exp(y+" * 38 + "x" + ")" * 38,
    "deep conditions": "[" + "not " * 37 + "i<1]",
    "deep choices": "where(x<1, 2, " * 38 + "x" + ")" * 38,
    "deep quotients": "(" * 30 + "i" + "//2+1)" * 30,
}


@pytest.mark.parametrize("source", LONG.values(), ids=LONG)
def test_long_and_deep_text_within_the_bounds_is_read_written_and_rebuilt(source: str) -> None:
    expression = parse_expression(source, "i,j")
    assert parse_expression(repr(expression), "i,j") == expression
    assert free_letters(substitute(expression, {"i": j + 1})) <= free_letters(expression) | {"j"}
    assert len(list(walk(expression))) >= 1
    assert latex(expression)
    assert mathml(expression)
    hash(expression)


def test_what_is_read_is_one_thing() -> None:
    with pytest.raises(FormulaError, match="at least one equation"):
        parse("# nothing but a comment")
    with pytest.raises(FormulaError, match="expected one equation, not 2 statements"):
        parse_equation("y = 1; z = 2")
    with pytest.raises(FormulaError, match="expected one equation, not 1 statements"):
        parse_equation("assume sum[c] y[n,c] = 1")
    with pytest.raises(FormulaError, match="expected an operator or the end of the expression, found '='"):
        parse_expression("y = 1", "")
    with pytest.raises(FormulaError, match="expected one element of a tensor"):
        parse_read("2*conv1[0]")
    assert parse_read("conv1[0,3,12,7]") == Read("conv1", tuple(map(Index.of, (0, 3, 12, 7))))
