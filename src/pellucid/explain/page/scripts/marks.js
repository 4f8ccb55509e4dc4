// Rectangles around elements in the pictures of the article.

const MANY = 400;

function clearMarks() {
  for (const marks of document.querySelectorAll("figure.tensor svg.marks")) marks.replaceChildren();
}

// Marks the explained element and all that its terms read.
function markAll(explanation) {
  clearMarks();
  const read = new Map();
  for (const term of [...explanation.terms, ...explanation.vanished.flatMap((v) => v.terms)]) {
    for (const { name, place } of operandsOf(term)) {
      if (!read.has(name)) read.set(name, new Map());
      read.get(name).set(String(place), place);
    }
  }
  for (const [name, places] of read) mark(name, [...places.values()], "read");
  mark(explanation.name, [explanation.place], "here");
}

function mark(name, places, kind) {
  for (const figure of document.querySelectorAll("figure.tensor")) {
    const marks = figure.dataset.tensor === name && figure.querySelector("svg.marks");
    if (marks) marks.append(...boxes(tensor(name), places).map((box) => drawn("rect", { class: kind, ...box })));
  }
}

// One rectangle for each tile whose elements fill one, else one for each element.
function boxes(found, places) {
  const tiles = new Map();
  for (const place of places) {
    const { tile } = tilePlace(found, place), cell = cellOf(found, place);
    if (!tiles.has(tile)) tiles.set(tile, []);
    tiles.get(tile).push(cell);
  }
  return [...tiles.values()].flatMap((cells) => {
    const box = around(cells);
    return box.width * box.height === cells.length || cells.length > MANY ? [box] : cells.map((cell) => around([cell]));
  });
}

function around(cells) {
  const rows = cells.map((c) => c.row), columns = cells.map((c) => c.column);
  const [y, x] = [Math.min(...rows), Math.min(...columns)];
  return { x, y, width: Math.max(...columns) - x + 1, height: Math.max(...rows) - y + 1 };
}
