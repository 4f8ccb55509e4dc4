"""Seed 002: the convolutional layer in general, forward and backward."""

from __future__ import annotations

from evidence.seeds.generated import Forward, Gradient, Reading, Slope, Start
from evidence.seeds.networks import STRIDED
from evidence.seeds.record import Chain, Differs, Imprecise, Names, Said, Seed, Shape, Size, lacking, stands

__all__ = ["SEED"]

CONV = Names(
    "conv1",
    {"Y[b,o,i,j]": "y[b,o,i,j]", "X[b,c,h,l]": "x[b,c,h,l]", "W[o,c,m,n]": "w[o,c,m,n]", "bias[o]": "b[o]"},
    {"b": "n", "o": "k", "m": "u", "n": "v"},
)
INPUT = CONV.read(k="h")
RELU = Names("relu1", {"F[b,o,i,j]": "y[b,o,i,j]", "Y[b,o,i,j]": "x[b,o,i,j]"}, {"b": "n", "o": "c"})
POOL = Names(
    "maxpool1",
    {"P[b,o,i,j]": "y[b,o,i,j]", "P_at[b,o,i,j]": "y_at[b,o,i,j]", "F[b,o,h,l]": "x[b,o,h,l]"},
    {"b": "n", "o": "c", "m": "u", "n": "v"},
)
# No dilation, one padding for rows and columns.
PLAIN = {"a": "1", "q": "p"}
CONVOLUTION = "Y[b,o,i,j] = (sum[c,m,n] W[o,c,m,n]*X[b,c,s*i + m - p,s*j + n - p]) + bias[o]"
ROWS = {"M": "U", "R": "V"}
FULL = "dX[b,c,k,l] = sum[o,m,n] dY[b,o,k + m + p - M + 1,l + n + p - R + 1]*W[o,c,M - 1 - m,R - 1 - n]"

