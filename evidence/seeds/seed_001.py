"""Seed 001: one convolution on gray images, forward and backward, learned image by image."""

from __future__ import annotations

from evidence.seeds.generated import Forward, Gradient, Update
from evidence.seeds.networks import ONE_CONVOLUTION
from evidence.seeds.record import Differs, Example, Imprecise, Names, Said, Seed, Size, lacking

__all__ = ["SEED"]

# No image and no input channel; filters last.
CONV = Names(
    "conv1",
    {"Zc[p,q,k]": "y[0,k,p,q]", "X[h,l]": "x[0,0,h,l]", "Wc[i,j,k]": "w[k,0,i,j]", "bc[k]": "b[k]"},
    {"p": "i", "q": "j", "i": "u", "j": "v"},
)
RELU = Names("relu1", {"Ac[p,q,k]": "y[0,k,p,q]", "Zc[p,q,k]": "x[0,k,p,q]"}, {"p": "i", "q": "j", "k": "c"})
FLATTEN = Names("flatten1", {"Af[d]": "y[0,d]", "Ac[p,q,k]": "x[0,k,p,q]"}, {"p": "i", "q": "j", "k": "c"})
# Weights the other way round.
DENSE = Names(
    "dense1", {"Zd[c]": "y[0,c]", "Af[d]": "x[0,d]", "Wd[d,c]": "w[c,d]", "bd[c]": "b[c]"}, {"c": "k"}
)
SOFTMAX = Names("loss", {"yhat[c]": "prob[0,c]", "Zd[c]": "x[0,c]", "y[c]": "y[0,c]"}, {"c": "k", "j": "k'"})
WEIGHT = Names("", {"W[d]": "p[d]", "new_W[d]": "new_p[d]", "dW[d]": "g[d]", "eta": "rate"})
BIAS = Names("", {"b[d]": "p[d]", "new_b[d]": "new_p[d]", "db[d]": "g[d]", "eta": "rate"})
CONVOLUTION = "Zc[p,q,k] = (sum[i,j] X[p + i,q + j]*Wc[i,j,k]) + bc[k]"

