"""Seed 004: convolution, ReLU, average-pool and dense layer, with softmax derived from first principles."""

from __future__ import annotations

from evidence.seeds.generated import Flipped, Forward, Gradient, Jacobian, Start, Update
from evidence.seeds.networks import AVERAGE_POOL
from evidence.seeds.record import Chain, Differs, Imprecise, Names, Said, Seed, Shape, Size, lacking, stands
from pellucid.layers import AveragePool2D
from pellucid.network import Network

__all__ = ["SEED"]

# One filter k of a gray image.
CONV = Names(
    "conv1",
    {"z[i,j]": "y[0,k,i,j]", "x[h,l]": "x[0,0,h,l]", "w[u,v]": "w[k,0,u,v]", "b": "b[k]"},
    {"k": "u", "l": "v"},
)
RELU = Names("relu1", {"f[i]": "y[0,c,i,j]", "x[i]": "x[0,c,i,j]"})
RELU_BACK = Names("relu1", {"y[i]": "y[0,c,i,j]", "x[i]": "x[0,c,i,j]"})
POOL = Names("avgpool1", {"p[i,j]": "y[0,c,i,j]", "x[h,l]": "x[0,c,h,l]"}, {"k": "u", "l": "v"})
FLATTEN = Names("flatten1", {"f[d]": "y[0,d]", "x[i,j,c]": "x[0,c,i,j]"})
DENSE = Names(
    "dense1",
    {"y[i]": "y[0,i]", "x[j]": "x[0,j]", "W[i,j]": "w[i,j]", "b[i]": "b[i]", "delta_[i]": "dy[0,i]"},
    {"i": "k", "j": "d"},
)
# Classes count from 1.
SOFTMAX = Names("loss", {"sigma[i]": "prob[0,i - 1]", "z[i]": "x[0,i - 1]"}, {"i": "k", "j": "k'"})
LOSS = Names("loss", {"sigma[i]": "prob[0,i]", "z[i]": "x[0,i]", "y[i]": "y[0,i]"}, {"i": "k"})
SAME = Names(
    "loss", {"J[i]": "dprob_dx[0,i,i]", "sigma[i]": "prob[0,i]", "z[i]": "x[0,i]"}, {"i": "k'", "k": "k"}
)
OTHER = Names(
    "loss",
    {"J[i,j]": "dprob_dx[0,i,j]", "sigma[i]": "prob[0,i]", "z[i]": "x[0,i]"},
    {"i": "k'", "j": "k", "k": "k''"},
)
UPDATE = Names("", {"theta_old[d]": "p[d]", "theta_new[d]": "new_p[d]", "dtheta[d]": "g[d]", "alpha": "rate"})
BACK = {"i": "h", "j": "l"}
ORDER = ("conv", "relu", "avgpool", "flatten", "dense", "softmax")
TURNED = "z[i,j] = (sum[k<5,l<5] w[k,l]*x[i + 4 - k,j + 4 - l]) + b"

