// Brings the page to life.

document.querySelectorAll("figure.tensor").forEach(enliven);
for (const code of document.querySelectorAll("code[data-reference]")) {
  if (parsedReference(code.dataset.reference)) {
    const way = make("a", { href: address(code.dataset.reference), class: "number" });
    code.replaceWith(way);
    way.append(code);
  }
}
listenToSteps();
listenToTrail();
arrive();

// For tests and curious readers: what the page finds out about one number, and who uses it.
window.pellucid = {
  explain: (text) => {
    const { name, place } = parsedReference(text), found = explain(name, place);
    return {
      reference: text, stored: found.stored, total: found.total, bound: found.bound, agrees: found.agrees,
      role: found.role, terms: found.terms.map((term) => term.value),
      texts: found.terms.map((term) => asText(termParts(term))),
      operands: found.terms.flatMap(operandsOf).map((o) => referenceTo(o.name, o.place)),
      vanished: Object.fromEntries(found.vanished.map(({ kind, terms }) => [kind, terms.length])),
    };
  },
  uses: (text) => {
    const { name, place } = parsedReference(text);
    return usesOf(name, place).map((use) => use.reference);
  },
};
