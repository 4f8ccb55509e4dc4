// The run's arrays by name, and references such as conv1.weight.grad[3,0,1,1].

const known = JSON.parse(document.getElementById("pellucid-data").textContent);
const decoded = new Map();

// The equations whose sum an array is.
function equationsOf(name) {
  return known.equations.filter((equation) => equation.of === name);
}

// {name, shape, values, layout}; the bytes are decoded when an array is first asked for.
function tensor(name) {
  if (!decoded.has(name)) {
    const entry = known.tensors[name];
    const values = "same" in entry ? tensor(entry.same).values : numbersIn(entry);
    decoded.set(name, { name, shape: entry.shape, layout: entry.layout, values });
  }
  return decoded.get(name);
}

function numbersIn(entry) {
  const bytes = Uint8Array.from(atob(entry.base64), (character) => character.charCodeAt(0));
  return entry.bits === 64 ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

function flatPlace(shape, place) {
  return place.reduce((flat, index, axis) => flat * shape[axis] + index, 0);
}

function placeAt(shape, flat) {
  const place = [];
  for (const extent of [...shape].reverse()) {
    place.unshift(flat % extent);
    flat = Math.floor(flat / extent);
  }
  return place;
}

function isInside(shape, place) {
  return place.every((index, axis) => index >= 0 && index < shape[axis]);
}

function element(name, place) {
  const { shape, values } = tensor(name);
  return values[flatPlace(shape, place)];
}

// The largest absolute value, for colours.
function limitOf(found) {
  if (found.limit === undefined) {
    found.limit = found.values.reduce((most, x) => (isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  }
  return found.limit;
}

function referenceTo(name, place) {
  return place.length ? `${name}[${place.join(",")}]` : name;
}

// {name, place}, or null if there is no such element.
function parsedReference(text) {
  const match = /^([^\[\]\s]+)(?:\[([\d,]*)\])?$/.exec(text);
  if (!match || !(match[1] in known.tensors)) return null;
  const place = match[2] ? match[2].split(",").map(Number) : [];
  const { shape } = known.tensors[match[1]];
  return place.length === shape.length && isInside(shape, place) ? { name: match[1], place } : null;
}

// A number as it is shown: six digits, shorter if it is.
function shown(number) {
  if (!isFinite(number)) return isNaN(number) ? "NaN" : number > 0 ? "∞" : "−∞";
  return String(Number(number.toPrecision(6))).replace(/-/g, "−");
}

// The same in the fewest characters, for cells.
function brief(number) {
  if (!isFinite(number)) return shown(number);
  const size = Math.abs(number);
  if (size === 0 || Number.isInteger(number) && size < 1e3) return String(number).replace("-", "−");
  if (size >= 1e3 || size < 0.005) return number.toExponential(0).replace("e+", "e").replace(/-/g, "−");
  return number.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0).replace(/^(-?)0\./, "$1.").replace("-", "−");
}
