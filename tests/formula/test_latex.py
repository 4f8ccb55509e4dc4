"""LaTeX: what a mathematician would write, with brackets exactly where they are needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.formula.expression import Condition, Equation, Expr, Read
from pellucid.formula.index import Index
from pellucid.formula.latex import latex
from pellucid.formula.parse import Assumption, parse, parse_expression
from tests.formula.strategies import assumptions, conditions, equations, expressions

GRADIENTS = {"dx": "x", "dy": "y", "dw": "w", "dconv1.weight": "conv1.weight"}

WRITTEN = {
    "y[n,k,i,j] = b[k] + sum[c,u,v] w[k,c,u,v]*x[n,c,s*i + a*u - p,s*j + v]":
        r"y_{n,k,i,j} = b_{k} + \sum_{c,u,v} w_{k,c,u,v}\, x_{n,\, c,\, s i + a u - p,\, s j + v}",
    "y[n,(c,i,j)] = x[n,c,i,j]":
        r"y_{n,\, (c,i,j)} = x_{n,c,i,j}",
    "y[n,c,i,j] = max[u<2,v<2] x[n,c,2*i + u,2*j + v]":
        r"y_{n,c,i,j} = \max_{0 \le u,v < 2} x_{n,\, c,\, 2 i + u,\, 2 j + v}",
    "m[i] = argmax[u,v<3] x[i + u,v]":
        r"m_{i} = \operatorname*{arg\,max}_{\substack{u \\ 0 \le v < 3}} x_{i + u,\, v}",
    "y[n,c] = mean[h,l] x[n,c,h,l]":
        r"y_{n,c} = \frac{1}{H L} \sum_{h,l} x_{n,c,h,l}",
    "shift m[n] = max[k] z[n,k]":
        r"m_{n} = \max_{k} z_{n,k}\quad \text{(shift)}",
    "assume sum[c] y[n,c] = 1":
        r"\sum_{c} y_{n,c} = 1\quad \text{(assumption)}",
    "J[i,j] = p[i]*(delta(i, j) - p[j])":
        r"J_{i,j} = p_{i}\, (\delta_{i,j} - p_{j})",
    "y[i] = where(x[i] > 0, x[i], where(i == 3 or not i < 2, 1, -alpha*x[i]))":
        r"y_{i} = \begin{cases} x_{i} & \text{if }x_{i} > 0 \\"
        r" 1 & \text{if }i = 3\text{ or }\lnot(i < 2) \\ -\alpha\, x_{i} & \text{otherwise} \end{cases}",
    "z[i] = [0 <= i - p < H]*g[i - p]":
        r"z_{i} = [0 \le i - p < H]\, g_{i - p}",
    "y[n,c] = gamma[c]*(x[n,c] - mu[c])/sqrt(v[c] + eps) + beta[c]":
        r"y_{n,c} = \frac{\gamma_{c}\, (x_{n,c} - \mu_{c})}{\sqrt{v_{c} + \varepsilon}} + \beta_{c}",
    "y[i] = x[i]*sigmoid(beta*x[i])":
        r"y_{i} = x_{i}\, \sigma(\beta\, x_{i})",
    "y[i] = relu(conv1.weight[i])*x1[i]*z_max - w_ih*t0":
        r"y_{i} = \operatorname{ReLU}(\mathrm{conv1.weight}_{i})\, x_{i}^{(1)}\, z_{\mathrm{max}}"
        r" - w_{\mathrm{ih}}\, t_{0}",
    "y[i] = exp(x[i])^2*abs(x[i])^2":
        r"y_{i} = (\exp(x_{i}))^{2}\, \lvert x_{i} \rvert^{2}",
    "y[i] = (sum[u] w[u]^2)^(1/2)":
        r"y_{i} = \sqrt{\sum_{u} w_{u}^{2}}",
    "y[i] = maximum(x[i], 1/2)":
        r"y_{i} = \max\left( x_{i},\frac{1}{2} \right)",
    "y[i] = 2*2^x[i]*3^(t + 1)":
        r"y_{i} = 2 \cdot 2^{x_{i}} \cdot 3^{t + 1}",
    "y[i] = 1e-5*x[i] + 2.5e-7 + 3.0*t":
        r"y_{i} = 10^{-5}\, x_{i} + 2.5 \cdot 10^{-7} + 3 t",
    "y[i] = x[i//2,(s*i + u)//(2*s),-(i//2),(2*i)%3 + 1,(i + 1)/s]":
        r"y_{i} = x_{\lfloor i/2 \rfloor,\, \lfloor (s i + u)/(2 s) \rfloor,\, -\lfloor i/2 \rfloor,\,"
        r" (2 i \bmod 3) + 1,\, (i + 1)/s}",
    "y[i] = i*i*x[i*i + 1]":
        r"y_{i} = i^{2}\, x_{i^{2} + 1}",
    "y[n'] = sum[n''] x[n'',n',row]":
        r"y_{n^{\prime}} = \sum_{n^{\prime\prime}} x_{n^{\prime\prime},n^{\prime},\mathrm{row}}",
    "g[i] = D(sum[u] w[u]*x[i + u], w[t])*D(loss, y[i])":
        r"g_{i} = \left( \frac{\partial}{\partial w_{t}} \left( \sum_{u} w_{u}\, x_{i + u} \right) \right)"
        r" \frac{\partial\mathrm{loss}}{\partial y_{i}}",
    "dx[n,c,h] = sum[k,u : s | h + p - u and u < 3] dy[n,k,(h + p - u)/s]*w[k,c,u]":
        r"\frac{\partial L}{\partial x_{n,c,h}} = \sum_{\substack{k,u \\ s \mid h + p - u \\ u < 3}}"
        r" \frac{\partial L}{\partial y_{n,\, k,\, (h + p - u)/s}}\, w_{k,c,u}",
    "dconv1.weight[k] = sum[n] dy[n,k]^2":
        r"\frac{\partial L}{\partial\mathrm{conv1.weight}_{k}} ="
        r" \sum_{n} \left( \frac{\partial L}{\partial y_{n,k}} \right)^{2}",
}  # fmt: skip


@pytest.mark.parametrize("source", WRITTEN)
def test_formulas_are_written_as_in_a_paper(source: str) -> None:
    (statement,) = parse(source)
    assert latex(statement, gradients=GRADIENTS) == WRITTEN[source]


def test_without_being_told_a_gradient_is_a_name() -> None:
    assert latex(parse_expression("dy[i]*dbeta*delta[i]", "i")) == (
        r"\mathrm{d}y_{i}\, \mathrm{d}\beta\, \delta_{i}"
    )


@pytest.mark.parametrize(
    "formulas",
    [
        ("(x + y)*t", "x + y*t"),
        ("-x^2", "(-x)^2"),
        ("2^(x + 1)", "2^x + 1", "(2^x)^(y + 1)", "2^x^(y + 1)"),
        ("x - (y - t)", "x - y - t", "x - y + t"),
        ("x/(y*t)", "x/y*t", "(x/y)^t", "x/y^t"),
        ("sum[u] (w[u] + t)", "(sum[u] w[u]) + t", "t + sum[u] w[u]"),
        ("max[u] (w[u] + t)", "(max[u] w[u]) + t", "max[u] w[u]*t", "(max[u] w[u])*t"),
        ("sum[u] w[u]*t", "(sum[u] w[u])*t", "sum[u] sum[v] w[u]*q[v]", "(sum[u] w[u])*sum[v] q[v]"),
        ("where(i < 1, x, y) + t", "where(i < 1, x, y + t)", "where(i < 1, x, y)*t"),
        ("exp(x)*y", "exp(x*y)", "exp(x)^y", "exp(x^y)"),
        ("abs(x)*y", "abs(x*y)", "sqrt(x)*y", "sqrt(x*y)", "sqrt(x)^y"),
        ("x*[i < 1]", "[x < 1]", "x[i]"),
        ("[i < 1 and (j < 2 or j == 3)]", "[(i < 1 and j < 2) or j == 3]", "[not (i < 1 and j < 2)]"),
        ("x[2*(i//2)]", "x[2*i//2 + i%2]", "x[(2*i)//3]", "x[2*(i//3)]", "x[i//3 + 1]", "x[(i + 1)//3]"),
        ("x[(i + 1)%3]", "x[i%3 + 1]", "x[(2*i)%3]", "x[2*(i%3)]", "x[i - j%3]", "x[(i - j)%3]"),
        ("x[i/s]", "x[i//s]", "x[i/(s*a)]", "x[(i/s)*a]", "x[(i + j)/s]", "x[i + j/s]"),
        ("x[(i,j)]", "x[i,j]", "x[i*j]"),
        ("x1*y", "x1^y", "x_y", "x*y"),
        ("D(x*y, t)", "D(x, t)*y", "D(x, t)^2", "D(x^2, t)"),
        ("mean[u] w[u]^2", "(mean[u] w[u])^2", "sum[u] w[u]^2"),
        ("1/2*x^2", "(1/2*x)^3", "1/(2*x^2)"),
    ],
)
def test_different_formulas_look_different(formulas: tuple[str, ...]) -> None:
    assert len({latex(parse_expression(f, "i,j")) for f in formulas}) == len(formulas)


@given(expressions() | conditions() | equations() | assumptions(), st.booleans())
def test_all_that_can_be_said_can_be_written(
    item: Expr | Condition | Equation | Assumption, told: bool
) -> None:
    written = latex(item, gradients=GRADIENTS if told else None)
    assert written.isascii()
    assert "  " not in written
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", written):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"\\left[(\[\\|]", written)) == len(re.findall(r"\\right[)\]\\|]", written))
    assert written.count(r"\begin{cases}") == written.count(r"\end{cases}")
    assert not re.search(r"\\[a-z]+[A-Z]|[_^][^{]", written.replace(r"\mathrm", "").replace("ReLU", ""))


def test_names_cannot_break_out() -> None:
    assert latex(Read(r"a_b}\input{/etc/passwd}$%&#~^", (Index.of("i"),))) == (
        r"\mathrm{a\_b\}\backslash input\{/etc/passwd\}\$\%\&\#\sim \hat{}}_{i}"
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_a_page_of_formulas_compiles(tmp_path: Path) -> None:
    formulas = [latex(s, gradients=GRADIENTS) for source in WRITTEN for s in parse(source)]

    @settings(max_examples=60)
    @given(equations())
    def draw(equation: Equation) -> None:
        formulas.append(latex(equation))

    draw()
    page = "\n".join(f"$\\displaystyle {f}$\n" for f in formulas)
    source = r"\documentclass{article}\usepackage{amsmath}\begin{document}" + page + r"\end{document}"
    (tmp_path / "page.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
