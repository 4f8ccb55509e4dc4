// Equations printed with numbers in place of letters: lists of strings and of elements {name, place, value}.

const [SUM, PRODUCT, UNIT] = [1, 2, 3];

// The node as parts; what has no value yet keeps its letters.
function parts(node, letters) {
  return printed(node, letters).parts;
}

// As one string: the names of elements, or their values.
function asText(found, { values = false } = {}) {
  return found.map((p) => (typeof p === "string" ? p : values ? shown(p.value) : referenceTo(p.name, p.place))).join("");
}

function unit(...found) {
  return { parts: found, level: UNIT };
}

function at(level, node, letters) {
  const found = printed(node, letters);
  return found.level >= level ? found.parts : ["(", ...found.parts, ")"];
}

function joined(lists, between) {
  return lists.flatMap((list, number) => (number ? [between, ...list] : list));
}

function printed(node, letters) {
  if (typeof node === "number") return { parts: [shown(node)], level: node < 0 ? SUM : UNIT };
  const [kind, ...rest] = node;
  switch (kind) {
    case "number": return { parts: [rest[1]], level: PRODUCT };
    case "constant": return unit(`${rest[0]}`);
    case "index": {
      const text = indexText(rest[0], letters);
      return { parts: [text], level: /^\w+$/.test(text) ? UNIT : SUM };
    }
    case "read": return unit(printedRead(node, letters));
    case "+": return { parts: sumParts(rest, letters), level: SUM };
    case "*": case "^": return productParts(node, letters);
    case "call": return unit(`${rest[0]}(`, ...joined(rest.slice(1).map((a) => parts(a, letters)), ", "), ")");
    case "reduce": return reduction(rest, letters);
    case "delta": return unit(`[${indexText(rest[0], letters)} = ${indexText(rest[1], letters)}]`);
    case "where": return guarded(rest, letters);
  }
  return { parts: conditionParts(node, letters), level: 0 };
}

function printedRead([, name, indices], letters) {
  const texts = indices.map((index) => indexText(index, letters));
  if (texts.some((text) => !/^-?\d+$/.test(text))) return `${name}[${texts.join(",")}]`;
  const place = texts.map(Number);
  if (!isInside(known.tensors[name].shape, place)) return `${name}[${texts.join(",")}]`;
  return { name, place, value: element(name, place) };
}

function isNegative(node) {
  return node < 0 || (node[0] === "*" && node[1] < 0);
}

function opposite(node) {
  if (typeof node === "number") return -node;
  return node[1] === -1 ? (node.length === 3 ? node[2] : ["*", ...node.slice(2)]) : ["*", -node[1], ...node.slice(2)];
}

function sumParts(terms, letters) {
  return terms.flatMap((term, number) => {
    const minus = isNegative(term), sign = minus ? (number ? " − " : "−") : number ? " + " : "";
    return [sign, ...at(PRODUCT, minus ? opposite(term) : term, letters)];
  });
}

function productParts(node, letters) {
  const factors = node[0] === "*" ? node.slice(1) : [node];
  const isBelow = (f) => f[0] === "^" && f[2] < 0;
  if (node[0] === "^" && !isBelow(node)) {
    return { parts: [...at(UNIT, node[1], letters), "^", ...at(UNIT, node[2], letters)], level: PRODUCT };
  }
  const over = factors.filter((f) => !isBelow(f)), minus = over[0] === -1;
  const above = over.slice(minus ? 1 : 0).map((f) => at(f[0] === "^" ? PRODUCT : UNIT, f, letters));
  const below = factors.filter(isBelow).map((f) => {
    return f[2] === -1 ? at(UNIT, f[1], letters) : [...at(UNIT, f[1], letters), "^", shown(-f[2])];
  });
  const under = below.length > 1 ? ["(", ...joined(below, "·"), ")"] : below.flat();
  const text = [minus ? "−" : "", ...(above.length ? joined(above, " · ") : ["1"]), ...(below.length ? ["/", ...under] : [])];
  return { parts: text, level: minus ? SUM : PRODUCT };
}

function reduction([op, bounds, body], letters) {
  const inner = { ...letters };
  bounds.forEach(([letter]) => delete inner[letter]);
  const range = bounds.map(([letter, extent]) => `${letter}<${extent}`).join(", ");
  const guard = body[0] === "where" && body[3] === 0 ? [" : ", ...parts(body[1], inner)] : [];
  const value = at(PRODUCT, guard.length ? body[2] : body, inner);
  return { parts: [`${op === "sum" ? "Σ" : op}[${range}`, ...guard, "] ", ...value], level: PRODUCT };
}

function guarded([condition, then, otherwise], letters) {
  if (then === 1 && otherwise === 0) return unit("[", ...parts(condition, letters), "]");
  const no = otherwise === 0 ? [] : ["; ", ...parts(otherwise, letters), " otherwise"];
  return { parts: [...at(PRODUCT, then, letters), " if ", ...parts(condition, letters), ...no], level: SUM };
}

function conditionParts([kind, ...rest], letters) {
  switch (kind) {
    case "divides": return [`${indexText(rest[0], letters)} divides ${indexText(rest[1], letters)}`];
    case "within": return [`0 ≤ ${indexText(rest[0], letters)} < ${indexText(rest[1], letters)}`];
    case "and": return joined(rest.map((part) => parts(part, letters)), " and ");
    case "or": return joined(rest.map((part) => parts(part, letters)), " or ");
    case "not": return ["not (", ...parts(rest[0], letters), ")"];
  }
  const sign = { "==": "=", "!=": "≠", "<=": "≤", ">=": "≥" }[kind] || kind;
  return [...at(SUM, rest[0], letters), ` ${sign} `, ...at(SUM, rest[1], letters)];
}

// A number, if all its letters have values; else what is left of the expression.
function indexText(index, letters) {
  if ([...lettersIn(index)].every((letter) => letter in letters)) {
    const value = fraction(index, letters);
    return Number.isInteger(value) ? String(value) : indexTerms(index, {});
  }
  return indexTerms(index, letters);
}

function indexTerms(index, letters) {
  let constant = 0;
  const texts = [];
  for (const [coefficient, ...atoms] of index) {
    const open = atoms.filter((atom) => typeof atom !== "string" || !(atom in letters));
    const size = atoms.reduce((product, a) => (typeof a === "string" && a in letters ? product * letters[a] : product), coefficient);
    if (!open.length) constant += size;
    else if (size) texts.push([size, open.map((atom) => atomText(atom, letters)).join("·")]);
  }
  let text = "";
  for (const [size, rest] of texts) {
    text += size < 0 ? (text ? " − " : "−") : text ? " + " : "";
    text += (Math.abs(size) === 1 ? "" : Math.abs(size) + "·") + rest;
  }
  if (!text) return String(constant);
  if (constant > 0 && text.startsWith("−")) return `${constant} − ${text.slice(1)}`;
  return constant ? `${text} ${constant < 0 ? "−" : "+"} ${Math.abs(constant)}` : text;
}

function atomText(atom, letters) {
  if (typeof atom === "string") return atom;
  const [sign, above, below] = atom;
  const operands = [above, below].map((index) => indexText(index, letters));
  return operands.map((text) => (/^\w+$/.test(text) ? text : `(${text})`)).join(sign === "%" ? " mod " : sign);
}
