"""Seed 000: the forward pass of two convolutions on colour images; the backward pass is only announced."""

from __future__ import annotations

from evidence.seeds.generated import Forward, Gradient
from evidence.seeds.networks import TWO_CONVOLUTIONS
from evidence.seeds.record import Chain, Differs, Imprecise, Names, Said, Seed, Shape, lacking, stands

__all__ = ["SEED"]

# Channels are summed from 1, everything else counts from 0.
CONV1 = Names(
    "conv1",
    {
        "S1[k,i,j]": "y[0,k,i,j]",
        "W1[k,c,u,v]": "w[k,c - 1,u,v]",
        "b1[k]": "b[k]",
        "X[c,h,l]": "x[0,c - 1,h,l]",
    },
    {"c": "k", "c'": "c"},
)
CONV2 = Names(
    "conv2",
    {
        "S2[k,i,j]": "y[0,k,i,j]",
        "W2[k,c,u,v]": "w[k,c - 1,u,v]",
        "b2[k]": "b[k]",
        "P1[c,h,l]": "x[0,c - 1,h,l]",
    },
    {"c": "k", "c'": "c"},
)
RELU1 = Names("relu1", {"A1[c,i,j]": "y[0,c,i,j]", "S1[c,i,j]": "x[0,c,i,j]"})
RELU2 = Names("relu2", {"A2[c,i,j]": "y[0,c,i,j]", "S2[c,i,j]": "x[0,c,i,j]"})
POOL = Names("maxpool1", {"P1[c,i,j]": "y[0,c,i,j]", "A1[c,h,l]": "x[0,c,h,l]"}, {"p": "i", "q": "j"})
FLATTEN = Names("flatten1", {"h[d]": "y[0,d]", "A2[c,i,j]": "x[0,c,i,j]"})
# Features and classes count from 1.
DENSE = Names(
    "dense1",
    {"z[k]": "y[0,k]", "Wfc[k,d]": "w[k,d - 1]", "bfc[k]": "b[k]", "h[d]": "x[0,d - 1]"},
    {"i": "k", "k": "d"},
)
SOFTMAX = Names(
    "loss",
    {"p[k]": "prob[0,k - 1]", "z[k]": "x[0,k - 1]", "y[k]": "y[0,k - 1]"},
    {"i": "k", "j": "k'"},
)
CONVOLUTION = (
    "S{n}[c,i,j] = (sum[c'<{channels},u<3,v<3] W{n}[c,c' + 1,u,v]*{x}[c' + 1,i + u - p,j + v - p]) + b{n}[c]"
)
FIRST = CONVOLUTION.format(n=1, channels=3, x="X")
SECOND = CONVOLUTION.format(n=2, channels=16, x="P1")
FROM_1 = "channels from 1 to {}: counted from 0, one less each"

