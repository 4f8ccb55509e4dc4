// Where a number's operands lie: the planes that are read, with the window on them, and the number's own.

function showPlanes(explanation) {
  const found = [];
  for (const [name, places] of largestReads(explanation)) {
    if (places.length < tileSize(tensor(name))) found.push(plane(name, places, "read")); // else the patches show all
  }
  const upTo = walk.walking && walk.window ? flatInTile(explanation) + 1 : Infinity;
  found.push(plane(explanation.name, [explanation.place], "here", upTo));
  part("planes").replaceChildren(...found.filter(Boolean));
}

// For each array that is read, the elements in the tile of the largest term of the slice that is shown.
function largestReads(explanation) {
  const found = new Map(), isShown = (term) => sliceOf(term) === slice.key;
  const every = [...explanation.terms, ...explanation.vanished.flatMap((v) => v.terms)];
  const all = [...every.filter(isShown), ...every.filter((term) => !isShown(term))];
  for (const term of all) {
    for (const { name, place } of operandsOf(term)) {
      const { tile } = tilePlace(tensor(name), place);
      if (!found.has(name)) found.set(name, { tile, places: [] });
      if (found.get(name).tile === tile) found.get(name).places.push(place);
    }
  }
  return [...found].map(([name, { places }]) => [name, places]);
}

function flatInTile({ name, place }) {
  const found = tensor(name), { row, column } = tilePlace(found, place);
  return row * found.layout.width + column;
}

function plane(name, places, kind, upTo) {
  const found = tensor(name), { height, width } = found.layout;
  if (height === 1 || found.shape.length === 1) return null;
  const { tile } = tilePlace(found, places[0]), canvas = make("canvas", { "aria-hidden": "true" });
  drawTile(canvas, found, tile, upTo);
  const marks = drawn("svg", { class: "marks", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const cells = places.map((place) => tilePlace(found, place));
  const box = around(cells), isFull = box.width * box.height === cells.length || cells.length > MANY;
  for (const each of isFull ? [box] : cells.map((cell) => around([cell]))) marks.append(drawn("rect", { class: kind, ...each }));
  const lead = found.shape.length > 2 ? places[0].slice(0, -2) : [];
  const pressed = (event) => {
    const sides = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - sides.top) / sides.height * height);
    const column = Math.floor((event.clientX - sides.left) / sides.width * width);
    const flat = tile * height * width + row * width + column;
    if (flat < found.values.length) go(referenceTo(name, placeAt(found.shape, flat)));
  };
  const picture = make("div", { class: "cells", onclick: pressed, style: `aspect-ratio: ${width} / ${height}` }, canvas, marks);
  return make("figure", { class: `plane ${kind}` }, picture, make("figcaption", {}, referenceTo(name, lead)));
}
