// An animation through the positions of a window: play, pause, step, speed, and a slider.

const walk = { timer: 0, window: null, place: null, walking: false };
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// The controls for the number that is shown; hidden if no window moves over its operands.
function showSteps(explanation) {
  const found = windowOf(explanation.name);
  walk.window = found;
  walk.place = explanation.place;
  part("player").hidden = !found;
  if (!found) return stop();
  const { count, position } = positionIn(found, explanation.place), slider = part("position");
  slider.max = count - 1;
  slider.value = position;
  slider.setAttribute("aria-valuetext", explanation.reference);
  part("count").textContent = `${position + 1} of ${count}`;
}

// The element at another position, and nothing at all beyond the ends.
function stepTo(position) {
  const { count } = positionIn(walk.window, walk.place);
  if (position < 0 || position >= count) return stop();
  walk.walking = true;
  const place = placeOf(walk.window, walk.place, position);
  replace(referenceTo(walk.window.equation.of, place));
}

function stepBy(count) {
  stepTo(positionIn(walk.window, walk.place).position + count);
}

function play() {
  const { count, position } = positionIn(walk.window, walk.place);
  if (position === count - 1) stepTo(0);
  walk.timer = 1;
  part("play").textContent = "Pause";
  const tick = () => {
    if (!walk.timer) return;
    stepBy(1);
    if (walk.timer) walk.timer = setTimeout(tick, isCalm() ? 1000 : 1000 / Number(part("speed").value));
  };
  walk.timer = setTimeout(tick, 0);
}

function stop() {
  clearTimeout(walk.timer);
  walk.timer = 0;
  part("play").textContent = "Play";
}

// Shows the first position of the window for the map in which an element lies.
function walkFrom(name, place, from) {
  open(referenceTo(name, placeOf(windowOf(name), place, 0)), from);
  walk.walking = true;
}

function listenToSteps() {
  part("play").addEventListener("click", () => (walk.timer ? stop() : play()));
  part("back-step").addEventListener("click", () => { stop(); stepBy(-1); });
  part("step").addEventListener("click", () => { stop(); stepBy(1); });
  part("position").addEventListener("input", (event) => { stop(); stepTo(Number(event.target.value)); });
}