SEED = Seed(
    number="001",
    subject="one convolution on gray images, forward and backward, with a step after each image",
    network=ONE_CONVOLUTION,
    images=1,
    length=150,
    formulas=(
        Said((16, 18), "convolution", CONVOLUTION, CONV, Forward(), remark="one image of one channel"),
        Said((24, 26), "ReLU", "Ac[p,q,k] = maximum(0, Zc[p,q,k])", RELU, Forward()),
        Said((34, 36), "flatten", "Af[(p,q,k)] = Ac[p,q,k]", FLATTEN, Forward(), remark="channels last"),
        Said(
            (40, 42),
            "dense layer",
            "Zd[c] = (sum[d] Af[d]*Wd[d,c]) + bd[c]",
            DENSE,
            Forward(),
            remark="weights are (features, classes), pellucid's (classes, features)",
        ),
        Said(
            (48, 50),
            "softmax",
            "yhat[c] = exp(Zd[c])/(sum[j] exp(Zd[j]))",
            SOFTMAX,
            Forward("prob"),
            opened=True,
            remark="pellucid subtracts the largest logit first, which changes no probability",
        ),
        Said(
            (58, 62),
            "cross-entropy",
            "loss = -(sum[c] y[c]*log(yhat[c]))",
            SOFTMAX,
            Forward("loss"),
            opened=True,
            remark="of one image; pellucid computes it from the logits",
        ),
        Said((72, 74), "gradient by the logits", "dZd[c] = yhat[c] - y[c]", SOFTMAX, Gradient("x")),
        Said((78, 78), "gradient by the dense weights", "dWd[d,c] = Af[d]*dZd[c]", DENSE, Gradient("w")),
        Said((79, 80), "gradient by the dense bias", "dbd[c] = dZd[c]", DENSE, Gradient("b")),
        Said(
            (82, 82),
            "gradient before flattening, in words",
            "dAc[p,q,k] = dAf[(p,q,k)]",
            FLATTEN,
            Gradient("x"),
        ),
        Said(
            (86, 88), "gradient before ReLU", "dZc[p,q,k] = dAc[p,q,k]*[Zc[p,q,k] > 0]", RELU, Gradient("x")
        ),
        Said(
            (92, 96),
            "gradient by the filters",
            "dWc[i,j,k] = sum[p,q] dZc[p,q,k]*X[p + i,q + j]",
            CONV,
            Gradient("w"),
        ),
        Said((98, 100), "gradient by the filters' bias", "dbc[k] = sum[p,q] dZc[p,q,k]", CONV, Gradient("b")),
        Said((106, 110), "step of a weight", "new_W[d] = W[d] - eta*dW[d]", WEIGHT, Update(), {}),
        Said((112, 114), "step of a bias", "new_b[d] = b[d] - eta*db[d]", BIAS, Update(), {}),
    ),
    shapes=(),
    sizes=(
        Size((20, 20), "rows of the convolution's output", "H - k + 1", {"k": "U"}, padding="0"),
        Size((20, 20), "columns of the convolution's output", "W - k + 1", {"W": "H", "k": "U"}, padding="0"),
    ),
    chains=(),
    examples=(
        Example((122, 147), ((1, 2, 3), (4, 5, 6), (7, 8, 9)), ((1, 0), (0, -1)), value=-4, rectified=0),
    ),
    imprecise=(
        Imprecise(
            (17, 17),
            "sums no input channels: it holds for gray images only",
            Differs.UNSAID,
            lacking(CONV, Forward()),
            exact="{}",
        ),
        Imprecise(
            (17, 17),
            "gives no bounds to i, j, p and q",
            Differs.UNSAID,
            exact="0 ≤ u, v < 3 and 0 ≤ i, j < 26: sizes are solved from those of image and filter",
        ),
        Imprecise(
            (13, 143),
            "calls it a convolution, and line 144 works out a cross-correlation: the filter is not "
            "turned; the convolution of mathematics would give 4",
            Differs.UNSAID,
            exact="`Conv2D` is cross-correlation, `Conv2D(true_convolution=True)` the convolution",
        ),
        Imprecise(
            (17, 20),
            "k is the number of a filter (17) and the size of the filters (20)",
            Differs.ROLES,
            symbol="k",
            exact="k is a filter, U and V are the rows and columns of all filters",
        ),
        Imprecise(
            (17, 49),
            "c marks what belongs to the convolution (17) and is a class (49)",
            Differs.UNSAID,
            exact="layers have names, conv1 and dense1; k is a class",
        ),
        Imprecise(
            (17, 20),
            "W is the width of the image (20) and the weights (41)",
            Differs.UNSAID,
            exact="L is the width of the input, w the weights",
        ),
        Imprecise(
            (20, 20),
            "the output's size holds for stride 1 without padding only",
            Differs.SIZE,
            size=Size((20, 20), "", "H - k + 1", {"k": "U"}, strides=(1, 2)),
            exact="floor((H + 2p - U)/s) + 1",
        ),
        Imprecise(
            (35, 35),
            "does not say in which order the elements become a vector",
            Differs.UNSAID,
            lacking(FLATTEN, Forward()),
            exact="channels last, as the axes of line 17 stand: {}",
        ),
        Imprecise(
            (41, 41),
            "stores the dense weights as (features, classes), against custom and against seeds 000 and 004",
            Differs.UNSAID,
            lacking(DENSE, Forward()),
            exact="(classes, features): {}",
        ),
        Imprecise(
            (49, 61),
            "exp of a large logit overflows, and log of a probability that is rounded to 0 is infinite",
            Differs.UNSAID,
            lacking(SOFTMAX, Forward("l")),
            exact="with m the largest logit and t the sum of exp(x - m): {}",
        ),
        Imprecise(
            (73, 73),
            "holds only if the elements of y add up to 1, which is not said here",
            Differs.UNSAID,
            exact="assume sum[k] y[n,k] = 1, checked when labels are given",
        ),
        Imprecise(
            (82, 82),
            "reshapes a gradient by the flattened maps that no formula gives",
            Differs.UNSAID,
            lacking(DENSE, Gradient("x")),
            exact="{}",
        ),
        Imprecise(
            (95, 95),
            "gives no gradient by the input, which every layer below would need",
            Differs.UNSAID,
            lacking(CONV, Gradient("x")),
            exact="{}",
        ),
        Imprecise(
            (87, 87),
            "uses a dot for the product of elements, which in lines 41 and 78 is the product of matrices",
            Differs.UNSAID,
            lacking(RELU, Gradient("x")),
            exact="{}",
        ),
    ),
    notation={(148, 148): "names the layers that follow"},
)
