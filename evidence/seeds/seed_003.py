"""Seed 003: convolution, ReLU, max-pool and dense layer on gray images, forward and backward."""

from __future__ import annotations

from evidence.seeds.generated import Forward, Gradient, Scattered, Slope, Start, Update
from evidence.seeds.networks import MAX_POOL
from evidence.seeds.record import Chain, Differs, Imprecise, Names, Said, Seed, Shape, lacking, stands

__all__ = ["SEED"]

# Gray images; i is an image, f a filter, h and w a place, as in lines 249 to 256.
CONV = Names(
    "conv1",
    {"Z1[i,f,h,w]": "y[i,f,h,w]", "X[i,h,w]": "x[i,0,h,w]", "W1[f,u,v]": "w[f,0,u,v]", "b1[f]": "b[f]"},
    {"i": "n", "f": "k", "h": "i", "w": "j"},
)
# Elements of feature maps without their image and channel, as the seed writes them.
RELU = Names("relu1", {"A1[i,j]": "y[n,c,i,j]", "Z1[i,j]": "x[n,c,i,j]"})
POOL = Names("maxpool1", {"P1[i,j]": "y[n,c,i,j]", "A1[h,l]": "x[n,c,h,l]", "P1_at[i,j]": "y_at[n,c,i,j]"})
# In line 90 by other names.
POOL_90 = Names("maxpool1", {"P[i,j]": "y[n,c,i,j]", "X[h,l]": "x[n,c,h,l]"})
FLATTEN = Names("flatten1", {"F[n,d]": "y[n,d]", "P1[n,c,i,j]": "x[n,c,i,j]"})
# Weights the other way round.
DENSE = Names("dense1", {"Z2[n,k]": "y[n,k]", "F[n,d]": "x[n,d]", "W2[d,k]": "w[k,d]", "b2[k]": "b[k]"})
SOFTMAX = Names("loss", {"A2[i]": "prob[n,i]", "Z2[i]": "x[n,i]", "y[i]": "y[n,i]"}, {"i": "k", "j": "k'"})
UPDATE = Names("", {"W[d]": "p[d]", "new_W[d]": "new_p[d]", "dW[d]": "g[d]", "learning_rate": "rate"})
PRODUCT = "Z2[n,k] = (sum[d] F[n,d]*W2[d,k]) + b2[k]"
# One channel, stride 1, nothing around.
PLAIN = {"C": "1", "s": "1", "a": "1", "p": "0", "q": "0"}
ORDER = ("conv", "relu", "maxpool", "flatten", "dense", "softmax")

