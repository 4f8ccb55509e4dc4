// What scrolls can be reached with the keyboard; what is folded is printed.
(() => {
  "use strict";
  const scrolling = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };
  new ResizeObserver(scrolling).observe(document.querySelector("main"));
  addEventListener("load", scrolling);
  document.addEventListener("toggle", scrolling, true);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });

  // A link to what is folded opens it; a typed one may be no text at all.
  const named = () => {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
  };
  const reveal = () => {
    const target = document.getElementById(named());
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // The table of contents shows where one is.
  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
    const [here] = [...seen].sort((a, b) => b.offsetTop - a.offsetTop);
    for (const [id, link] of links) {
      id === here?.id ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current");
    }
  }, { rootMargin: "0px 0px -75% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));
})();
