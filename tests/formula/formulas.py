"""Formulas that people use, and some that they may come to use: none has a line of code of its own."""

from __future__ import annotations

from tests.formula.case import Case

__all__ = ["FORMULAS"]


def sized(text: str) -> dict[str, int]:
    """``n2 c3`` as extents or sizes by name."""
    return {
        part.rstrip("0123456789"): int(part.lstrip("abcdefghijklmnopqrstuvwxyz")) for part in text.split()
    }


def shaped(text: str) -> dict[str, tuple[int, ...]]:
    """``x:2,3 b:3 s:`` as shapes by name."""
    named = (part.split(":") for part in text.split())
    return {name: tuple(int(n) for n in axes.split(",") if n) for name, axes in named}


def case(
    name: str,
    text: str,
    shapes: str,
    extents: str,
    *,
    positive: str = "",
    constants: dict[str, int | float] | None = None,
    padding: dict[str, dict[int, tuple[int, int]]] | None = None,
    sizes: dict[str, int] | None = None,
) -> Case:
    return Case(
        name,
        text,
        shaped(shapes),
        sized(extents),
        constants or {},
        padding or {},
        frozenset(positive.split()),
        sizes or {},
    )


FORMULAS: tuple[Case, ...] = (
    # units
    case(
        "gated unit",
        "y[n,k] = (sum[d] w[k,d]*x[n,d]) * sigmoid(sum[d] v[k,d]*x[n,d])",
        "w:3,4 x:2,4 v:3,4",
        "n2 k3 d4",
    ),
    case(
        "gated convolution",
        "y[n,k,i] = (a[k] + sum[c,u] w[k,c,u]*x[n,c,i+u]) * sigmoid(b[k] + sum[c,u] v[k,c,u]*x[n,c,i+u])",
        "a:2 w:2,3,3 x:2,3,6 b:2 v:2,3,3",
        "n2 k2 i4 c3 u3",
    ),
    case(
        "maxout",
        "y[n,k] = max[r] (b[k,r] + sum[d] w[k,r,d]*x[n,d])",
        "b:3,4 w:3,4,5 x:2,5",
        "n2 k3 r4 d5",
    ),
    case("bilinear form", "y[n,k] = sum[d,e] x[n,d]*w[k,d,e]*z[n,e]", "x:2,3 w:4,3,2 z:2,2", "n2 k4 d3 e2"),
    case(
        "highway unit",
        """g[n,k] = sigmoid(b[k] + sum[d] v[k,d]*x[n,d])
           y[n,k] = g[n,k]*tanh(sum[d] w[k,d]*x[n,d]) + (1 - g[n,k])*x[n,k]""",
        "b:3 v:3,3 x:2,3 w:3,3",
        "n2 k3 d3",
    ),
    case(
        "LSTM cell",
        """f[n,k] = sigmoid(a[k] + sum[d] p[k,d]*x[n,d])
           g[n,k] = sigmoid(b[k] + sum[d] q[k,d]*x[n,d])
           o[n,k] = sigmoid(e[k] + sum[d] r[k,d]*x[n,d])
           m[n,k] = f[n,k]*c[n,k] + g[n,k]*tanh(sum[d] w[k,d]*x[n,d])
           y[n,k] = o[n,k]*tanh(m[n,k])""",
        "a:2 p:2,3 x:2,3 b:2 q:2,3 e:2 r:2,3 c:2,2 w:2,3",
        "n2 k2 d3",
    ),
    case(
        "mixture of experts",
        """e[n,m] = exp(sum[d] v[m,d]*x[n,d])
           y[n,k] = sum[m] e[n,m]/(sum[r] e[n,r])*(sum[d] w[m,k,d]*x[n,d])""",
        "v:3,4 x:2,4 w:3,2,4",
        "n2 m3 k2 r3 d4",
    ),
    case(
        "factorisation machine",
        "y[n] = sum[d] w[d]*x[n,d] + sum[r] ((sum[d] v[d,r]*x[n,d])^2 - (sum[d] v[d,r]^2*x[n,d]^2))/2",
        "w:4 x:2,4 v:4,3",
        "n2 d4 r3",
    ),
    case(
        "radial basis",
        "y[n,k] = exp(-s*(sum[d] (x[n,d] - w[k,d])^2))",
        "s: x:2,3 w:4,3",
        "n2 k4 d3",
        positive="s",
    ),
    case("swish", "y[n,c] = x[n,c]*sigmoid(b[c]*x[n,c])", "x:3,4 b:4", "n3 c4"),
    case("mish", "y[n] = x[n]*tanh(log(1 + exp(x[n])))", "x:9", "n9"),
    case("exact GELU", "y[n] = x[n]/2*(1 + erf(x[n]/sqrt(2)))", "x:9", "n9"),
    case("exponential linear", "y[n] = where(x[n] > 0, x[n], a*(exp(x[n]) - 1))", "x:9 a:", "n9"),
    case("parametric ReLU", "y[n,c] = maximum(x[n,c], 0) + a[c]*minimum(x[n,c], 0)", "x:3,4 a:4", "n3 c4"),
    case("hard sigmoid", "y[n] = maximum(0, minimum(1, x[n]/6 + 1/2))", "x:9", "n9"),
    case(
        "soft threshold",
        "y[n,c] = where(x[n,c] > t[c], x[n,c] - t[c], where(x[n,c] < -t[c], x[n,c] + t[c], 0))",
        "x:4,3 t:3",
        "n4 c3",
        positive="t",
    ),
    # convolutions and their kin
    case(
        "convolution",
        "y[n,k,i,j] = b[k] + sum[c,u,v] w[k,c,u,v]*x[n,c,s*i+a*u-p,t*j+v-q]",
        "b:2 w:2,2,3,2 x:2,2,7,6",
        "n2 k2 i3 j3 c2 u3 v2",
        constants={"s": 2, "t": 2, "a": 2, "p": 1, "q": 0},
        padding={"x": {2: (1, 1)}},
    ),
    case(
        "grouped convolution",
        "y[n,(g,k),i] = sum[c,u] w[(g,k),c,u]*x[n,(g,c),i+u]",
        "w:4,3,2 x:2,6,5",
        "n2 g2 k2 i4 c3 u2",
        constants={"G": 2},
    ),
    case(
        "depthwise separable convolution",
        """z[n,c,i,j] = sum[u,v] w[c,u,v]*x[n,c,i+u-1,j+v-1]
           y[n,k,i,j] = b[k] + sum[c] p[k,c]*relu(z[n,c,i,j])""",
        "w:3,3,3 x:2,3,4,4 b:2 p:2,3",
        "n2 c3 i4 j4 u3 v3 k2",
        padding={"x": {2: (1, 1), 3: (1, 1)}},
    ),
    case(
        "locally connected",
        "y[n,k,i,j] = b[k,i,j] + sum[c,u,v] w[k,i,j,c,u,v]*x[n,c,i+u,j+v]",
        "b:2,3,2 w:2,3,2,2,2,2 x:2,2,4,3",
        "n2 k2 i3 j2 c2 u2 v2",
    ),
    case(
        "transposed convolution",
        "y[n,k,h] = sum[c,u : 2 | h - u and 0 <= (h - u)/2 < I] w[c,k,u]*x[n,c,(h - u)/2]",
        "w:3,2,4 x:2,3,3",
        "n2 k2 h8 c3 u4",
        constants={"H": 8, "I": 3},
    ),
    case("true convolution", "y[i] = sum[u] w[u]*x[i + U - 1 - u]", "w:3 x:7", "i5 u3"),
    case("self-convolution", "y[i] = sum[j<3] x[j]*x[i + j]", "x:6", "i4 j3"),
    case("Toeplitz", "y[n,i] = sum[j] w[i - j + J - 1]*x[n,j]", "w:6 x:2,4", "n2 i3 j4"),
    case("circulant", "y[n,i] = sum[j] w[(i - j)%J]*x[n,j]", "w:4 x:2,4", "n2 i4 j4", sizes={"I": 4}),
    case("second difference", "y[i] = x[i + 2] - 2*x[i + 1] + x[i]", "x:7", "i5"),
    case(
        "unfolding",
        "y[n,(c,u,v),(i,j)] = x[n,c,i+u,j+v]",
        "x:2,2,4,3",
        "n2 c2 u2 v2 i3 j2",
        constants={"U": 2, "V": 2},
    ),
    # pooling
    case("max-pooling", "y[n,c,i,j] = max[u<2,v<2] x[n,c,2*i+u,2*j+v]", "x:2,2,5,4", "n2 c2 i2 j2 u2 v2"),
    case(
        "overlapping padded max-pooling",
        "y[n,c,i,j] = max[u<3,v<3] x[n,c,2*i+u-1,2*j+v-1]",
        "x:1,2,5,6",
        "n1 c2 i3 j3 u3 v3",
        padding={"x": {2: (1, 1), 3: (1, 1)}},
    ),
    case(
        "average-pooling", "y[n,c,i,j] = mean[u<2,v<2] x[n,c,2*i+u,2*j+v]", "x:2,2,5,4", "n2 c2 i2 j2 u2 v2"
    ),
    case(
        "average-pooling without padding",
        "y[n,i] = (sum[u<3] x[n,2*i+u-1])/(sum[u<3] [0 <= 2*i + u - 1 < H])",
        "x:2,6",
        "n2 i3 u3",
        constants={"H": 6},
        padding={"x": {1: (1, 0)}},
    ),
    case("L2-pooling", "y[n,i,j] = sqrt(sum[u<2,v<2] x[n,2*i+u,2*j+v]^2)", "x:2,4,4", "n2 i2 j2 u2 v2"),
    case("p-norm pooling", "y[n,i] = (mean[u<3] x[n,3*i+u]^p)^(1/p)", "x:2,6 p:", "n2 i2 u3", positive="x p"),
    case(
        "log-sum-exp pooling",
        "y[n,c] = log(mean[i,j] exp(b*x[n,c,i,j]))/b",
        "x:2,2,3,3 b:",
        "n2 c2 i3 j3",
        positive="b",
    ),
    case(
        "dilation by a structuring element",
        "y[n,i,j] = max[u,v] (x[n,i+u-1,j+v-1] + w[u,v])",
        "x:2,4,3 w:3,3",
        "n2 i4 j3 u3 v3",
        padding={"x": {1: (1, 1), 2: (1, 1)}},
    ),
    case("erosion", "y[n,i] = min[u] (x[n,i+u] - w[u])", "x:2,6 w:3", "n2 i4 u3"),
    case("range of a window", "y[n,i] = (max[u<3] x[n,i+u]) - (min[u<3] x[n,i+u])", "x:2,6", "n2 i4 u3"),
    case("global maximum", "y[n] = max[c,i] x[n,c,i]", "x:3,2,4", "n3 c2 i4"),
    # normalisation
    case(
        "local response normalisation",
        "y[n,c,i] = x[n,c,i]/(2 + 0.5*(sum[r<3] x[n,c+r-1,i]^2))^0.75",
        "x:2,5,3",
        "n2 c5 i3 r3",
        padding={"x": {1: (1, 1)}},
    ),
    case(
        "group normalisation",
        """m[n,g] = mean[c,i,j] x[n,(g,c),i,j]
           q[n,g] = mean[c,i,j] (x[n,(g,c),i,j] - m[n,g])^2
           y[n,(g,c),i,j] = (x[n,(g,c),i,j] - m[n,g])/sqrt(q[n,g] + e)*a[(g,c)] + b[(g,c)]""",
        "x:2,4,2,3 a:4 b:4",
        "n2 g2 c2 i2 j3",
        constants={"G": 2, "e": 0.001},
    ),
    case(
        "instance normalisation",
        """d[n,c,i,j] = x[n,c,i,j] - (mean[i',j'] x[n,c,i',j'])
           y[n,c,i,j] = d[n,c,i,j]/sqrt(0.001 + mean[i',j'] d[n,c,i',j']^2)""",
        "x:2,2,2,3",
        "n2 c2 i2 j3",
    ),
    case(
        "layer normalisation",
        """m[n] = mean[d] x[n,d]
           y[n,k] = a[k]*(x[n,k] - m[n])/sqrt(0.001 + mean[d] (x[n,d] - m[n])^2) + b[k]""",
        "x:2,4 a:4 b:4",
        "n2 k4 d4",
    ),
    case(
        "batch normalisation",
        """m[c] = mean[n,i] x[n,c,i]
           q[c] = mean[n,i] (x[n,c,i] - m[c])^2
           y[n,c,i] = a[c]*(x[n,c,i] - m[c])/sqrt(q[c] + 0.001) + b[c]""",
        "x:3,2,4 a:2 b:2",
        "n3 c2 i4",
    ),
    case(
        "weight normalisation",
        "y[n,k] = g[k]*(sum[d] v[k,d]*x[n,d])/sqrt(sum[d] v[k,d]^2)",
        "g:3 v:3,4 x:2,4",
        "n2 k3 d4",
    ),
    case("unit length", "y[n,c] = x[n,c]/sqrt(sum[d] x[n,d]^2)", "x:3,4", "n3 c4 d4"),
    case(
        "squeeze and excitation",
        """s[n,c] = mean[i,j] x[n,c,i,j]
           g[n,c] = sigmoid(sum[r] w[c,r]*relu(sum[d] v[r,d]*s[n,d]))
           y[n,c,i,j] = x[n,c,i,j]*g[n,c]""",
        "x:2,3,2,2 w:3,2 v:2,3",
        "n2 c3 i2 j2 r2 d3",
    ),
    # softmax and attention
    case(
        "softmax",
        """shift m[n] = max[k] z[n,k]
           e[n,k] = exp(z[n,k] - m[n])
           y[n,k] = e[n,k]/(sum[r] e[n,r])""",
        "z:3,4",
        "n3 k4 r4",
    ),
    case("log-softmax", "y[n,k] = z[n,k] - log(sum[r] exp(z[n,r]))", "z:3,4", "n3 k4 r4"),
    case(
        "attention",
        """s[n,i,j] = (sum[d] q[n,i,d]*k[n,j,d])/sqrt(D)
           shift m[n,i] = max[j] s[n,i,j]
           e[n,i,j] = exp(s[n,i,j] - m[n,i])
           t[n,i] = sum[j] e[n,i,j]
           y[n,i,c] = sum[j] e[n,i,j]/t[n,i]*v[n,j,c]""",
        "q:2,3,2 k:2,4,2 v:2,4,3",
        "n2 i3 j4 d2 c3",
    ),
    case(
        "causal attention",
        """e[i,j] = where(j <= i, exp(sum[d] q[i,d]*k[j,d]), 0)
           y[i,c] = sum[j] e[i,j]/(sum[m] e[i,m])*v[j,c]""",
        "q:4,2 k:4,2 v:4,3",
        "i4 j4 m4 d2 c3",
    ),
    case(
        "attention with relative positions",
        """e[i,j] = exp((sum[d] q[i,d]*k[j,d]) + b[i - j + J - 1])
           y[i,c] = sum[j] e[i,j]/(sum[m] e[i,m])*v[j,c]""",
        "q:3,2 k:4,2 b:6 v:4,2",
        "i3 j4 m4 d2 c2",
    ),
    case(
        "spatial softmax",
        """e[n,c,i] = exp(x[n,c,i])
           y[n,c] = sum[i] e[n,c,i]/(sum[j] e[n,c,j])*i/(I - 1)""",
        "x:2,2,4",
        "n2 c2 i4 j4",
    ),
    # rearrangements
    case("space to depth", "y[n,k,i,j] = x[n,k//4,2*i+k//2%2,2*j+k%2]", "x:2,2,4,6", "n2 k8 i2 j3"),
    case("depth to space", "y[n,c,i,j] = x[n,4*c+2*(i%2)+j%2,i//2,j//2]", "x:2,8,2,3", "n2 c2 i4 j6"),
    case("nearest upsampling", "y[n,i,j] = x[n,i//2,j//3]", "x:2,3,2", "n2 i6 j6"),
    case("linear upsampling", "y[n,i] = (x[n,i//2] + x[n,(i + 1)//2])/2", "x:2,4", "n2 i7"),
    case("reversal", "y[n,i] = x[n,I - 1 - i]*w[n,i]", "x:2,4 w:2,4", "n2 i4"),
    case("rotation", "y[n,i] = x[n,(i + 1)%I]*x[n,i]", "x:2,4", "n2 i4", sizes={"I": 4}),
    case("concatenation", "y[i] = where(i < 3, a[i], b[i - 3])", "a:3 b:4", "i7"),
    case("interleaving", "y[i] = where(2 | i, a[i/2], b[(i - 1)/2])", "a:3 b:3", "i6", constants={"I": 6}),
    case("unflattening", "y[n,c,i,j] = x[n,(c,i,j)]", "x:2,12", "n2 c2 i2 j3", constants={"I": 2, "J": 3}),
    case(
        "flattening by digits",
        "y[n,d] = x[n,d//(I*J),d//J%I,d%J]",
        "x:2,2,2,3",
        "n2 d12",
        constants={"I": 2, "J": 3},
    ),
    case("zero padding", "y[n,i] = x[n,i - 2]", "x:2,3", "n2 i6", padding={"x": {1: (2, 1)}}),
    case("every second channel", "y[n,c,i] = x[n,2*c + 1,i] - x[n,2*c,i]", "x:2,6,3", "n2 c3 i3"),
    case("upper triangle", "y[i,j] = where(i < j, x[i,j], 0)", "x:4,4", "i4 j4"),
    case("symmetric part", "y[i,j] = (x[i,j] + x[j,i])/2", "x:4,4", "i4 j4"),
    # sums over many things
    case("cumulative sum", "y[n,i] = sum[j : j <= i] x[n,j]", "x:2,4", "n2 i4 j4", sizes={"I": 4}),
    case("cumulative sum by a mask", "y[n,i] = sum[j] [j <= i]*x[n,j]", "x:2,4", "n2 i4 j4", sizes={"I": 4}),
    case(
        "exponential smoothing",
        "y[i] = sum[j : j <= i] a^(i - j)*(1 - a)*x[j]",
        "a: x:5",
        "i5 j5",
        positive="a",
        sizes={"I": 5},
    ),
    case("trace", "y = sum[i] x[i,i]", "x:4,4", "i4"),
    case("diagonal of a product", "y[i] = x[i,i]*(sum[j] x[i,j]*x[j,i])", "x:3,3", "i3 j3"),
    case("Gram matrix", "y[n,c,c'] = mean[i,j] x[n,c,i,j]*x[n,c',i,j]", "x:2,3,2,2", "n2 c3 i2 j2"),
    case(
        "graph convolution",
        "y[i,k] = relu(sum[j,d] a[i,j]*x[j,d]*w[d,k])",
        "a:4,4 x:4,3 w:3,2",
        "i4 k2 j4 d3",
    ),
    case(
        "tensor decomposition", "y[i,j,k] = sum[r] a[i,r]*b[j,r]*c[k,r]", "a:2,3 b:3,3 c:4,3", "i2 j3 k4 r3"
    ),
    case("pairwise distances", "y[i,j] = sqrt(0.01 + sum[d] (x[i,d] - x[j,d])^2)", "x:4,3", "i4 j4 d3"),
    case(
        "cosine similarities",
        "y[i,j] = (sum[d] x[i,d]*z[j,d])/sqrt((sum[d] x[i,d]^2)*(sum[d] z[j,d]^2))",
        "x:3,4 z:2,4",
        "i3 j2 d4",
    ),
    case("total variation", "y[n] = sum[i] abs(x[n,i + 1] - x[n,i])", "x:2,5", "n2 i4"),
    case("deviation from the batch", "y[n,c] = x[n,c] - (mean[m] x[m,c])", "x:4,3", "n4 c3 m4"),
    case(
        "polynomial of a matrix",
        "z[i,k] = sum[j] x[i,j]*x[j,k]\ny[i,k] = z[i,k] + sum[j] x[i,j]*z[j,k]",
        "x:3,3",
        "i3 k3 j3",
    ),
    # losses
    case(
        "cross-entropy",
        "y = -(mean[n] (sum[k] t[n,k]*(z[n,k] - log(sum[r] exp(z[n,r])))))",
        "t:3,4 z:3,4",
        "n3 k4 r4",
    ),
    case("squared error", "y = mean[n,k] (z[n,k] - t[n,k])^2", "z:3,2 t:3,2", "n3 k2"),
    case(
        "Huber loss",
        """d[n] = z[n] - t[n]
           y = mean[n] where(abs(d[n]) < a, d[n]^2/2, a*(abs(d[n]) - a/2))""",
        "z:9 t:9 a:",
        "n9",
        positive="a",
    ),
    case("hinge loss", "y = mean[n] relu(1 - t[n]*(sum[d] w[d]*x[n,d]))", "t:5 w:3 x:5,3", "n5 d3"),
    case(
        "triplet loss",
        """p[n] = sum[d] (a[n,d] - b[n,d])^2
           q[n] = sum[d] (a[n,d] - c[n,d])^2
           y = mean[n] relu(p[n] - q[n] + 1/5)""",
        "a:5,3 b:5,3 c:5,3",
        "n5 d3",
    ),
    case(
        "focal loss",
        """p[n,k] = exp(z[n,k])/(sum[r] exp(z[n,r]))
           y = -(sum[n,k] t[n,k]*(1 - p[n,k])^2*log(p[n,k]))""",
        "z:3,4 t:3,4",
        "n3 k4 r4",
        positive="t",
    ),
)
