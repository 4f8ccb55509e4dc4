// Values and conditions of equations at chosen letters.  A value comes with the size of what it was added up
// from, the sum of the absolute values of its terms, which says how far rounding may have moved it.

const SLOPES = {
  exp: [Math.exp, (a, f) => f],
  log: [Math.log, (a) => 1 / a],
  sqrt: [Math.sqrt, (a, f) => 0.5 / f],
  abs: [Math.abs, () => 1],
  tanh: [Math.tanh, (a, f) => 1 - f * f],
  sigmoid: [(a) => 1 / (1 + Math.exp(-a)), (a, f) => f * (1 - f)],
  relu: [(a) => (a > 0 || isNaN(a) ? a : 0), (a) => (a > 0 ? 1 : 0)],
  erf: [erf, (a) => 2 / Math.sqrt(Math.PI) * Math.exp(-a * a)],
};
const CHOICES = { maximum: Math.max, minimum: Math.min };
const COMPARISONS = {
  "==": (a, b) => a === b, "!=": (a, b) => a !== b, "<": (a, b) => a < b,
  "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};

const exactly = (value) => [value, Math.abs(value)];

const VALUES = {
  number: (node) => exactly(node[1]),
  constant: (node) => exactly(node[2]),
  index: (node, letters) => exactly(fraction(node[1], letters)),
  read: (node, letters) => (known.computed.includes(node[1]) ? computed(node, letters) : exactly(read(node, letters))),
  "+": (node, letters) => {
    let value = 0, size = 0;
    for (const part of node.slice(1)) {
      const [v, s] = evaluate(part, letters);
      value += v;
      size += s;
    }
    return [value, size];
  },
  "*": (node, letters) => multiplied(node.slice(1).map((part) => evaluate(part, letters))),
  "^": (node, letters) => {
    const [base, size] = evaluate(node[1], letters), [exponent] = evaluate(node[2], letters);
    const value = base ** exponent, slack = base === 0 ? 0 : size / Math.abs(base) - 1;
    return [value, Math.abs(value) * (1 + Math.max(1, Math.abs(exponent)) * slack)];
  },
  call: (node, letters) => {
    const parts = node.slice(2).map((part) => evaluate(part, letters));
    if (node[1] in CHOICES) {
      return [CHOICES[node[1]](...parts.map((p) => p[0])), Math.max(...parts.map((p) => p[1]))];
    }
    const [f, slope] = SLOPES[node[1]], [argument, size] = parts[0], value = f(argument);
    const inner = node[2][0] === "read" ? 0 : size;
    return [value, Math.abs(value) + Math.abs(slope(argument, value)) * inner];
  },
  delta: (node, letters) => exactly(whole(node[1], letters) === whole(node[2], letters) ? 1 : 0),
  where: (node, letters) => evaluate(holds(node[1], letters) ? node[2] : node[3], letters),
  reduce: (node, letters) => {
    const found = [];
    forEach(node[2], letters, (inner) => found.push(evaluate(node[3], inner)));
    if (node[1] === "max" || node[1] === "min") {
      const pick = node[1] === "max" ? Math.max : Math.min;
      return [found.reduce((most, f) => pick(most, f[0]), found[0][0]), Math.max(...found.map((f) => f[1]))];
    }
    const count = node[1] === "mean" ? found.length : 1;
    return [added(found.map((f) => f[0])) / count, added(found.map((f) => f[1])) / count];
  },
};

const CONDITIONS = {
  divides: (node, letters) => whole(node[2], letters) % whole(node[1], letters) === 0,
  within: (node, letters) => {
    const place = whole(node[1], letters);
    return place >= 0 && place < whole(node[2], letters);
  },
  and: (node, letters) => node.slice(1).every((part) => holds(part, letters)),
  or: (node, letters) => node.slice(1).some((part) => holds(part, letters)),
  not: (node, letters) => !holds(node[1], letters),
};

// [value, size]
function evaluate(node, letters) {
  return typeof node === "number" ? exactly(node) : VALUES[node[0]](node, letters);
}

function holds(node, letters) {
  if (node[0] in CONDITIONS) return CONDITIONS[node[0]](node, letters);
  return COMPARISONS[node[0]](evaluate(node[1], letters)[0], evaluate(node[2], letters)[0]);
}

// The element that is read, 0 outside of the array: in its padding.
function read([, name, indices], letters) {
  const { shape, values } = tensor(name);
  let flat = 0;
  for (let axis = 0; axis < indices.length; axis++) {
    const index = whole(indices[axis], letters);
    if (index < 0 || index >= shape[axis] || !isExact(indices[axis], letters)) return 0;
    flat = flat * shape[axis] + index;
  }
  return values[flat];
}

const computedOnce = new Map();

// An element that the run has not kept: with the size of the sum from which it comes.
function computed(node, letters) {
  const place = placeRead(node, letters), name = node[1];
  if (!place) return [0, 0];
  const key = referenceTo(name, place);
  if (!computedOnce.has(key)) {
    const [equation] = equationsOf(name);
    computedOnce.set(key, evaluate(equation.value, lettersAt(equation, place)));
  }
  return computedOnce.get(key);
}

// The indices of the element that is read, or null if there is none.
function placeRead([, name, indices], letters) {
  const place = indices.map((index) => whole(index, letters));
  const exact = indices.every((index) => isExact(index, letters));
  return exact && isInside(known.tensors[name].shape, place) ? place : null;
}

function multiplied(parts) {
  return parts.reduce(([v, s], [value, size]) => [v * value, s * size], [1, 1]);
}

// The sum, with what rounding takes from it added back at the end (Neumaier's way).
function added(numbers) {
  let sum = 0, lost = 0;
  for (const x of numbers) {
    const next = sum + x;
    if (isFinite(next)) lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return sum + lost;
}

// 2/sqrt(pi) e^(-x^2) (x + 2x^3/3 + 4x^5/15 + ...): no term cancels another.
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

// All reads in a node, parents first.
function readsIn(node) {
  if (!Array.isArray(node)) return [];
  if (node[0] === "read") return [node];
  return node.slice(1).flatMap(readsIn);
}
