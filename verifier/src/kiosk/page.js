"use strict";

const by = (id) => document.getElementById(id);
const MARKS = { accepted: "✓", "not-accepted": "✗", "could-not-tell": "?" };
const IDLE = { ready: "Show your code", reading: "Reading…", down: "The kiosk is not running" };
// The kiosk answers in 25 seconds if nothing changes. The longest time that setTimeout takes is 2³¹ - 1.
const PATIENCE = 40_000;
const LONGEST = 2 ** 31 - 1;

let forgetting;

function show({ number, state, result, counts, forgetIn }) {
  // Whatever becomes of the kiosk, nobody stays on the page.
  clearTimeout(forgetting);
  if (result) forgetting = setTimeout(() => show({ state: "ready" }), Math.min(forgetIn ?? LONGEST, LONGEST));
  document.body.dataset.state = state;
  document.body.dataset.verdict = result ? result.verdict : state === "down" ? "could-not-tell" : "";
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
  if (!counts) return;
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
      const path = `/state/${number < 0 ? Number.MAX_SAFE_INTEGER : number}`;
      const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
      const state = await answer.json();
      // A state that has not changed was forgotten in time by the page itself.
      if (state.number !== number) show(state);
      number = state.number;
    } catch {
      show({ state: "down" });
      await new Promise((later) => setTimeout(later, 1000));
      number = -1;
    }
  }
}

async function tell(path, body) {
  // That the kiosk is not running is seen by who follows it.
  await fetch(path, { method: "POST", body }).catch(() => {});
}

by("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = by("code").value;
  by("code").value = "";
  if (code.trim()) tell("/scan", code);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    by("code").value = "";
    tell("/clear");
  }
});

// A scanner types wherever the focus is.
document.addEventListener("click", () => by("code").focus());

follow();
