// Pictures that answer: a click or a key on a cell leads to the explanation of its number.

function enliven(figure) {
  const name = figure.dataset.tensor;
  if (!(name in known.tensors)) return;
  const found = tensor(name), extent = extentOf(found), cells = figure.querySelector(".cells");
  const marks = drawn("svg", { class: "marks", viewBox: `0 0 ${extent.columns} ${extent.rows}`, "aria-hidden": "true" });
  const cell = make("div", { role: "gridcell", class: "cell", id: `cell-${nextNumber()}` });
  const grid = make("div", {
    role: "grid", tabindex: "0", class: "grid", "aria-label": `${name}: arrow keys move, Enter explains`,
    "aria-rowcount": extent.rows, "aria-colcount": extent.columns, "aria-activedescendant": cell.id,
  }, make("div", { role: "row" }, cell));
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  cells.append(marks, grid);
  cells.after(readout);
  if (figure.querySelector(".composite")) figure.querySelector(".composite").after(cells);

  let place = found.shape.map(() => 0);
  const choose = (next) => {
    place = next;
    const at = cellOf(found, place), reference = referenceTo(name, place), value = element(name, place);
    for (const [side, length, of] of [["left", at.column, extent.columns], ["top", at.row, extent.rows]]) {
      cell.style[side] = `${100 * length / of}%`;
    }
    cell.style.width = `${100 / extent.columns}%`;
    cell.style.height = `${100 / extent.rows}%`;
    cell.textContent = `${reference} = ${shown(value)}${classOf(figure, place)}`;
    grid.firstElementChild.setAttribute("aria-rowindex", at.row + 1);
    cell.setAttribute("aria-colindex", at.column + 1);
    readout.textContent = cell.textContent;
  };
  const under = (event) => {
    const box = grid.getBoundingClientRect();
    const part = (at, start, length, count) => Math.min(Math.max(Math.floor((at - start) / length * count), 0), count - 1);
    return elementAt(found, {
      row: part(event.clientY, box.top, box.height, extent.rows),
      column: part(event.clientX, box.left, box.width, extent.columns),
    });
  };
  grid.addEventListener("pointermove", (event) => {
    const here = under(event);
    if (here) readout.textContent = `${referenceTo(name, here)} = ${shown(element(name, here))}${classOf(figure, here)}`;
  });
  grid.addEventListener("pointerleave", () => { readout.textContent = cell.textContent; });
  let pressed = null; // a click itself is told in whole pixels only
  grid.addEventListener("pointerdown", (event) => { pressed = under(event); });
  grid.addEventListener("click", (event) => {
    const here = pressed || under(event);
    pressed = null;
    if (!here) return;
    choose(here);
    open(referenceTo(name, here), grid);
  });
  grid.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = moved(found, place, event.key);
    if (next) choose(next);
    else if (event.key === "Enter" || event.key === " ") open(referenceTo(name, place), grid);
    else return;
    event.preventDefault();
  });
  figure.classList.add("live");
  choose(place);
  if (windowOf(name)) {
    cells.parentElement.insertBefore(make("button", {
      type: "button", class: "walk", onclick: (event) => walkFrom(name, place, event.currentTarget),
    }, `Step through ${name}`), readout.nextSibling);
  }
}

let numbers = 0;

function nextNumber() {
  return ++numbers;
}

function classOf(figure, place) {
  const classes = figure.dataset.classes && JSON.parse(figure.dataset.classes);
  return classes ? `, ${classes[place[place.length - 1]]}` : "";
}
