"""The seeds' formulas in the language, each with the page and line where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SEED_GRADIENTS", "SeedGradient"]


@dataclass(frozen=True)
class SeedGradient:
    """A gradient as a seed writes it, in the seed's own letters.

    Attributes:
        where: seed and line (of several lines, that of the gradient first).
        forward: the seed's formula.
        gradient: the seed's gradient; conditions that it says in words or leaves unsaid are written out.
        letters: new names for the seed's, where a derivation has to choose letters of its own.
        constants: integer constants of the forward formula, by value or left open.
        padding: operands read beyond their edge, as the seed's text says.
        numbers: the shapes with which the seed's special case arises, if it is one.
    """

    where: str
    forward: str
    gradient: str
    letters: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)
    padding: Mapping[str, Mapping[int, object]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


# 002, line 34: b image, o and c output and input channel, m and n kernel row and column; its bias b is bias
CONVOLUTION_002 = "Y[b,o,i,j] = (sum[c,m,n] W[o,c,m,n]*X[b,c,s*i + m - p,s*j + n - p]) + bias[o]"
# 003, line 45 and its shapes; stride 1, no padding, one input channel; its h and w are p and q here
CONVOLUTION_003 = "Z[i,f,p,q] = (sum[u,v] X[i,p + u,q + v]*W[f,u,v]) + b[f]"
# 001, line 17
CONVOLUTION_001 = "Z[p,q,k] = (sum[i,j] X[p + i,q + j]*W[i,j,k]) + b[k]"
# 004, line 22
CONVOLUTION_004 = "z[i,j] = (sum[k,l] w[k,l]*x[i + k,j + l]) + b"
# 001, line 41; 003, line 114; 004, line 57; 000, line 86
DENSE_001 = "Z[k] = (sum[d] A[d]*W[d,k]) + b[k]"
DENSE_003 = "Z[n,k] = (sum[d] F[n,d]*W[d,k]) + b[k]"
DENSE_004 = "y[i] = (sum[j] W[i,j]*x[j]) + b[i]"
DENSE_000 = "z[i] = (sum[k] W[i,k]*h[k]) + b[i]"

SEED_GRADIENTS: tuple[SeedGradient, ...] = (
    SeedGradient(
        "002, lines 60 and 34",
        CONVOLUTION_002,
        "dbias[o] = sum[b,i,j] dY[b,o,i,j]",
        padding={"X": {2: "p", 3: "p"}},
    ),
    SeedGradient(
        "002, lines 69 and 34",
        CONVOLUTION_002,
        "dW[o,c,m,n] = sum[b,i,j] dY[b,o,i,j]*X[b,c,s*i + m - p,s*j + n - p]",
        padding={"X": {2: "p", 3: "p"}},
    ),
    SeedGradient(
        "002, lines 80, 83 and 34",
        CONVOLUTION_002,
        "dX[b,c,k,l] = sum[o,m,n : s | k + p - m and 0 <= (k + p - m)/s < I"
        " and s | l + p - n and 0 <= (l + p - n)/s < J] dY[b,o,(k + p - m)/s,(l + p - n)/s]*W[o,c,m,n]",
        letters={"k": "h"},
        padding={"X": {2: "p", 3: "p"}},
    ),
    SeedGradient(
        "003, lines 249 and 45", CONVOLUTION_003, "dW[f,u,v] = sum[i,p,q] dZ[i,f,p,q]*X[i,p + u,q + v]"
    ),
    SeedGradient("003, lines 250 and 45", CONVOLUTION_003, "db[f] = sum[i,p,q] dZ[i,f,p,q]"),
    SeedGradient(
        "003, lines 256 and 45",
        CONVOLUTION_003,
        "dX[i,h,w] = sum[f,u,v : 0 <= h - u < P and 0 <= w - v < Q] dZ[i,f,h - u,w - v]*W[f,u,v]",
        letters={"w": "l"},
    ),
    SeedGradient("001, lines 95 and 17", CONVOLUTION_001, "dW[i,j,k] = sum[p,q] dZ[p,q,k]*X[p + i,q + j]"),
    SeedGradient("001, lines 99 and 17", CONVOLUTION_001, "db[k] = sum[p,q] dZ[p,q,k]"),
    SeedGradient("004, lines 111 and 22", CONVOLUTION_004, "dw[k,l] = sum[i,j] x[i + k,j + l]*dz[i,j]"),
    SeedGradient(
        "004, lines 114 and 22",
        CONVOLUTION_004,
        "dx[h,o] = sum[k,l : 0 <= h - k < I and 0 <= o - l < J] w[k,l]*dz[h - k,o - l]",
    ),
    SeedGradient("001, lines 78 and 41", DENSE_001, "dW[d,k] = A[d]*dZ[k]"),
    SeedGradient("001, lines 80 and 41", DENSE_001, "db[k] = dZ[k]"),
    SeedGradient("003, lines 202 and 114", DENSE_003, "dW[d,k] = sum[n] F[n,d]*dZ[n,k]"),
    SeedGradient("003, lines 203 and 114", DENSE_003, "db[k] = sum[n] dZ[n,k]"),
    SeedGradient("003, lines 204 and 114", DENSE_003, "dF[n,d] = sum[k] dZ[n,k]*W[d,k]"),
    SeedGradient("004, lines 95 and 57", DENSE_004, "dW[i,j] = dy[i]*x[j]"),
    SeedGradient("000, line 86", DENSE_000, "dh[k] = sum[i] dz[i]*W[i,k]"),
    SeedGradient("001, lines 87 and 25", "A[p,q,k] = relu(Z[p,q,k])", "dZ[p,q,k] = dA[p,q,k]*[Z[p,q,k] > 0]"),
    SeedGradient("003, lines 233 and 66", "A[n] = relu(Z[n])", "dZ[n] = dA[n]*[Z[n] > 0]"),
    SeedGradient(
        "004, lines 104 and 35", "y[i] = where(x[i] > 0, x[i], 0)", "dx[i] = where(x[i] > 0, dy[i], 0)"
    ),
    SeedGradient(
        "004, lines 101 and 42",
        "p[i,j] = 1/4*(sum[k<2,l<2] x[2*i + k,2*j + l])",
        "dx[i,j] = 1/4*dp[i//2,j//2]",
        letters={"i": "h", "j": "o"},
        numbers={"x": (24, 24)},
    ),
    SeedGradient(
        "003, lines 223 and 90; 000, line 60",
        "P[c,p,q] = max[u<2,v<2] A[c,2*p + u,2*q + v]",
        "dA[c,h,l] = where(P_at[c,h//2,l//2] == 2*(h%2) + l%2, dP[c,h//2,l//2], 0)",
        numbers={"A": (16, 32, 32)},
    ),
    SeedGradient("003, lines 215 and 101", "F[n,(c,i,j)] = P[n,c,i,j]", "dP[n,c,i,j] = dF[n,(c,i,j)]"),
    SeedGradient("000, line 81", "h[(c,i,j)] = A[c,i,j]", "dA[c,i,j] = dh[(c,i,j)]"),
    SeedGradient("004, line 49", "f[(i,j,c)] = x[i,j,c]", "dx[i,j,c] = df[(i,j,c)]"),
    SeedGradient("000, lines 55 and 45", "A[c,i,j] = relu(S[c,i,j])", "dS[c,i,j] = dA[c,i,j]*[S[c,i,j] > 0]"),
)
