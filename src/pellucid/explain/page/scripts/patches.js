// A sum over a window as the window shows it: the values that are read, side by side, and their products.

// As many cells are shown with their numbers.
const WRITTEN = 64, FEW = 12;

function showPatches(explanation) {
  const found = explanation.shares.flatMap((share) => sumsOf(share.equation)
    .filter(({ bounds }) => bounds.length > 1 || (bounds.length && bounds[0][1] > FEW))
    .map((sum) => patchwork(explanation, share, sum)));
  part("patches").replaceChildren(...found);
}

// The last two letters of the sum run over rows and columns; for the others one slice is shown at a time.
// A sum over one letter is wrapped as the picture of what it reads.
function patchwork(explanation, share, sum) {
  const inner = sum.bounds.slice(-2);
  const columns = inner.length === 2 ? inner[1][1] : tensor(readsIn(["", ...sum.factors])[0][1]).layout.width;
  const slices = new Map();
  for (const term of share.terms.filter((t) => t.bounds === sum.bounds)) {
    const key = sliceOf(term);
    if (!slices.has(key)) slices.set(key, []);
    slices.get(key).push(term);
  }
  const here = slices.has(slice.key) ? slice.key : slices.keys().next().value;
  const body = make("div", { class: "matrices", "aria-hidden": "true" }, ...matrices(share, slices.get(here), columns));
  if (slices.size === 1) return make("div", { class: "patchwork" }, body);
  const options = [...slices].map(([key, terms]) =>
    make("option", { value: key, selected: key === here }, `${key}: ${shown(added(terms.map((t) => t.value)))}`));
  const choose = (event) => {
    slice.key = event.target.value;
    showPlanes(explanation);
    showPatches(explanation);
    part("patches").querySelector("select").focus();
  };
  const choice = make("select", { onchange: choose }, ...options);
  return make("div", { class: "patchwork" }, make("label", {}, "Slice of the sum ", choice), body);
}

// Which slice is shown: that of the largest term, or the same as long as one steps through the positions.
const slice = { name: "", key: "" };

function chooseSlice({ name, terms }) {
  if (slice.name === name && walk.walking) return;
  slice.name = name;
  slice.key = terms.length ? sliceOf(terms[0]) : "";
}

function sliceOf({ bounds, letters }) {
  return bounds.slice(0, -2).map(([letter]) => `${letter} = ${letters[letter]}`).join(", ");
}

// A matrix for each factor that differs from term to term, and one of the products.
function matrices(share, terms, columns) {
  const { factors } = terms[0], found = [];
  const shownFactors = share.equation.choice ? [] : factors.filter((f) => readsIn(f).length);
  shownFactors.forEach((factor, number) => {
    const reads = readsIn(factor);
    const cells = terms.map((term) => {
      const place = factor[0] === "read" ? placeRead(factor, term.letters) : null;
      const lost = factor[0] === "read" && !place;
      return { value: lost ? 0 : evaluate(factor, term.letters)[0], lost, place, name: factor[1] };
    });
    if (number) found.push(make("span", { class: "sign" }, "×"));
    found.push(matrix(cells, columns, factor[0] === "read" ? factor[1] : asText(parts(factor, {}))));
  });
  const results = terms.map((term) => ({
    value: term.value, lost: Boolean(term.cause) && !share.equation.choice, why: term.cause && term.cause.reason,
    chosen: share.equation.choice && !term.cause,
    ...(share.equation.choice ? { ...operandsOf(term)[0], value: term.value } : {}),
  }));
  if (shownFactors.length === 1 && factors.length === 1 && !terms.some((t) => t.cause)) return found;
  if (shownFactors.length) found.push(make("span", { class: "sign" }, "="));
  return [...found, matrix(results, columns, share.equation.choice ? share.equation.choice : "products")];
}

function matrix(cells, columns, title) {
  const limit = Math.max(...cells.map((c) => (isFinite(c.value) ? Math.abs(c.value) : 0)));
  const isWritten = cells.length <= WRITTEN && columns <= 8;
  const body = isWritten ? writtenMatrix(cells, columns, limit) : paintedMatrix(cells, columns, limit);
  const power = isWritten ? commonPower(limit) : 0, text = power ? `${title} in ${superscript(power)}` : title;
  return make("figure", { class: "patch" }, make("figcaption", { title: text }, text), body);
}

function writtenMatrix(cells, columns, limit) {
  const body = make("div", { class: "matrix", style: `--columns: ${columns}` });
  for (const cell of cells) {
    const reference = cell.name && cell.place ? referenceTo(cell.name, cell.place) : "";
    body.append(make("div", {
      class: `${cell.lost ? "lost " : ""}${cell.chosen ? "chosen " : ""}${reference ? "leads" : ""}`,
      style: `background-color: ${signed(cell.value, limit, 0.5)}`,
      title: [reference && `${reference} = ${shown(cell.value)}`, cell.why].filter(Boolean).join("; "),
      ...(reference ? { onclick: () => go(reference) } : {}),
    }, brief(cell.value, commonPower(limit), limit)));
  }
  return body;
}

function paintedMatrix(cells, columns, limit) {
  const rows = Math.ceil(cells.length / columns), pixels = new ImageData(columns, rows);
  cells.forEach((cell, place) => pixels.data.set(shade(cell.value, limit, 255), 4 * place));
  const side = Math.max(1, Math.min(5, Math.floor(120 / columns)));
  const canvas = make("canvas", {
    class: "painted", width: columns, height: rows, style: `width: ${side * columns}px`,
    onclick: (event) => {
      const box = canvas.getBoundingClientRect();
      const row = Math.floor((event.clientY - box.top) / box.height * rows);
      const cell = cells[row * columns + Math.floor((event.clientX - box.left) / box.width * columns)];
      if (cell && cell.place) go(referenceTo(cell.name, cell.place));
    },
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