SEED = Seed(
    number="004",
    subject="one convolution and an average-pool on gray images, with derivations from first principles",
    network=AVERAGE_POOL,
    images=1,
    length=127,
    formulas=(
        Said(
            (16, 18),
            "convolution, by its definition",
            TURNED,
            CONV,
            Flipped(15, 5),
            remark="in two dimensions, where the filter lies inside the image",
        ),
        Said(
            (20, 28),
            "convolution, as it is computed",
            "z[i,j] = (sum[k<5,l<5] w[k,l]*x[i + k,j + l]) + b",
            CONV,
            Forward(),
            remark="of one filter",
        ),
        Said((33, 37), "ReLU", "f[i] = maximum(0, x[i])", RELU, Forward(), remark="i is any element"),
        Said((40, 42), "average-pool", "p[i,j] = 1/4*(sum[k<2,l<2] x[2*i + k,2*j + l])", POOL, Forward()),
        Said(
            (47, 52),
            "flatten",
            "f[(i,j,c)] = x[i,j,c]",
            FLATTEN,
            Forward(),
            remark="(i,j,c) is the seed's i·W·C + j·C + c",
        ),
        Said((57, 57), "dense layer", "y[i] = (sum[j] W[i,j]*x[j]) + b[i]", DENSE, Forward()),
        Said(
            (65, 67),
            "softmax",
            "sigma[i] = exp(z[i])/(sum[j<10] exp(z[j + 1]))",
            SOFTMAX,
            Forward("prob"),
            opened=True,
            remark="pellucid subtracts the largest logit first, which changes no probability",
        ),
        Said(
            (74, 77),
            "derivative of softmax, one class, by the rule for quotients",
            "J[i] = (exp(z[i])*(sum[k] exp(z[k])) - exp(z[i])*exp(z[i]))/(sum[k] exp(z[k]))^2",
            SAME,
            Jacobian("x", same=True),
            opened=True,
        ),
        Said(
            (78, 79),
            "derivative of softmax, one class",
            "J[i] = sigma[i]*(1 - sigma[i])",
            SAME,
            Jacobian("x", same=True),
        ),
        Said(
            (81, 84),
            "derivative of softmax, two classes, by the rule for quotients",
            "J[i,j] = -exp(z[i])*exp(z[j])/(sum[k] exp(z[k]))^2",
            OTHER,
            Jacobian("x", same=False),
            opened=True,
        ),
        Said(
            (85, 86),
            "derivative of softmax, two classes",
            "J[i,j] = -sigma[i]*sigma[j]",
            OTHER,
            Jacobian("x", same=False),
        ),
        Said(
            (88, 89),
            "cross-entropy",
            "loss = -(sum[i] y[i]*log(sigma[i]))",
            LOSS,
            Forward("loss"),
            opened=True,
            remark="of one image; pellucid computes it from the logits",
        ),
        Said((91, 91), "gradient by the logits", "dz[i] = sigma[i] - y[i]", LOSS, Gradient("x")),
        Said(
            (94, 97),
            "gradient by the dense weights",
            "dW[i,j] = delta_[i]*x[j]",
            DENSE,
            Gradient("w"),
            remark="delta_ is the seed's δ, the gradient by the dense layer's output",
        ),
        Said(
            (100, 101),
            "gradient before the average-pool",
            "dx[i,j] = 1/4*dp[i//2,j//2]",
            POOL.read(**BACK),
            Gradient("x"),
        ),
        Said(
            (104, 107), "gradient before ReLU", "dx[i] = where(x[i] > 0, dy[i], 0)", RELU_BACK, Gradient("x")
        ),
        Said(
            (110, 111),
            "gradient by the filter",
            "dw[k,l] = sum[i,j] x[i + k,j + l]*dz[i,j]",
            CONV,
            Gradient("w"),
        ),
        Said(
            (123, 127),
            "step of a parameter",
            "theta_new[d] = theta_old[d] - alpha*dtheta[d]",
            UPDATE,
            Update(),
            {},
        ),
    ),
    shapes=(
        Shape((5, 5), "input 28 × 28", "x[0,0,h,l]", {"h": 28, "l": 28}, "conv1"),
        Shape((6, 6), "15 filters of 5 × 5", "w[k,0,u,v]", {"k": 15, "u": 5, "v": 5}, "conv1"),
        Shape((30, 30), "z 24 × 24", "y[0,k,i,j]", {"i": 24, "j": 24}, "conv1"),
        Shape((44, 44), "p 12 × 12", "y[0,c,i,j]", {"i": 12, "j": 12}, "avgpool1"),
        Shape((60, 60), "W out × in", "w[k,d]", {"k": "K", "d": "D"}, "dense1"),
        Shape((61, 61), "x in", "x[0,d]", {"d": "D"}, "dense1"),
        Shape((62, 62), "b out", "b[k]", {"k": "K"}, "dense1"),
        Shape((65, 65), "z n", "x[0,k]", {"k": "K"}, "loss"),
    ),
    sizes=(Size((30, 30), "rows of the convolution's output", "H - U + 1", padding="0"),),
    chains=(Chain((4, 11), ORDER),),
    examples=(),
    imprecise=(
        Imprecise(
            (16, 22),
            "defines a convolution, in which the filter is turned, and computes a cross-correlation, in "
            "which it is not",
            Differs.VALUE,
            stands(TURNED, CONV, Forward()),
        ),
        Imprecise(
            (18, 18),
            "defines it for rows of numbers without end, and uses it for images with edges",
            Differs.UNSAID,
            lacking(CONV, Forward()),
            exact="{}",
        ),
        Imprecise(
            (22, 28),
            "has no index of a filter, though there are 15, and sums no input channels",
            Differs.UNSAID,
            lacking(CONV, Forward()),
            exact="{}",
        ),
        Imprecise(
            (30, 30),
            "the output's size holds for stride 1 without padding only",
            Differs.SIZE,
            size=Size((30, 30), "", "H - U + 1", strides=(1, 2)),
            exact="floor((H + 2p - U)/s) + 1",
        ),
        Imprecise(
            (42, 42),
            "x is the input of every layer, and l the column of a window here and of a filter in line 22",
            Differs.ROLES,
            symbol="x",
            exact="the pool reads relu1, the convolution reads input",
        ),
        Imprecise(
            (22, 91),
            "z is the output of the convolution (22, 111) and the logits (67, 91)",
            Differs.ROLES,
            symbol="z",
            exact="each layer's output has the layer's name: conv1, dense1",
        ),
        Imprecise(
            (57, 104),
            "y is the output of the dense layer (57), the label (89) and the output of ReLU (104)",
            Differs.ROLES,
            symbol="y",
            exact="dense1, targets, relu1",
        ),
        Imprecise(
            (67, 67),
            "exp of a large logit overflows",
            Differs.FLOAT,
            stands(
                "sigma[i] = exp(z[i])/(sum[j] exp(z[j]))",
                Names("loss", {"sigma[i]": "prob[0,i]", "z[i]": "x[0,i]"}, {"i": "k", "j": "k'"}),
                Forward("prob"),
            ),
            exact="with m the largest logit and e = exp(x - m), t = sum of e: {}",
        ),
        Imprecise(
            (67, 67),
            "classes are counted from 1, everything else from 0",
            Differs.OUTSIDE,
            stands(
                "sigma[i] = exp(z[i])/(sum[j<10] exp(z[j + 1]))",
                Names("loss", {"sigma[i]": "prob[0,i]", "z[i]": "x[0,i]"}, {"i": "k", "j": "k'"}),
                Forward("prob"),
            ),
            exact="{}",
        ),
        Imprecise(
            (88, 91),
            "σ - y holds only if the elements of y add up to 1, which is not said",
            Differs.UNSAID,
            exact="assume sum[k] y[n,k] = 1, checked when labels are given",
        ),
        Imprecise(
            (88, 91),
            "does not show how the two cases of softmax lead to σ - y",
            Differs.UNSAID,
            lacking(LOSS, Gradient("x")),
            exact="`pellucid derive mnist-avgpool dense1`: {}",
        ),
        Imprecise(
            (93, 97),
            "says that δ comes from the layer before; it comes from the layer behind, which is nearer to the "
            "loss",
            Differs.UNSAID,
            lacking(DENSE, Gradient("w")),
            exact="dy is the gradient by the layer's own output: {}",
        ),
        Imprecise(
            (93, 97),
            "gives no gradient by the dense layer's bias",
            Differs.MISSING,
            lacking(DENSE, Gradient("b")),
        ),
        Imprecise(
            (93, 97),
            "gives no gradient by the dense layer's input, without which nothing gets to the convolution",
            Differs.MISSING,
            lacking(DENSE, Gradient("x")),
        ),
        Imprecise(
            (98, 100),
            "gives no gradient before flattening",
            Differs.MISSING,
            lacking(FLATTEN, Gradient("x"), {}),
        ),
        Imprecise(
            (101, 101),
            "reads a pooled row that there is not, if the number of rows is odd",
            Differs.OUTSIDE,
            stands("dx[i,j] = 1/4*dp[i//2,j//2]", POOL.read(**BACK), Gradient("x"), {}),
            network=Network([AveragePool2D(2)], (1, 5, 5), name="odd"),
        ),
        Imprecise(
            (111, 111),
            "gives no bounds to i and j",
            Differs.UNSAID,
            lacking(CONV, Gradient("w")),
            exact="{}",
        ),
        Imprecise(
            (109, 114),
            "gives no gradient by the convolution's bias",
            Differs.MISSING,
            lacking(CONV, Gradient("b")),
        ),
        Imprecise(
            (113, 114),
            "gives no bounds: near the edges it reads outputs that there are not",
            Differs.OUTSIDE,
            stands(
                "dx[i,j] = sum[f,k,l] w[f,k,l]*dz[f,i - k,j - l]",
                Names(
                    "conv1",
                    {"z[f,i,j]": "y[0,f,i,j]", "x[h,l]": "x[0,0,h,l]", "w[f,u,v]": "w[f,0,u,v]"},
                    {"k": "u", "l": "v", "f": "k", **BACK},
                ),
                Gradient("x"),
            ),
        ),
        Imprecise(
            (113, 114),
            "does not sum over the 15 filters",
            Differs.LETTER,
            stands(
                "dx[i,j] = sum[k,l : 0 <= i - k < I and 0 <= j - l < J] w[k,l]*dz[i - k,j - l]",
                CONV.read(**BACK),
                Gradient("x"),
            ),
        ),
        Imprecise(
            (118, 119),
            "writes the chain rule as one product, without the sum over all elements of y",
            Differs.UNSAID,
            lacking(DENSE, Start("w")),
            exact="{}",
        ),
    ),
    notation={(71, 72): "names the derivative of softmax", (97, 97): "names δ", (121, 121): "names θ"},
)
