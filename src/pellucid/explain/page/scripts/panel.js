// The place where one number is explained.

const panel = document.getElementById("pellucid-panel");
const part = (name) => panel.querySelector(`[data-part="${name}"]`);

function show(reference, { quiet = false } = {}) {
  const parsed = parsedReference(reference);
  if (!parsed) return;
  const explanation = explain(parsed.name, parsed.place);
  panel.hidden = false;
  document.documentElement.classList.add("explaining");
  part("title").replaceChildren(make("code", {}, reference), ` = ${shown(explanation.stored)}`);
  chooseSlice(explanation);
  showSteps(explanation);
  showPlanes(explanation);
  showEquations(explanation);
  showPatches(explanation);
  showSum(explanation);
  showTerms(explanation);
  showVanished(explanation);
  if (!walk.timer) showUses(explanation);
  markAll(explanation);
  if (!quiet) part("announcement").textContent = spoken(explanation);
}

function showEquations({ shares, role, reference }) {
  const box = part("equations");
  if (role) {
    box.replaceChildren(make("p", {}, `This is ${role}: it was given, and nothing computes it.`));
    return;
  }
  box.replaceChildren(...shares.flatMap((share) => {
    const through = share.equation.through && shares.length > 1 ? [make("p", {}, `Through ${share.equation.through}:`)] : [];
    const written = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Equation" });
    written.innerHTML = share.equation.written;
    const names = Object.entries(share.equation.names).filter(([letter, name]) => name in known.tensors && letter !== name);
    const legend = names.length ? [make("p", { class: "legend" }, ...names.flatMap(([letter, name], number) => [
      number ? ", " : "with ", make("i", {}, letter), ` = ${name}`]))] : [];
    const substituted = make("p", { class: "substituted" }, `${reference} = `, ...linked(parts(share.equation.value, share.letters)));
    return [...through, written, ...legend, substituted];
  }));
}

function showSum(explanation) {
  const { total, stored, bound, agrees, role, shares } = explanation;
  part("sum").hidden = Boolean(role);
  const isChoice = shares.some((share) => share.equation.choice);
  const what = isChoice ? "Chosen: " : explanation.terms.length === 1 ? "The term is " : "The terms add up to ";
  const tiny = (number) => (number ? number.toExponential(1).replace(/-/g, "−") : "0");
  part("sum").replaceChildren(
    make("span", { class: agrees ? "agrees" : "differs", "aria-hidden": "true" }, agrees ? "✓ " : "✗ "), what,
    make("strong", { "data-part": "total", "data-value": total }, shown(total)),
    `; the run has ${shown(stored)}. The difference, ${tiny(total - stored)}, is `,
    `${agrees ? "within" : "not within"} the bound for rounding, ${tiny(bound)}.`,
  );
}

// One or two sentences for those who listen.
function spoken({ reference, stored, terms, vanished, role }) {
  const first = `${reference} is ${shown(stored)}`;
  if (role) return `${first}, ${role}.`;
  const lost = added(vanished.map((v) => v.terms.length));
  const largest = terms.length ? ` The largest is ${shown(terms[0].value)}: ${asText(termParts(terms[0]))}.` : "";
  return `${first}, the sum of ${counted(terms.length, "term")}${lost ? `; ${lost} more vanish` : ""}.${largest}`;
}
