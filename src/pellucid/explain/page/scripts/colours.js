// Hue for the sign and opacity for the size, as in the pictures; the pixels of the image are grey.

const isImage = (name) => name === "input" && known.tensors[name].shape.length === 4;

function signed(value, limit, most = 1) {
  if (isNaN(value)) return "rgb(128, 128, 128)";
  const strength = limit > 0 ? Math.min(Math.abs(value) / limit, 1) * most : 0;
  return `rgba(${known.colours[value < 0 ? "negative" : "positive"].join(",")},${strength.toFixed(3)})`;
}

// Draws one tile of an array, a pixel a cell; cells from `upTo` on are still to come.
function drawTile(canvas, found, tile, upTo = Infinity) {
  const { height, width } = found.layout, start = tile * height * width;
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height), limit = limitOf(found), grey = isImage(found.name) && greys(found);
  for (let place = 0; place < height * width && start + place < found.values.length; place++) {
    const value = found.values[start + place];
    pixels.data.set(grey ? grey(value) : shade(value, limit, place < upTo ? 255 : 0), 4 * place);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  canvas.style.aspectRatio = `${width} / ${height}`;
}

function shade(value, limit, opacity) {
  if (!isFinite(value)) return [128, 128, 128, opacity];
  const colour = known.colours[value < 0 ? "negative" : "positive"];
  return [...colour, limit > 0 ? Math.round(Math.abs(value) / limit * opacity) : 0];
}

function greys(found) {
  const low = found.values.reduce((least, x) => Math.min(least, x), Infinity);
  const high = found.values.reduce((most, x) => Math.max(most, x), -Infinity);
  const [black, white] = low < 0 ? [low, high] : [0, Math.max(1, high)];
  return (value) => {
    const level = Math.round(255 * (value - black) / (white - black || 1));
    return [level, level, level, 255];
  };
}
