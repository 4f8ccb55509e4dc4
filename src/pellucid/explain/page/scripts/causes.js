// Why a term vanishes.

const KINDS = {
  stride: "a division of indices leaves a remainder",
  range: "an index lies outside its range",
  padding: "the element lies in the padding, which is 0",
  maximum: "the element is not the one that was chosen",
  condition: "a condition does not hold",
  zero: "a factor is 0",
};
const ORDER = Object.keys(KINDS);

// {kind, reason} of the first condition that does not hold, or null.
function unmet(conditions, letters) {
  const failed = conditions.filter((condition) => !holds(condition, letters));
  if (!failed.length) return null;
  const [condition] = failed.sort((a, b) => ORDER.indexOf(kindOf(a)) - ORDER.indexOf(kindOf(b)));
  return { kind: kindOf(condition), reason: whyNot(condition, letters) };
}

function kindOf(condition) {
  if (condition[0] === "divides") return "stride";
  if (condition[0] === "within") return "range";
  if (condition[0] in COMPARISONS) {
    const sides = condition.slice(1);
    const isPosition = (side) => side[0] === "read" && known.positions.includes(side[1]);
    if (["==", "!="].includes(condition[0]) && sides.some(isPosition)) return "maximum";
    if (!sides.some((side) => readsIn(side).length)) return "range";
  }
  return "condition";
}

function whyNot(condition, letters) {
  const kind = kindOf(condition);
  if (condition[0] === "divides") {
    const [by, place] = condition.slice(1).map((index) => whole(index, letters));
    return `${by} does not divide ${place}`;
  }
  if (condition[0] === "within") {
    const [place, extent] = condition.slice(1).map((index) => whole(index, letters));
    return `${place} is not in 0 … ${extent - 1}`;
  }
  if (kind === "maximum") {
    const [chosen, own] = condition[1][0] === "read" ? [condition[1], condition[2]] : [condition[2], condition[1]];
    const values = [chosen, own].map((side) => evaluate(side, letters)[0]);
    return `position ${values[0]} of the window was chosen, and this is position ${values[1]}`;
  }
  const text = parts(condition, letters), values = text.filter((part) => typeof part !== "string");
  const as = values.map((part) => `${referenceTo(part.name, part.place)} = ${shown(part.value)}`).join(", ");
  return `${asText(text)} does not hold${as ? `, as ${as}` : ""}`;
}

// {kind, reason} of the first factor that makes a product 0, or null.
function zeroIn(factors, letters) {
  for (const factor of factors) {
    if (evaluate(factor, letters)[0] !== 0) continue;
    const base = factor[0] === "^" ? factor[1] : factor;
    if (base[0] !== "read" || !base[2].length || placeRead(base, letters)) {
      return { kind: "zero", reason: `${asText(parts(factor, letters))} is 0` };
    }
    const [, name, indices] = base, { shape } = known.tensors[name];
    if (!indices.every((index) => isExact(index, letters))) {
      return { kind: "stride", reason: "an index is no whole number" };
    }
    const axis = indices.findIndex((index, number) => !isInside([shape[number]], [whole(index, letters)]));
    const outside = whole(indices[axis], letters);
    return { kind: "padding", reason: `index ${outside} of axis ${axis} of ${name} is not in 0 … ${shape[axis] - 1}` };
  }
  return null;
}