SEED = Seed(
    number="002",
    subject="the convolutional layer in general, with stride and padding, forward and backward",
    network=STRIDED,
    images=2,
    length=97,
    formulas=(
        Said(
            (33, 35),
            "convolution",
            CONVOLUTION,
            CONV,
            Forward(),
            PLAIN,
            remark="pellucid's has dilation a and a padding of its own for columns",
        ),
        Said((41, 41), "ReLU", "F[b,o,i,j] = maximum(0, Y[b,o,i,j])", RELU, Forward(), {}),
        Said(
            (43, 43),
            "max-pool, in words",
            "P[b,o,i,j] = max[m,n] F[b,o,s*i + m,s*j + n]",
            POOL,
            Forward(),
            {"p": "0", "q": "0"},
        ),
        Said(
            (59, 61), "gradient by the bias", "dbias[o] = sum[b,i,j] dY[b,o,i,j]", CONV, Gradient("b"), PLAIN
        ),
        Said(
            (68, 70),
            "gradient by the weights",
            "dW[o,c,m,n] = sum[b,i,j] dY[b,o,i,j]*X[b,c,s*i + m - p,s*j + n - p]",
            CONV,
            Gradient("w"),
            PLAIN,
        ),
        Said(
            (79, 83),
            "gradient by the input",
            "dX[b,c,k,l] = sum[o,m,n : s | k + p - m and 0 <= (k + p - m)/s < I"
            " and s | l + p - n and 0 <= (l + p - n)/s < J] dY[b,o,(k + p - m)/s,(l + p - n)/s]*W[o,c,m,n]",
            INPUT,
            Gradient("x"),
            PLAIN,
            remark="with the bounds of i and j, which the seed leaves out",
        ),
        Said(
            (75, 85),
            "gradient by the input as a full correlation with the turned kernel, in words",
            FULL,
            INPUT.read(**ROWS),
            Reading("x"),
            {**PLAIN, "s": "1"},
            remark="for stride 1; M and R are the kernel's rows and columns; dY is 0 beyond its edges",
        ),
        Said(
            (87, 87),
            "gradient before ReLU, in words",
            "dY[b,o,i,j] = dF[b,o,i,j]*[Y[b,o,i,j] > 0]",
            RELU,
            Gradient("x"),
            {},
        ),
        Said(
            (87, 87),
            "derivative of ReLU",
            "dY[b,o,i,j] = where(Y[b,o,i,j] > 0, 1, 0)",
            RELU,
            Slope("x"),
            {},
            remark="a factor of the gradient before ReLU",
        ),
        Said(
            (89, 89),
            "gradient before the max-pool, in words",
            "dF[b,o,h,l] = where(P_at[b,o,h//2,l//2] == 2*(h%2) + l%2, dP[b,o,h//2,l//2], 0)",
            POOL,
            Gradient("x"),
            remark="for windows of 2 × 2 that do not overlap",
        ),
    ),
    shapes=(
        Shape(
            (13, 13),
            "batch × channels × height × width",
            "x[n,c,h,l]",
            {"n": "N", "c": "C", "h": "H", "l": "L"},
            "conv1",
        ),
        Shape((22, 22), "X", "x[n,c,h,l]", {"n": "N", "c": "C", "h": "H", "l": "L"}, "conv1"),
        Shape((23, 23), "W", "w[k,c,u,v]", {"k": "K", "c": "C", "u": "U", "v": "V"}, "conv1"),
        Shape((24, 24), "b", "b[k]", {"k": "K"}, "conv1"),
        Shape((27, 27), "Y", "y[n,k,i,j]", {"n": "N", "k": "K", "i": "I", "j": "J"}, "conv1"),
        Shape((50, 50), "dY", "dy[n,k,i,j]", {"n": "N", "k": "K", "i": "I", "j": "J"}, "conv1"),
    ),
    sizes=(
        Size((27, 27), "rows of the output", "(H + 2*p - K)//s + 1", {"K": "U"}, strides=(1, 2, 3)),
        Size(
            (39, 39),
            '"same" padding keeps the rows, for odd kernels',
            "H",
            {"K": "U"},
            padding="(K - 1)//2",
            kernels=(1, 3, 5),
        ),
    ),
    chains=(Chain((5, 11), ("conv", "relu", "maxpool", "dense", "softmax"), missing=(3,)),),
    examples=(),
    imprecise=(
        Imprecise(
            (31, 34),
            "b is the image and the bias",
            Differs.CLASH,
            stands(
                "Y[b,o,i,j] = (sum[c,m,n] W[o,c,m,n]*X[b,c,s*i + m - p,s*j + n - p]) + b[o]",
                CONV,
                Forward(),
            ),
        ),
        Imprecise(
            (43, 80),
            "k is the size of a pooling window (43) and a row of the input (80)",
            Differs.UNSAID,
            exact="U and V are a window's rows and columns; h and l a row and a column of the input",
        ),
        Imprecise(
            (34, 39),
            "says that the indices never leave the input, but with padding they do",
            Differs.UNSAID,
            exact="an element beyond the edge, within the padding, is 0",
        ),
        Imprecise(
            (39, 39),
            "the padding floor((K - 1)/2) keeps the size for odd kernels only, and for stride 1",
            Differs.SIZE,
            size=Size((39, 39), "", "H", {"K": "U"}, padding="(K - 1)//2", kernels=(1, 2, 3, 4)),
            exact='padding="same" gives ceil(H/s) rows: of K - 1 rows around, an odd one is at the bottom',
        ),
        Imprecise(
            (43, 43),
            "gives no formula for pooling, and says nothing of padding, which must never win",
            Differs.UNSAID,
            lacking(POOL, Forward()),
            exact="{}",
        ),
        Imprecise(
            (72, 72),
            "writes the chain rule as one product, without the sum over all outputs",
            Differs.LETTER,
            stands("dW[o,c,m,n] = dY[b,o,i,j]*X[b,c,s*i + m - p,s*j + n - p]", CONV, Gradient("w")),
            exact="the sum that line 69 has: {}",
        ),
        Imprecise(
            (85, 85),
            "writes the chain rule as one product, without the sum over all outputs",
            Differs.UNSAID,
            lacking(CONV, Start("x")),
            exact="{}",
        ),
        Imprecise(
            (83, 83),
            "gives no bounds to i and j: near the edges it reads outputs that there are not",
            Differs.OUTSIDE,
            stands(
                "dX[b,c,k,l] = sum[o,m,n : s | k + p - m and s | l + p - n]"
                " dY[b,o,(k + p - m)//s,(l + p - n)//s]*W[o,c,m,n]",
                INPUT,
                Gradient("x"),
            ),
        ),
        Imprecise(
            (83, 83),
            "rounds down before it asks that nothing be left over; without the condition terms are added "
            "that do not exist",
            Differs.VALUE,
            stands(
                "dX[b,c,k,l] = sum[o,m,n : 0 <= (k + p - m)//s < I and 0 <= (l + p - n)//s < J]"
                " dY[b,o,(k + p - m)//s,(l + p - n)//s]*W[o,c,m,n]",
                INPUT,
                Gradient("x"),
            ),
            exact="exact divisions, of which only those without remainder count: {}",
        ),
        Imprecise(
            (77, 85),
            'pads the output\'s gradient "if needed", and names no amount; with a stride it must also be '
            "spread out",
            Differs.UNSAID,
            lacking(INPUT, Gradient("x")),
            exact="for stride 1: K - 1 - p rows of zeros; in general {}",
        ),
        Imprecise(
            (87, 87),
            "does not say what the derivative of ReLU belongs to: its input or its output; both give the "
            "same",
            Differs.UNSAID,
            lacking(RELU, Gradient("x")),
            exact="{}",
        ),
        Imprecise(
            (89, 89),
            "does not say which of equal elements gets the gradient, and what overlapping windows do",
            Differs.UNSAID,
            lacking(POOL, Gradient("x"), {}),
            exact="the first in row-major order, y_at; gradients of all windows are added: {}",
        ),
        Imprecise(
            (5, 11),
            "names a softmax, a loss and a descent, but gives no formula of the dense layer, of softmax, of "
            "the loss or of the update",
            Differs.UNSAID,
            exact="the article of the network has all of them",
        ),
        Imprecise(
            (93, 97),
            "the example is a link to a page elsewhere",
            Differs.UNSAID,
            exact="the article works one element of each layer out",
        ),
    ),
    notation={
        (25, 26): "names stride s and padding p",
        (31, 31): "names i, j, the image b and the channel",
        (47, 47): "names the loss L",
        (52, 54): "names the three gradients",
    },
)
