// Elements of the page.

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Where an element is explained; in full, as an address within the page alone could be taken for a place in it.
function address(reference) {
  return `${location.href.split("#")[0]}#at=${encodeURIComponent(reference).replace(/%5B|%5D|%2C|%3A/g, decodeURIComponent)}`;
}

function link(reference, text = reference) {
  return make("a", { href: address(reference), "data-reference": reference }, text);
}

// Parts of a printed equation, elements as links.
function linked(found) {
  return found.map((part) => (typeof part === "string" ? part : link(referenceTo(part.name, part.place))));
}

// A small number of things in words: "1 term", "3 terms".
function counted(count, what) {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}
