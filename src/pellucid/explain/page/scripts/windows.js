// Equations that read windows: an index of theirs moves with the left side's letters and within the window.

// {equation, letters}: the first such equation of an array, and the letters of its left side that move the window.
function windowOf(name) {
  for (const equation of equationsOf(name)) {
    const moving = movingLetters(equation);
    if (moving.length) return { equation, letters: moving };
  }
  return null;
}

function movingLetters(equation) {
  const own = Object.keys(equation.letters), found = new Set();
  for (const sum of sumsOf(equation)) {
    const bound = sum.bounds.map(([letter]) => letter);
    for (const index of sum.factors.flatMap(readsIn).flatMap((read) => read[2])) {
      const letters = lettersIn(index);
      if (bound.some((letter) => letters.has(letter))) own.forEach((s) => letters.has(s) && found.add(s));
    }
  }
  return own.filter((letter) => found.has(letter));
}

// How many positions the window has, and which of them an element is.
function positionIn({ equation, letters }, place) {
  const at = lettersAt(equation, place);
  const count = letters.reduce((product, letter) => product * equation.letters[letter], 1);
  return { count, position: letters.reduce((flat, letter) => flat * equation.letters[letter] + at[letter], 0) };
}

// The element at another position, the other letters as they are.
function placeOf({ equation, letters }, place, position) {
  const at = lettersAt(equation, place);
  for (const letter of [...letters].reverse()) {
    at[letter] = position % equation.letters[letter];
    position = Math.floor(position / equation.letters[letter]);
  }
  return equation.axes.map((axis) => axis.reduce((flat, letter) => flat * equation.letters[letter] + at[letter], 0));
}
