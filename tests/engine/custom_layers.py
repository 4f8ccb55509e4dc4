"""Layers of one's own, of very different kinds: what the compiler has never heard of.

Each stands with an input shape that tests can afford, and one at which it is worth measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.layers import Dense, Flatten, FormulaLayer, Layer, Parameter, SoftmaxCrossEntropy
from pellucid.network import Network

__all__ = ["CUSTOM", "Custom"]


@dataclass(frozen=True)
class Custom:
    """A layer and two shapes of its input, without N; where its equations name sizes, a larger layer too."""

    layer: FormulaLayer
    small: tuple[int, ...]
    large: tuple[int, ...]
    larger: FormulaLayer | None = None

    def alone(self, *, large: bool = False) -> Network:
        """The layer as a network without a loss."""
        layer, shape = (self.larger or self.layer, self.large) if large else (self.layer, self.small)
        return Network([layer], shape)

    def classifier(self) -> Network:
        """A small network that can learn, with the layer in its middle."""
        before: list[Layer] = [FormulaLayer("y[...] = a * x[...]", parameters={"a": Parameter((), 1.0)})]
        after: list[Layer] = [Flatten()] if len(self.alone().output_shape) > 1 else []
        return Network([*before, self.layer, *after, Dense(3)], self.small, SoftmaxCrossEntropy())


def _p(axes: str | tuple[str, ...], init: float | str = "auto") -> Parameter:
    return Parameter(axes, init)


def _pixel_shuffle(channels: int, height: int, width: int) -> FormulaLayer:
    return FormulaLayer(
        "y[n,c,i,j] = x[n,4*c + 2*(i % 2) + j % 2,i // 2,j // 2]",
        constants={"C": channels, "I": 2 * height, "J": 2 * width},
    )


def _transposed(channels: int, height: int, width: int) -> FormulaLayer:
    return FormulaLayer(
        "y[n,k,h,l] = sum[c,u,v : 2 | h - u and 2 | l - v] w[c,k,u,v]*x[n,c,(h - u)/2,(l - v)/2]",
        parameters={"w": _p("c,k,u,v")},
        constants={"K": channels, "U": 2, "V": 2, "H": 2 * height, "L": 2 * width},
    )


CUSTOM: Mapping[str, Custom] = {
    "bilinear pooling": Custom(
        FormulaLayer("y[n,(c,e)] = mean[i,j] x[n,c,i,j]*x[n,e,i,j]"), (3, 4, 5), (24, 16, 16)
    ),
    "radial basis functions": Custom(
        FormulaLayer(
            "y[n,k] = exp(-g[k]^2 * sum[d] (x[n,d] - m[k,d])^2)",
            parameters={"g": _p("k", 0.3), "m": _p("k,d")},
            constants={"K": 7},
        ),
        (6,),
        (128,),
    ),
    "squeeze and excite": Custom(
        FormulaLayer(
            """
            s[n,c] = mean[i,j] x[n,c,i,j]
            z[n,r] = relu(b[r] + sum[c] u[r,c]*s[n,c])
            y[n,c,i,j] = x[n,c,i,j] * sigmoid(sum[r] v[c,r]*z[n,r])
            """,
            parameters={"b": _p("r", 0.1), "u": _p("r,c"), "v": _p("c,r")},
            constants={"R": 3},
        ),
        (4, 3, 5),
        (32, 16, 16),
    ),
    "depthwise separable convolution": Custom(
        FormulaLayer(
            """
            t[n,c,i,j] = sum[u,v] a[c,u,v] * x[n,c,i + u - 1,j + v - 1]
            y[n,k,i,j] = b[k] + sum[c] w[k,c]*t[n,c,i,j]
            """,
            parameters={"a": _p("c,u,v"), "b": _p("k", 0.0), "w": _p("k,c")},
            constants={"K": 5, "U": 3, "V": 3},
            padding={"x": {2: 1, 3: 1}},
        ),
        (3, 5, 6),
        (16, 24, 24),
    ),
    "dilated grouped convolution": Custom(
        FormulaLayer(
            "y[n,(g,k),i,j] = sum[c,u,v] w[g,k,c,u,v] * x[n,(g,c),i + 2*u - 2,j + 2*v - 2]",
            parameters={"w": _p("g,k,c,u,v")},
            constants={"G": 2, "K": 3, "U": 3, "V": 3},
            padding={"x": {2: 2, 3: 2}},
        ),
        (4, 5, 4),
        (16, 20, 20),
    ),
    "local response normalisation": Custom(
        FormulaLayer(
            """
            t[n,c,i,j] = sum[r] x[n,c + r - 2,i,j]^2
            y[n,c,i,j] = x[n,c,i,j] * (2 + a*t[n,c,i,j])^(-3/4)
            """,
            constants={"R": 5, "a": 0.5},
            padding={"x": {1: 2}},
        ),
        (6, 3, 4),
        (32, 16, 16),
    ),
    "p-norm pooling": Custom(
        FormulaLayer(
            "y[n,c,i,j] = (e + sum[u,v] abs(x[n,c,2*i + u,2*j + v])^p)^(1/p)",
            constants={"U": 2, "V": 2, "e": 0.01, "p": 3},
        ),
        (3, 4, 6),
        (16, 24, 24),
    ),
    "attention over positions": Custom(
        FormulaLayer(
            """
            e[n,i,j] = sum[c] q[c]*x[n,c,i,j]
            shift m[n] = max[i,j] e[n,i,j]
            s[n] = sum[i,j] exp(e[n,i,j] - m[n])
            y[n,c] = sum[i,j] exp(e[n,i,j] - m[n])/s[n] * x[n,c,i,j]
            """,
            parameters={"q": _p("c")},
        ),
        (5, 3, 4),
        (32, 16, 16),
    ),
    "median of three": Custom(
        FormulaLayer(
            """
            low[n,c,i,j] = minimum(x[n,c,i,j], x[n,c,i,j + 1])
            high[n,c,i,j] = maximum(x[n,c,i,j], x[n,c,i,j + 1])
            y[n,c,i,j] = maximum(low[n,c,i,j], minimum(high[n,c,i,j], x[n,c,i,j + 2]))
            """,
        ),
        (2, 4, 7),
        (16, 24, 26),
    ),
    "instance normalisation": Custom(
        FormulaLayer(
            """
            m[n,c] = mean[i,j] x[n,c,i,j]
            v[n,c] = mean[i,j] (x[n,c,i,j] - m[n,c])^2
            y[n,c,i,j] = g[c]*(x[n,c,i,j] - m[n,c])/sqrt(v[n,c] + 1e-3) + b[c]
            """,
            parameters={"g": _p(("c",), 1.0), "b": _p(("c",), 0.0)},
        ),
        (3, 4, 5),
        (32, 16, 16),
    ),
    "cosine similarity": Custom(
        FormulaLayer(
            """
            a[n] = sum[d] x[n,d]^2
            b[k] = sum[d] w[k,d]^2
            y[n,k] = s*(sum[d] w[k,d]*x[n,d])/sqrt((0.01 + a[n])*(0.01 + b[k]))
            """,
            parameters={"w": _p("k,d"), "s": _p((), 2.0)},
            constants={"K": 6},
        ),
        (9,),
        (256,),
    ),
    "convolution that knows where it is": Custom(
        FormulaLayer(
            """
            at[k,i,j] = b[k] + r[k]*(i + 0.5)/I + q[k]*(j + 0.5)/J
            y[n,k,i,j] = at[k,i,j] + sum[c,u,v] w[k,c,u,v] * x[n,c,i + u,j + v]
            """,
            parameters={"b": _p("k", 0.0), "r": _p("k", 0.2), "q": _p("k", -0.2), "w": _p("k,c,u,v")},
            constants={"K": 4, "U": 3, "V": 3},
        ),
        (2, 5, 6),
        (8, 26, 26),
    ),
    "pixel shuffle": Custom(
        _pixel_shuffle(2, 3, 4), (8, 3, 4), (16, 16, 16), larger=_pixel_shuffle(4, 16, 16)
    ),
    "gated tanh": Custom(
        FormulaLayer(
            """
            z[n,k,i,j] = c[k] + sum[m] g[k,m]*x[n,m,i,j]
            y[n,k,i,j] = sigmoid(z[n,k,i,j]) * tanh(b[k] + sum[m] w[k,m]*x[n,m,i,j])
            """,
            parameters={"b": _p("k", 0.1), "c": _p("k", 0.1), "g": _p("k,m"), "w": _p("k,m")},
            constants={"K": 4},
        ),
        (3, 4, 5),
        (32, 16, 16),
    ),
    "splines": Custom(
        FormulaLayer(
            "y[n,k] = sum[d,m] w[k,d,m] * relu(1 - abs(2*x[n,d] - m + 3))^2",
            parameters={"w": _p("k,d,m")},
            constants={"K": 5, "M": 7},
        ),
        (4,),
        (64,),
    ),
    "polynomial": Custom(
        FormulaLayer(
            "y[n,c,i,j] = a[c] + x[n,c,i,j]*(b[c] + x[n,c,i,j]*(0.1*d[c] + 0.01*x[n,c,i,j]))",
            parameters={"a": _p(("c",), 0.1), "b": _p(("c",), 1.0), "d": _p(("c",), -0.5)},
        ),
        (3, 4, 5),
        (32, 24, 24),
    ),
    "flipped convolution": Custom(
        FormulaLayer(
            "y[n,k,i,j] = sum[c,u,v] w[k,c,u,v] * x[n,c,i + U - 1 - u,j + V - 1 - v]",
            parameters={"w": _p("k,c,u,v")},
            constants={"K": 4, "U": 2, "V": 3},
        ),
        (3, 5, 6),
        (8, 26, 26),
    ),
    "transposed convolution": Custom(
        _transposed(3, 3, 4), (2, 3, 4), (16, 12, 12), larger=_transposed(8, 12, 12)
    ),
    "positions that attend to each other": Custom(
        FormulaLayer(
            """
            e[n,i,r] = sum[c] (sum[d] a[c,d]*x[n,d,i,0])*x[n,c,r,0]
            shift m[n,i] = max[r] e[n,i,r]
            s[n,i] = sum[r] exp(e[n,i,r] - m[n,i])
            y[n,(c,i)] = sum[r] exp(e[n,i,r] - m[n,i])/s[n,i] * x[n,c,r,0]
            """,
            parameters={"a": _p("c,d")},
        ),
        (3, 5, 1),
        (16, 48, 1),
    ),
    "softmax with a temperature": Custom(
        FormulaLayer(
            """
            shift m[n] = max[d] t*x[n,d]
            y[n,d] = exp(t*x[n,d] - m[n]) / sum[e] exp(t*x[n,e] - m[n])
            """,
            parameters={"t": _p((), 1.5)},
        ),
        (7,),
        (200,),
    ),
}  # fmt: skip