SEED = Seed(
    number="003",
    subject="one convolution and a max-pool on gray images of 28 × 28 pixels, forward and backward",
    network=MAX_POOL,
    images=2,
    length=296,
    formulas=(
        Said(
            (44, 51),
            "convolution",
            "Z1[i,f,h,w] = (sum[u<3,v<3] X[i,h + u,w + v]*W1[f,u,v]) + b1[f]",
            CONV,
            Forward(),
            remark="the seed's X_region is the part of X at place (h,w)",
        ),
        Said((65, 67), "ReLU", "A1[i,j] = maximum(0, Z1[i,j])", RELU, Forward()),
        Said(
            (79, 79),
            "max-pool, in words: regions of 2 × 2 that do not overlap",
            "P1[i,j] = max[u<2,v<2] A1[2*i + u,2*j + v]",
            POOL,
            Forward(),
        ),
        Said((101, 101), "flatten, in words", "F[n,(c,i,j)] = P1[n,c,i,j]", FLATTEN, Forward()),
        Said(
            (114, 121),
            "dense layer",
            PRODUCT,
            DENSE,
            Forward(),
            remark="weights are (features, classes), pellucid's (classes, features)",
        ),
        Said(
            (130, 132),
            "softmax",
            "A2[i] = exp(Z2[i])/(sum[j] exp(Z2[j]))",
            SOFTMAX,
            Forward("prob"),
            opened=True,
            remark="pellucid subtracts the largest logit first, which changes no probability",
        ),
        Said((196, 198), "dense layer, again", PRODUCT, DENSE, Forward()),
        Said(
            (202, 202),
            "gradient by the dense weights",
            "dW2[d,k] = sum[n] F[n,d]*dZ2[n,k]",
            DENSE,
            Gradient("w"),
        ),
        Said((203, 203), "gradient by the dense bias", "db2[k] = sum[n] dZ2[n,k]", DENSE, Gradient("b")),
        Said(
            (204, 204), "gradient by the features", "dF[n,d] = sum[k] dZ2[n,k]*W2[d,k]", DENSE, Gradient("x")
        ),
        Said(
            (213, 216), "gradient before flattening", "dP1[n,c,i,j] = dF[n,(c,i,j)]", FLATTEN, Gradient("x")
        ),
        Said(
            (222, 226),
            "gradient before the max-pool, in words",
            "dA1[h,l] = where(P1_at[h//2,l//2] == 2*(h%2) + l%2, dP1[h//2,l//2], 0)",
            POOL,
            Gradient("x"),
        ),
        Said((232, 234), "gradient before ReLU", "dZ1[i,j] = dA1[i,j]*[Z1[i,j] > 0]", RELU, Gradient("x")),
        Said(
            (236, 238),
            "derivative of ReLU",
            "dZ1[i,j] = where(Z1[i,j] > 0, 1, 0)",
            RELU,
            Slope("x"),
            remark="a factor of the gradient before ReLU, line 233",
        ),
        Said(
            (249, 249),
            "gradient by the filters",
            "dW1[f,u,v] = sum[i,h,w] dZ1[i,f,h,w]*X[i,h + u,w + v]",
            CONV,
            Gradient("w"),
            remark="the seed adds up place by place, `+=`",
        ),
        Said(
            (250, 250),
            "gradient by the filters' bias",
            "db1[f] = sum[i,h,w] dZ1[i,f,h,w]",
            CONV,
            Gradient("b"),
        ),
        Said(
            (253, 257),
            "gradient by the image",
            "dX[i,r,t] = sum[f,h,w,u,v] delta(h + u, r)*delta(w + v, t)*dZ1[i,f,h,w]*W1[f,u,v]",
            CONV.read(r="h", t="l"),
            Scattered("x", deltas=2),
            PLAIN,
            remark="the seed adds each product where it belongs, `+=`; the derivation then solves the deltas",
        ),
        Said(
            (288, 290), "step of a parameter", "new_W[d] = W[d] - learning_rate*dW[d]", UPDATE, Update(), {}
        ),
    ),
    shapes=(
        Shape((12, 12), "input 28 × 28", "x[n,0,h,l]", {"h": 28, "l": 28}, "conv1"),
        Shape((14, 14), "filters 3 × 3", "w[k,0,u,v]", {"u": 3, "v": 3}, "conv1"),
    ),
    sizes=(),
    chains=(
        Chain((11, 25), ORDER),
        Chain((148, 162), ORDER, backward=True),
        Chain((268, 280), ORDER, backward=True),
    ),
    examples=(),
    imprecise=(
        Imprecise(
            (45, 45),
            "writes the product of a region and a filter as `*`, which in line 233 is element by element; "
            "the sum is in the words only (34)",
            Differs.LETTER,
            stands("Z1[i,f,h,w] = X[i,h + u,w + v]*W1[f,u,v] + b1[f]", CONV, Forward()),
        ),
        Imprecise(
            (45, 51),
            "has neither filter, nor place, nor channel, and no sizes",
            Differs.UNSAID,
            lacking(CONV, Forward()),
            exact="{}; 8 filters and maps of 26 × 26",
        ),
        Imprecise(
            (34, 34),
            "calls a cross-correlation a convolution",
            Differs.UNSAID,
            exact="`Conv2D` is cross-correlation; `Conv2D(true_convolution=True)` is convolution",
        ),
        Imprecise(
            (90, 90),
            "pools without a stride: neighbouring windows overlap, against line 79",
            Differs.VALUE,
            stands("P[i,j] = max[u<2,v<2] X[i + u,j + v]", POOL_90, Forward()),
        ),
        Imprecise(
            (90, 90),
            "calls X what is the output of ReLU; X is the image elsewhere",
            Differs.ROLES,
            symbol="X",
            exact="the pool reads relu1, the convolution reads input",
        ),
        Imprecise(
            (101, 101),
            "does not say in which order the elements become a vector",
            Differs.UNSAID,
            lacking(FLATTEN, Forward()),
            exact="channels first, as line 249 orders axes: {}",
        ),
        Imprecise(
            (115, 115),
            "stores the dense weights as (features, classes), against custom and against seeds 000 and 004",
            Differs.UNSAID,
            lacking(DENSE, Forward()),
            exact="(classes, features): {}",
        ),
        Imprecise(
            (131, 131),
            "exp of a large logit overflows",
            Differs.FLOAT,
            stands("A2[i] = exp(Z2[i])/(sum[j] exp(Z2[j]))", SOFTMAX, Forward("prob")),
            exact="with m the largest logit of the image and e = exp(x - m), t = sum of e: {}",
        ),
        Imprecise(
            (171, 171),
            "writes the chain rule as one product, without the sum over all elements",
            Differs.LETTER,
            stands(
                "dF[n,d] = dZ2[n,k]*W2[d,k]",
                DENSE,
                Gradient("x"),
            ),
            exact="of the dense layer {}",
        ),
        Imprecise(
            (174, 174),
            "says that dL is the loss; it is L",
            Differs.UNSAID,
            lacking(DENSE, Start("x")),
            exact="dx is the gradient of the loss by x: {}",
        ),
        Imprecise(
            (180, 189),
            "never writes the loss down",
            Differs.MISSING,
            lacking(SOFTMAX, Forward("loss")),
            exact="the mean over images of the cross-entropy: {}",
        ),
        Imprecise(
            (184, 184),
            "forgets 1/N: the loss of a batch is a mean, and lines 203, 249 and 250 sum over its images",
            Differs.VALUE,
            stands(
                "dZ2[n,k] = A2[n,k] - y[n,k]",
                Names("loss", {"A2[n,k]": "prob[n,k]", "Z2[n,k]": "x[n,k]", "y[n,k]": "y[n,k]"}),
                Gradient("x"),
            ),
        ),
        Imprecise(
            (203, 203),
            "does not say over what db2 sums: over images, and not over classes",
            Differs.UNSAID,
            lacking(DENSE, Gradient("b")),
            exact="{}",
        ),
        Imprecise(
            (222, 226),
            "does not say which of equal elements gets the gradient; after ReLU many are 0",
            Differs.UNSAID,
            lacking(POOL, Gradient("x")),
            exact="the first in row-major order, whose place is y_at: {}",
        ),
        Imprecise(
            (249, 256),
            "gives no bounds to i, h and w, and begins with sums that are never set to 0",
            Differs.UNSAID,
            lacking(CONV, Gradient("w")),
            exact="{}",
        ),
        Imprecise(
            (289, 289),
            "names the step for weights only",
            Differs.UNSAID,
            lacking(UPDATE, Update(), {}),
            exact="of weights and biases: {}",
        ),
    ),
    notation={
        (262, 262): "names the gradient by the image",
        (184, 188): "names the probabilities and the label",
        (153, 153): "names the gradients of the dense layer",
        (161, 161): "names the gradients of the convolution",
        (259, 261): "names the gradients of the convolution",
        (170, 174): "the chain rule",
        (87, 91): "a pool of windows that overlap",
        (182, 185): "the gradient by the logits, without 1/N",
    },
)
