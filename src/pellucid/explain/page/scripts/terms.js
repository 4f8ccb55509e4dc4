// One number explained: the terms of every equation whose sum it is, those that vanish, and their total.

// Terms are {equation, factors, conditions, bounds, letters, value, size, cause}; the largest come first.
function explain(name, place) {
  const stored = element(name, place), uses = equationsOf(name);
  const shares = uses.map((equation) => shareOf(equation, lettersAt(equation, place), stored));
  const all = shares.flatMap((share) => share.terms);
  const terms = all.filter((term) => !term.cause).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const total = uses.length ? added(shares.map((s) => s.total)) : stored;
  const size = uses.length ? added(shares.map((s) => s.size)) : Math.abs(stored);
  const bound = known.tolerance * known.epsilon * size;
  const agrees = Object.is(total, stored) || total === stored || Math.abs(total - stored) <= bound;
  const vanished = ORDER.map((kind) => ({ kind, terms: all.filter((t) => t.cause && t.cause.kind === kind) }));
  return {
    name, place, reference: referenceTo(name, place), role: uses.length ? "" : known.roles[name],
    stored, total, size, bound, agrees, shares, terms, vanished: vanished.filter((v) => v.terms.length),
  };
}

// {equation, letters, terms, total, size}
function shareOf(equation, letters, stored) {
  if (equation.choice) {
    const { candidates, total, size } = choiceAt(equation, letters, stored);
    return { equation, letters, terms: candidates, total, size };
  }
  const terms = equation.sums.flatMap((sum) => termsOf(equation, sum, letters));
  return {
    equation, letters, terms, total: added(terms.map((t) => t.value)), size: added(terms.map((t) => t.size)),
  };
}

function termsOf(equation, { bounds, conditions, factors }, letters) {
  const found = [];
  forEach(bounds, letters, (inner) => {
    const cause = unmet(conditions, inner);
    const [value, size] = cause ? [0, 0] : multiplied(factors.map((factor) => evaluate(factor, inner)));
    found.push({
      equation, factors, conditions, bounds, letters: { ...inner }, value, size,
      cause: cause || (value === 0 ? zeroIn(factors, inner) : null),
    });
  });
  return found;
}

// The product as parts for `asText`.
function termParts(term) {
  return parts(term.factors.length > 1 ? ["*", ...term.factors] : term.factors[0], term.letters);
}

// The elements that a term and its conditions read, each once: {name, place, value}.
function operandsOf(term) {
  const found = new Map();
  for (const node of [...term.factors, ...term.conditions].flatMap(readsIn)) {
    if (!node[2].every((index) => [...lettersIn(index)].every((letter) => letter in term.letters))) continue;
    const place = placeRead(node, term.letters);
    if (place) found.set(referenceTo(node[1], place), { name: node[1], place, value: element(node[1], place) });
  }
  return [...found.values()];
}
