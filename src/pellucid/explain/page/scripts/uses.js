// Who uses a number: for every read of its array, the letters at which the read hits the element.

// [{reference, term}], those with the largest terms first.
function usesOf(name, place) {
  const found = new Map();
  for (const equation of known.equations) {
    sumsOf(equation).forEach((sum, number) => {
      for (const read of [...sum.factors, ...sum.conditions].flatMap(readsIn)) {
        if (read[1] !== name) continue;
        for (const use of hits(equation, sum, read, place)) found.set(`${number} ${use.key}`, use);
      }
    });
  }
  return [...found.values()].sort((a, b) => Math.abs(b.term.value) - Math.abs(a.term.value));
}

function sumsOf(equation) {
  if (!equation.choice) return equation.sums;
  return [{ bounds: equation.value[2], conditions: [], factors: [equation.value[3]] }];
}

function hits(equation, sum, read, place) {
  const extents = { ...equation.letters, ...Object.fromEntries(sum.bounds) };
  const free = new Set(read[2].flatMap((index) => [...lettersIn(index)]));
  if ([...free].some((letter) => !(letter in extents))) return []; // bound by a sum inside the factor
  return solutions(read, place, extents).map((letters) => {
    const target = equation.axes.map((axis) => axis.reduce((flat, s) => flat * extents[s] + letters[s], 0));
    const term = equation.choice ? candidateAt(equation, target, letters) : termAt(equation, sum, letters);
    const reference = referenceTo(equation.of, target);
    return { key: `${reference} ${equation.through} ${JSON.stringify(letters)}`, reference, term };
  });
}

function termAt(equation, sum, letters) {
  return termsOf(equation, { ...sum, bounds: [] }, letters)[0];
}

function candidateAt(equation, target, letters) {
  const { candidates } = choiceAt(equation, lettersAt(equation, target), element(equation.of, target));
  return candidates.find((c) => c.bounds.every(([letter]) => c.letters[letter] === letters[letter]));
}

// All values of the letters with which a read hits the element: axes that share letters are solved together.
function solutions(read, place, extents) {
  let groups = [];
  read[2].forEach((index, axis) => {
    const letters = lettersIn(index), joined = { letters, axes: [axis] }, apart = [];
    for (const group of groups) {
      if ([...group.letters].some((letter) => letters.has(letter))) {
        group.letters.forEach((letter) => letters.add(letter));
        joined.axes.push(...group.axes);
      } else apart.push(group);
    }
    groups = [...apart, joined];
  });
  const held = new Set(groups.flatMap((group) => [...group.letters]));
  const lone = Object.keys(extents).filter((letter) => !held.has(letter));
  groups.push(...lone.map((letter) => ({ letters: new Set([letter]), axes: [] })));
  const choices = groups.map(({ letters, axes }) => {
    const found = [], bounds = [...letters].map((letter) => [letter, extents[letter]]);
    const hits = (inner) => axes.every((axis) =>
      isExact(read[2][axis], inner) && whole(read[2][axis], inner) === place[axis]);
    forEach(bounds, {}, (inner) => { if (hits(inner)) found.push({ ...inner }); });
    return found;
  });
  return choices.reduce((all, some) => all.flatMap((a) => some.map((b) => ({ ...a, ...b }))), [{}]);
}
