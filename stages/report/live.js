/* Only where the page is served (skycrane serve): pictures as they are made, and the page itself when it has been made anew. */
"use strict";
if (skycrane.live) {
  const { make, percent } = skycrane;
  const MOST = 24;
  const line = document.querySelector(".live");
  const strip = make("div", { className: "gallery" });
  const section = make("section", { id: "fresh", hidden: true }, make("h2", { textContent: "Just made" }), strip);
  document.getElementById("main").prepend(section);
  const fresh = new Map();
  let here = performance.getEntriesByType("navigation")[0]?.serverTiming?.find((entry) => entry.name === "report")?.description;
  let counts = {};
  let connected = false;

  /* What could not be processed, and why. */
  const failures = make("tbody", {});
  const heads = ["Stage", "Item", "Reason"].map((name) => make("th", { scope: "col", textContent: name }));
  const quarantine = make("section", { id: "quarantine", hidden: true }, make("h2", { textContent: "Quarantine" }),
    make("div", { className: "scroll panel" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), failures)),
    make("p", { className: "note" }, "Everything that does not depend on these goes on. With traceback and inputs: ", make("code", { textContent: "skycrane quarantine show" })));
  section.after(quarantine);

  const list = (items) => {
    quarantine.hidden = !items.length;
    failures.replaceChildren(...items.map(({ stage, key, message }) => make("tr", {}, ...[stage, key, message].map((text) => make("td", { textContent: text })))));
  };

  const say = () => {
    const parts = [connected ? "Live" : "The server does not answer"];
    if (connected && fresh.size) parts.push(`${fresh.size}${fresh.size < MOST ? "" : " or more"} new`);
    if (connected && counts.due) parts.push(`${counts.due.toLocaleString("en")} to do`);
    if (connected && counts.quarantined) parts.push(`${counts.quarantined.toLocaleString("en")} in quarantine`);
    line.textContent = parts.join(" · ");
    line.classList.toggle("off", !connected);
    line.hidden = false;
  };

  const add = ({ key, paths, received, expected, facts }) => {
    const path = paths.find((name) => name.endsWith(".png"));
    if (!path) return;
    const [camera, frame] = key.split("/");
    const fraction = expected ? received / expected : 1;
    const url = path.split("/").map(encodeURIComponent).join("/");
    const image = make("img", { className: fraction < 1 ? "own lossy" : "own", src: `${url}?${received}`, alt: `${camera} frame ${frame}`, decoding: "async" });
    const words = make("span", { className: "words" }, make("b", { textContent: `${camera} ${frame}` }));
    if (fraction < 1) words.append(" ", make("span", { className: "share", textContent: percent(fraction) }));
    words.append(" ", make("span", { className: `edition ${facts.edition}`, textContent: facts.edition }));
    fresh.get(key)?.remove();
    fresh.delete(key);
    fresh.set(key, make("a", { className: "shot", href: url }, make("span", { className: "thumb" }, image), words));
    strip.prepend(fresh.get(key));
    if (fresh.size > MOST) {
      const [oldest, node] = fresh.entries().next().value;
      node.remove();
      fresh.delete(oldest);
    }
    section.hidden = false;
  };

  /* Nobody's sound is cut off, and nobody's picture taken away. */
  const renew = () => {
    const busy = document.getElementById("viewer").open || [...document.querySelectorAll("audio")].some((audio) => !audio.paused);
    if (busy) setTimeout(renew, 1000);
    else location.reload();
  };

  const source = new EventSource("events?kind=Image");
  source.onopen = () => { connected = true; say(); };
  source.onerror = () => { connected = false; say(); };
  source.addEventListener("made", (event) => { add(JSON.parse(event.data)); say(); });
  source.addEventListener("state", (event) => {
    const state = JSON.parse(event.data);
    const report = state.report.replaceAll('"', "");
    counts = state.counts;
    list(counts.failures ?? []);
    here ??= report;
    if (report && report !== here) { here = report; renew(); }
    say();
  });
}
