// Maxima and minima: the candidates at one place, which is chosen, and why the others are not.

// {candidates, chosen, total, size}; candidates are terms, the chosen one without a cause.
function choiceAt(equation, letters, stored) {
  const [, op, bounds, body] = equation.value, candidates = [];
  forEach(bounds, letters, (inner) => {
    const [value, size] = evaluate(body, inner);
    const valid = readsIn(body).every((r) => placeRead(r, inner));
    candidates.push({ equation, factors: [body], conditions: [], bounds, letters: { ...inner }, value, size, valid });
  });
  const wantsPosition = op.startsWith("arg"), largest = op.endsWith("max");
  let chosen = firstBest(candidates, largest);
  if (wantsPosition && isAsGood(candidates, chosen, stored)) chosen = stored;
  const best = candidates[chosen];
  candidates.forEach((candidate, place) => {
    candidate.cause = place === chosen ? null : whyNotChosen(candidate, best, largest);
  });
  const [total, size] = wantsPosition ? [chosen, 0] : [best.value, best.size];
  return { candidates, chosen, total, size };
}

// The first of equals, but the last that is no number.
function firstBest(candidates, largest) {
  let best = -1;
  candidates.forEach(({ value, valid }, place) => {
    const current = best < 0 ? null : candidates[best].value;
    if (valid && (best < 0 || isNaN(value) || (largest ? value > current : value < current))) best = place;
  });
  return Math.max(best, 0);
}

// Whether another position differs from the best by rounding alone: then the engine decides.
function isAsGood(candidates, best, position) {
  const here = candidates[position];
  if (!here || !here.valid || here.value === candidates[best].value) return false;
  const bound = known.tolerance * known.epsilon * candidates[best].size;
  return Math.abs(here.value - candidates[best].value) <= bound;
}

function whyNotChosen(candidate, best, largest) {
  const what = largest ? "largest" : "smallest";
  if (!candidate.valid) return { kind: "padding", reason: "padding is never chosen" };
  const reason = candidate.value === best.value
    ? `${shown(candidate.value)} is the ${what} too, but another was found first`
    : `${shown(candidate.value)} is not the ${what}, ${shown(best.value)}`;
  return { kind: "maximum", reason };
}
