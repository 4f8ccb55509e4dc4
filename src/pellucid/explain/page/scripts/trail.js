// The way that was followed: the address names the number, and the trail leads back.

const trail = [];
let opener = null, isAsked = false;

// The reference that the address names; none where it names none, or was typed and is no text at all.
function addressed() {
  if (!location.hash.startsWith("#at=")) return "";
  try { return decodeURIComponent(location.hash.slice(4)); } catch { return ""; }
}

// Explains a number that was asked for in the article, and lets the keyboard go on from there.
function open(reference, from) {
  trail.length = 0;
  opener = from;
  isAsked = true;
  walk.walking = false;
  if (addressed() === reference) arrive();
  else go(reference);
}

function go(reference) {
  stop();
  if (addressed() !== reference) location.href = address(reference);
}

// The same step of the way with another number.
function replace(reference) {
  history.replaceState(history.state, "", address(reference));
  trail[Math.max(trail.length - 1, 0)] = reference;
  show(reference, { quiet: Boolean(walk.timer) });
  showTrail();
}

function arrive() {
  const reference = addressed();
  if (!parsedReference(reference)) return;
  const before = trail.lastIndexOf(reference);
  if (before >= 0) trail.length = before + 1;
  else trail.push(reference);
  const [last, next] = trail.slice(-2);
  if (next && parsedReference(last).name !== parsedReference(next).name) walk.walking = false;
  show(reference);
  showTrail();
  panel.scrollTop = 0;
  if (isAsked) part("title").focus({ preventScroll: true });
  isAsked = false;
}

function showTrail() {
  part("trail").replaceChildren(...trail.slice(0, -1).map((reference) => make("li", {}, link(reference))));
  part("back").disabled = trail.length < 2;
}

function close() {
  stop();
  panel.hidden = true;
  document.documentElement.classList.remove("explaining");
  clearMarks();
  trail.length = 0;
  history.replaceState(history.state, "", location.pathname + location.search);
  (opener || document.querySelector("figure.live .grid"))?.focus({ preventScroll: true });
}

function listenToTrail() {
  addEventListener("hashchange", arrive);
  part("back").addEventListener("click", () => go(trail[trail.length - 2]));
  part("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) close();
  });
}
