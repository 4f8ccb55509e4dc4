// Indices: lists of terms, each a coefficient followed by letters and divisions, [[2, "i"], [1, "u"], [-1]].

// Its value where the letters have these values; divisions are rounded down.
function whole(index, letters) {
  return polynomial(index, letters, (above, below) => Math.floor(above / below));
}

// Its value used as a number: an exact quotient may be a fraction.
function fraction(index, letters) {
  return polynomial(index, letters, (above, below, sign) =>
    sign === "/" ? above / below : Math.floor(above / below));
}

function polynomial(index, letters, divided) {
  let total = 0;
  for (const term of index) {
    let product = term[0];
    for (let place = 1; place < term.length; place++) {
      const atom = term[place];
      if (typeof atom === "string") {
        product *= letters[atom];
      } else {
        const [sign, numerator, divisor] = atom;
        const above = whole(numerator, letters), below = whole(divisor, letters);
        product *= sign === "%" ? above - below * Math.floor(above / below) : divided(above, below, sign);
      }
    }
    total += product;
  }
  return total;
}

// Whether the divisions in it that must be exact leave no remainder.
function isExact(index, letters) {
  for (const [sign, numerator, divisor] of atomsOf(index)) {
    if (sign === "/" && whole(numerator, letters) % whole(divisor, letters) !== 0) return false;
  }
  return true;
}

function* atomsOf(index) {
  for (const term of index) {
    for (let place = 1; place < term.length; place++) {
      if (typeof term[place] !== "string") yield term[place];
    }
  }
}

// Every letter in it, at any depth.
function lettersIn(index) {
  const found = new Set();
  for (const term of index) {
    for (const atom of term.slice(1)) {
      if (typeof atom === "string") found.add(atom);
      else for (const part of atom.slice(1)) lettersIn(part).forEach((letter) => found.add(letter));
    }
  }
  return found;
}

// The letters of an equation's left side at the element with these indices.
function lettersAt(equation, place) {
  const letters = {};
  equation.axes.forEach((axis, number) => {
    let rest = place[number];
    for (const letter of [...axis].reverse()) {
      const extent = equation.letters[letter];
      letters[letter] = rest % extent;
      rest = Math.floor(rest / extent);
    }
  });
  return letters;
}

// Calls `visit` with the letters extended by every combination of the bound ones.
function forEach(bounds, letters, visit) {
  const inner = { ...letters };
  const descend = (depth) => {
    if (depth === bounds.length) return visit(inner);
    const [letter, extent] = bounds[depth];
    for (let value = 0; value < extent; value++) {
      inner[letter] = value;
      descend(depth + 1);
    }
  };
  descend(0);
}
