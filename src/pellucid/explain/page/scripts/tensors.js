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
  if (!match || !Object.hasOwn(known.tensors, match[1])) return null;
  const place = match[2] ? match[2].split(",").map(Number) : [];
  const { shape } = known.tensors[match[1]];
  return place.length === shape.length && isInside(shape, place) ? { name: match[1], place } : null;
}

// A number as it is shown: six digits, shorter if it is.
function shown(number) {
  if (!isFinite(number)) return isNaN(number) ? "NaN" : number > 0 ? "∞" : "−∞";
  return String(Number(number.toPrecision(6))).replace(/-/g, "−");
}

// The power of ten that stands beside numbers of up to this size, where they would need too many digits.
function commonPower(limit) {
  return limit && (limit < 0.1 || limit >= 100) ? Math.floor(Math.log10(limit)) : 0;
}

// A number as it stands in a cell, without that power.
function brief(number, power, limit) {
  const scaled = number / 10 ** power;
  if (!isFinite(scaled)) return shown(scaled);
  if (Number.isInteger(scaled)) return String(scaled).replace("-", "−");
  const text = scaled.toFixed(limit / 10 ** power >= 10 ? 0 : Math.abs(scaled) < 1 && limit / 10 ** power < 3 ? 2 : 1);
  return text.replace(/^(-?)0\./, "$1.").replace(/^-?\.0+$/, "0").replace("-", "−");
}

function superscript(power) {
  return `10${[...String(power)].map((c) => ("-" === c ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("")}`;
}
