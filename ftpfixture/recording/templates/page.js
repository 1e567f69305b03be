"use strict";
const box = document.getElementById("filter");
const count = document.getElementById("count");
const sessions = Array.from(document.querySelectorAll(".session"), (session) => ({
  session,
  exchanges: Array.from(session.querySelectorAll(".exchange"), (element) => ({
    element,
    text: element.textContent.toLowerCase(),
  })),
}));
const all = sessions.reduce((sum, { exchanges }) => sum + exchanges.length, 0);

function filter() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { session, exchanges } of sessions) {
    let here = 0;
    for (const { element, text } of exchanges) {
      element.hidden = !words.every((word) => text.includes(word));
      here += element.hidden ? 0 : 1;
    }
    session.hidden = here === 0;
    shown += here;
  }
  count.textContent = words.length ? `${shown} of ${all} exchanges` : "";
  document.getElementById("none").hidden = shown > 0 || all === 0;
}

document.getElementById("search").hidden = false;
box.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== box && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    box.focus();
  } else if (event.key === "Escape" && box.value) {
    box.value = "";
    filter();
    box.focus();
  }
});
filter();