SEED = Seed(
    number="000",
    subject="the forward pass of a network of two convolutions on colour images of 32 × 32 pixels",
    network=TWO_CONVOLUTIONS,
    images=1,
    length=98,
    formulas=(
        Said((44, 50), "first convolution", FIRST, CONV1, Forward(), remark=FROM_1.format(3)),
        Said((53, 55), "first ReLU", "A1[c,i,j] = maximum(0, S1[c,i,j])", RELU1, Forward()),
        Said((58, 62), "max-pool", "P1[c,p,q] = max[u<2,v<2] A1[c,2*p + u,2*q + v]", POOL, Forward()),
        Said((65, 71), "second convolution", SECOND, CONV2, Forward(), remark=FROM_1.format(16)),
        Said((74, 76), "second ReLU", "A2[c,i,j] = maximum(0, S2[c,i,j])", RELU2, Forward()),
        Said(
            (79, 82),
            "flatten",
            "h[(c,i,j)] = A2[c,i,j]",
            FLATTEN,
            Forward(),
            remark="(c,i,j) is the seed's c·256 + i·16 + j, counted from 0",
        ),
        Said(
            (85, 87),
            "dense layer",
            "z[i] = (sum[k<8192] Wfc[i,k + 1]*h[k + 1]) + bfc[i]",
            DENSE,
            Forward(),
            remark="features from 1 to 8192",
        ),
        Said(
            (90, 92),
            "softmax",
            "p[i] = exp(z[i])/(sum[j<10] exp(z[j + 1]))",
            SOFTMAX,
            Forward("prob"),
            opened=True,
            remark="pellucid subtracts the largest logit first, which changes no probability",
        ),
        Said(
            (95, 98),
            "cross-entropy",
            "loss = -(sum[i<10] y[i + 1]*log(p[i + 1]))",
            SOFTMAX,
            Forward("loss"),
            opened=True,
            remark="of one image; pellucid computes it from the logits",
        ),
    ),
    shapes=(
        Shape((22, 22), "input 32 × 32 × 3", "x[0,c,h,l]", {"h": 32, "l": 32, "c": 3}, "conv1"),
        Shape((23, 23), "Conv1 32 × 32 × 16", "y[0,k,i,j]", {"i": 32, "j": 32, "k": 16}, "conv1"),
        Shape((24, 24), "MaxPool1 16 × 16 × 16", "y[0,c,i,j]", {"i": 16, "j": 16, "c": 16}, "maxpool1"),
        Shape((25, 25), "Conv2 16 × 16 × 32", "y[0,k,i,j]", {"i": 16, "j": 16, "k": 32}, "conv2"),
        Shape((26, 26), "Flatten 8192", "y[0,d]", {"d": 8192}, "flatten1"),
        Shape((27, 27), "FC1 10", "y[0,k]", {"k": 10}, "dense1"),
        Shape((35, 35), "X 3 × 32 × 32", "x[0,c,h,l]", {"c": 3, "h": 32, "l": 32}, "conv1"),
        Shape((36, 36), "W1 16 × 3 × 3 × 3", "w[k,c,u,v]", {"k": 16, "c": 3, "u": 3, "v": 3}, "conv1"),
        Shape((36, 36), "b1 16", "b[k]", {"k": 16}, "conv1"),
        Shape((37, 37), "W2 32 × 16 × 3 × 3", "w[k,c,u,v]", {"k": 32, "c": 16, "u": 3, "v": 3}, "conv2"),
        Shape((37, 37), "b2 32", "b[k]", {"k": 32}, "conv2"),
        Shape((38, 38), "Wfc 10 × 8192", "w[k,d]", {"k": 10, "d": 8192}, "dense1"),
        Shape((38, 38), "bfc 10", "b[k]", {"k": 10}, "dense1"),
        Shape((43, 43), "S1 16 × 32 × 32", "y[0,k,i,j]", {"k": 16, "i": 32, "j": 32}, "conv1"),
        Shape((52, 52), "A1 16 × 32 × 32", "y[0,c,i,j]", {"c": 16, "i": 32, "j": 32}, "relu1"),
        Shape((57, 57), "P1 16 × 16 × 16", "y[0,c,i,j]", {"c": 16, "i": 16, "j": 16}, "maxpool1"),
        Shape((64, 64), "S2 32 × 16 × 16", "y[0,k,i,j]", {"k": 32, "i": 16, "j": 16}, "conv2"),
        Shape((73, 73), "A2 32 × 16 × 16", "y[0,c,i,j]", {"c": 32, "i": 16, "j": 16}, "relu2"),
        Shape((78, 78), "h 8192", "y[0,d]", {"d": 8192}, "flatten1"),
        Shape((84, 84), "z 10", "y[0,k]", {"k": 10}, "dense1"),
        Shape((89, 89), "p 10", "prob[0,k]", {"k": 10}, "loss"),
    ),
    sizes=(),
    chains=(
        Chain((7, 17), ("conv", "maxpool", "conv", "flatten", "dense"), missing=(1, 4, 7)),
        Chain((20, 27), ("conv", "maxpool", "conv", "flatten", "dense"), missing=(1, 4, 7)),
    ),
    examples=(),
    imprecise=(
        Imprecise(
            (2, 2),
            "announces a backward pass with its derivations, but ends with the loss",
            Differs.UNSAID,
            exact="the article derives the gradients of all layers, from the loss back to the input: "
            "`pellucid derive cifar-two-conv`",
        ),
        Imprecise(
            (7, 27),
            "the chart and the table leave out both ReLUs and the softmax, which the text has",
            Differs.UNSAID,
            exact="conv1, relu1, maxpool1, conv2, relu2, flatten1, dense1, softmax",
        ),
        Imprecise(
            (22, 26),
            "the table gives rows × columns × channels, the text channels × rows × columns (lines 35 to 78)",
            Differs.UNSAID,
            exact="channels × rows × columns; line 81 needs it: 8192 = 32·16·16 features ordered by c, i, j",
        ),
        Imprecise(
            (44, 50),
            "channels are counted from 1, where the flattening counts them from 0 (line 81)",
            Differs.OUTSIDE,
            stands(
                FIRST,
                Names(
                    "conv1",
                    {**CONV1.tensors, "W1[k,c,u,v]": "w[k,c,u,v]", "X[c,h,l]": "x[0,c,h,l]"},
                    CONV1.letters,
                ),
                Forward(),
            ),
        ),
        Imprecise(
            (48, 48),
            "does not say what X is at row -1 and row 32, which it reads as p = 1",
            Differs.UNSAID,
            exact="an element beyond the edge, within the padding, is 0",
        ),
        Imprecise(
            (39, 91),
            "p is the padding (39), the row of a pooled map (59) and a probability (91)",
            Differs.ROLES,
            symbol="p",
            exact="p and q are the padding of rows and columns, i and j a row and a column of the output, "
            "prob is a probability",
        ),
        Imprecise(
            (45, 91),
            "i is a row (45) and a class (86, 91)",
            Differs.ROLES,
            symbol="i",
            exact="i is a row of the output, k a class",
        ),
        Imprecise(
            (81, 86),
            "the dense layer sums features 1 to 8192 of a vector whose elements are numbered 0 to 8191",
            Differs.OUTSIDE,
            stands(
                "z[i] = (sum[k<8192] Wfc[i,k + 1]*h[k + 1]) + bfc[i]",
                Names("dense1", {**DENSE.tensors, "Wfc[k,d]": "w[k,d]", "h[d]": "x[0,d]"}, DENSE.letters),
                Forward(),
            ),
        ),
        Imprecise(
            (59, 61),
            "does not say which of equal elements is the maximum; after ReLU many are 0, and the gradient "
            "depends on it",
            Differs.UNSAID,
            lacking(POOL, Gradient("x")),
            exact="the first in row-major order, whose place is y_at; gradient: {}",
        ),
        Imprecise(
            (91, 96),
            "exp of a large logit overflows, and log of a probability that is rounded to 0 is infinite",
            Differs.UNSAID,
            lacking(SOFTMAX, Forward("l")),
            exact="with m the largest logit and t the sum of exp(x - m): {}",
        ),
        Imprecise(
            (96, 96),
            "is the loss of one image; of a batch nothing is said",
            Differs.UNSAID,
            exact="the mean over the images: loss = mean[n] l[n]",
        ),
    ),
    notation={
        (39, 39): "padding 1, stride 1, window 2 × 2 and stride 2 of the pool: `conv1`, `conv2`, `maxpool1`",
    },
)
