// The lists of an explanation: terms, those that vanish, and who uses the number; the longest are cut.

const FIRST = 12, FURTHER = 100;

// A list of rows of which the first are shown, with a button for more.
function cutList(tag, items, row, rest) {
  const list = make(tag, { class: "rows" });
  let count = 0;
  const more = make("button", { type: "button", class: "more", onclick: () => extend(FURTHER) });
  const extend = (by) => {
    list.append(...items.slice(count, count + by).map(row));
    count = Math.min(count + by, items.length);
    more.textContent = rest(items.slice(count));
    more.hidden = count === items.length;
  };
  extend(FIRST);
  return [list, more];
}

function termRow(term) {
  const found = termParts(term), names = linked(found);
  const conditions = term.conditions.filter((c) => readsIn(c).length)
    .flatMap((c) => [" if ", ...linked(parts(c, term.letters))]);
  const isPlain = found.length === 1 && typeof found[0] !== "string";
  const values = isPlain ? [] : [make("span", { class: "values" }, asText(found, { values: true }))];
  return make("li", {}, make("span", { class: "value" }, shown(term.value)),
    make("span", { class: "term" }, ...names, ...conditions), ...values);
}

function showTerms(explanation) {
  const { terms } = explanation, box = part("terms");
  box.hidden = !terms.length;
  if (!terms.length) return;
  const rest = (left) => `${counted(left.length, "smaller term")}, together ${shown(added(left.map((t) => t.value)))}: show more`;
  const isChoice = explanation.shares.some((share) => share.equation.choice);
  const title = isChoice ? "Chosen" : terms.length === 1 ? "One term" : `${counted(terms.length, "term")}, the largest first`;
  box.replaceChildren(make("h3", {}, title), ...cutList("ol", terms, termRow, rest));
}

function showVanished(explanation) {
  const box = part("vanished");
  box.hidden = !explanation.vanished.length;
  box.replaceChildren(...explanation.vanished.map(({ kind, terms }) => {
    const row = (term) => make("li", {}, make("span", { class: "term" }, ...linked(termParts(term))),
      make("span", { class: "values" }, term.cause.reason));
    const rest = (left) => `${left.length.toLocaleString("en")} more: show`;
    const verb = terms.length === 1 ? "vanishes" : "vanish";
    const title = `${counted(terms.length, "term")} ${verb}: ${KINDS[kind]}`;
    return make("details", {}, make("summary", {}, title), ...cutList("ul", terms, row, rest));
  }));
}

const DIRECTIONS = [
  ["Used in the forward pass", (use) => !use.term.equation.through && !isStep(use)],
  ["Used in gradients", (use) => use.term.equation.through],
  ["Used in the update", isStep],
];

function isStep(use) {
  return use.term.equation.of.endsWith(":new");
}

function showUses(explanation) {
  const uses = usesOf(explanation.name, explanation.place);
  const row = (use) => make("li", {}, make("span", { class: "value" }, shown(use.term.value)),
    make("span", { class: "term" }, "in ", link(use.reference)),
    ...(use.term.cause ? [make("span", { class: "values" }, `vanishes: ${use.term.cause.reason}`)] : []));
  const rest = (left) => `${counted(left.length, "more use")}: show`;
  const found = DIRECTIONS.flatMap(([title, belongs]) => {
    const mine = uses.filter(belongs);
    return mine.length ? [make("h3", {}, `${title}${mine.length === 1 ? "" : `, ${counted(mine.length, "time")}`}`), ...cutList("ol", mine, row, rest)] : [];
  });
  part("uses").hidden = !found.length;
  part("uses").replaceChildren(...found);
}
