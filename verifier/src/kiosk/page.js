"use strict";

const by = (id) => document.getElementById(id);
const MARKS = { accepted: "✓", "not-accepted": "✗", "could-not-tell": "?" };
const IDLE = { ready: "Show your code", reading: "Reading…" };

function show({ number, state, result, counts }) {
  document.body.dataset.state = state;
  document.body.dataset.verdict = result ? result.verdict : "";
  by("mark").textContent = result ? MARKS[result.verdict] : "";
  by("headline").textContent = result ? result.headline : IDLE[state];
  by("facts").replaceChildren(...(result ? result.facts : []).flatMap(({ label, value }) => [
    element("dt", label),
    element("dd", value),
  ]));
  by("reasons").replaceChildren(...(result ? result.reasons : []).map((reason) => element("li", reason)));
  const portrait = by("portrait");
  portrait.hidden = !(result && result.portrait);
  if (portrait.hidden) portrait.removeAttribute("src");
  else portrait.src = `/portrait/${number}`;
  by("accepted").textContent = counts.accepted;
  by("not-accepted").textContent = counts.notAccepted;
  by("could-not-tell").textContent = counts.couldNotTell;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function follow() {
  let number = -1;
  for (;;) {
    try {
      const answer = await fetch(`/state/${number < 0 ? Number.MAX_SAFE_INTEGER : number}`);
      const state = await answer.json();
      number = state.number;
      show(state);
    } catch {
      by("headline").textContent = "The kiosk is not running";
      document.body.dataset.verdict = "could-not-tell";
      await new Promise((later) => setTimeout(later, 1000));
      number = -1;
    }
  }
}

by("scan").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = by("code").value;
  by("code").value = "";
  if (code.trim()) await fetch("/scan", { method: "POST", body: code });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    by("code").value = "";
    fetch("/clear", { method: "POST" });
  }
});

// A scanner types wherever the focus is.
document.addEventListener("click", () => by("code").focus());

follow();
