// Where the elements of an array stand in its picture: tiles of height x width cells, with gaps between them.

function tileSize({ layout }) {
  return layout.height * layout.width;
}

// {tile, row, column} of an element within its tile.
function tilePlace(found, place) {
  const flat = flatPlace(found.shape, place), size = tileSize(found), inside = flat % size;
  return { tile: Math.floor(flat / size), row: Math.floor(inside / found.layout.width), column: inside % found.layout.width };
}

// {row, column} of an element within the whole picture.
function cellOf(found, place) {
  const { tile, row, column } = tilePlace(found, place), { height, columns } = found.layout;
  return { row: Math.floor(tile / columns) * (height + 1) + row, column: leftOf(found.layout, tile % columns) + column };
}

function leftOf({ width, group }, column) {
  return column * (width + 1) + (group > 1 ? Math.floor(column / group) : 0);
}

// Rows and columns of cells of the whole picture.
function extentOf({ layout }) {
  const { height, width, tiles, columns } = layout;
  return { rows: Math.ceil(tiles / columns) * (height + 1) - 1, columns: leftOf(layout, columns - 1) + width };
}

// The element nearest to a cell, or null if there is none.
function elementAt(found, { row, column }) {
  const { height, width, tiles, columns } = found.layout;
  const tileRow = Math.floor(row / (height + 1)), inRow = Math.min(row % (height + 1), height - 1);
  let tileColumn = columns - 1;
  while (tileColumn > 0 && leftOf(found.layout, tileColumn) > column) tileColumn--;
  const inColumn = Math.min(column - leftOf(found.layout, tileColumn), width - 1);
  const tile = tileRow * columns + tileColumn, flat = tile * height * width + inRow * width + inColumn;
  return tile < tiles && flat < found.values.length ? placeAt(found.shape, flat) : null;
}

// The element to which an arrow or another key leads from one of them.
function moved(found, place, key) {
  const { row, column } = cellOf(found, place), { height, width, columns } = found.layout;
  const extent = extentOf(found), flat = flatPlace(found.shape, place), size = tileSize(found);
  const walk = (down, right) => {
    for (let step = 1; step <= 3; step++) { // over a gap
      const cell = { row: row + down * step, column: column + right * step };
      if (cell.row < 0 || cell.column < 0 || cell.row >= extent.rows || cell.column >= extent.columns) return null;
      const next = elementAt(found, cell);
      if (next && flatPlace(found.shape, next) !== flat) return next;
    }
    return null;
  };
  const jump = (to) => (to >= 0 && to < found.values.length ? placeAt(found.shape, to) : null);
  const ways = {
    ArrowUp: () => walk(-1, 0), ArrowDown: () => walk(1, 0),
    ArrowLeft: () => walk(0, -1), ArrowRight: () => walk(0, 1),
    PageDown: () => jump(flat + size), PageUp: () => jump(flat - size),
    Home: () => jump(0), End: () => jump(found.values.length - 1),
  };
  return key in ways ? ways[key]() || place : null;
}
