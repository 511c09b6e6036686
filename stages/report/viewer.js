/* One picture at a time: as large as the window or larger, with its histogram and its receipt. */
"use strict";
(() => {
  const { make, percent } = skycrane;
  const viewer = document.getElementById("viewer");
  if (!viewer) return;
  const stage = viewer.querySelector(".stage");
  const image = stage.querySelector("img");
  const about = viewer.querySelector("aside");
  const button = (name) => viewer.querySelector(`.${name}`);
  const MOST = 16;
  let item = null;
  let gallery = null;
  /* The picture's scale relative to the window's, and its middle relative to the stage's, in CSS pixels. */
  let scale = 1;
  let x = 0;
  let y = 0;

  /* --- zoom --- */
  const fit = () => Math.min(stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight);

  const place = () => {
    if (!image.naturalWidth) return;
    const width = image.naturalWidth * fit();
    const height = image.naturalHeight * fit();
    const [roomX, roomY] = [Math.max(0, (width * scale - stage.clientWidth) / 2), Math.max(0, (height * scale - stage.clientHeight) / 2)];
    x = Math.min(roomX, Math.max(-roomX, x));
    y = Math.min(roomY, Math.max(-roomY, y));
    Object.assign(image.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${x}px, ${y}px) scale(${scale})` });
    image.classList.toggle("pixels", fit() * scale * devicePixelRatio >= 2);
    stage.classList.toggle("large", scale > 1);
    button("scale").value = `${Math.round(fit() * scale * 100)} %`;
    button("out").disabled = scale <= 1;
    button("in").disabled = scale >= MOST / Math.min(1, fit());
  };

  /* Keep the point under the finger where it is. */
  const zoom = (factor, clientX, clientY) => {
    const box = stage.getBoundingClientRect();
    const [px, py] = clientX === undefined ? [0, 0] : [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
    const next = Math.min(MOST / Math.min(1, fit()), Math.max(1, scale * factor));
    x = px - (px - x) * next / scale;
    y = py - (py - y) * next / scale;
    scale = next;
    place();
  };

  const whole = () => { scale = 1; x = y = 0; place(); };
  /* From the whole picture to one pixel a pixel, and back. */
  const toggle = (clientX, clientY) => {
    if (scale > 1) whole();
    else zoom(Math.max(2, 1 / fit()), clientX, clientY);
  };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => toggle(event.clientX, event.clientY));
  const fingers = new Map();
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, event);
    if (before) {
      const now = spread();
      zoom(now.apart / Math.max(1, before.apart), now.x, now.y);
    } else if (scale > 1) {
      x += event.clientX - last.clientX;
      y += event.clientY - last.clientY;
      place();
    }
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => fingers.delete(event.pointerId));
  image.addEventListener("load", whole);
  image.addEventListener("dragstart", (event) => event.preventDefault());
  addEventListener("resize", () => { if (viewer.open) place(); });

  /* --- receipt --- */
  const runs = (rows) => rows.map(([start, stop]) => (stop === start + 1 ? `${start}` : `${start}–${stop - 1}`)).join(", ");
  const facts = () => [
    ["Product", item.source],
    ["Size", `${item.width} × ${item.height}`],
    ["Made from", item.edition + (item.editions.length > 1 ? ` (came as ${item.editions.join(", ")})` : "")],
    ["Received", item.fraction < 1 ? `${percent(item.fraction)}: ${item.received.toLocaleString("en")} of ${item.expected.toLocaleString("en")} pixels` : "all of it"],
    ["Not image", item.width * item.height > item.expected ? `${(item.width * item.height - item.expected).toLocaleString("en")} pixels of camera telemetry in the first corner` : ""],
    ["Lost rows", runs(item.rows)],
    ["Because of", item.why],
    ["Taken", item.utc && `${item.utc} UTC`],
    ["Since", item.when !== item.utc && item.when],
    ["Clock", item.clock === null ? "" : `${item.clock.toFixed(3)} s`],
    ["Digest", item.digest],
    ["More", `skycrane explain OUT ${decodeURIComponent(item.url)}`],
  ];

  /* Red, green and blue laid over each other, black to white; the heights are square roots, so that little things show. */
  const histogram = () => {
    const figure = viewer.querySelector(".histogram");
    const channels = item.histogram.match(/.{64}/g) ?? [];
    const names = channels.length === 3 ? ["red", "green", "blue"] : ["grey"];
    for (const path of figure.children) {
      const digits = channels[names.indexOf(path.getAttribute("class"))] ?? "";
      path.setAttribute("d", `M0 64${[...digits].map((digit, at) => `L${at * 3} ${63 - parseInt(digit, 36) * 1.75}h3`).join("")}V64Z`);
    }
    figure.toggleAttribute("hidden", !channels.length);
  };

  const tell = () => {
    about.querySelector("h3").textContent = `${item.camera} ${item.frame}`;
    about.querySelector("dl").replaceChildren(...facts().filter(([, value]) => value).map(([name, value]) => (
      make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value })))));
    const links = [["TIFF", item.tiff], ["Mosaic", item.mosaic]].filter(([, url]) => url).map(([name, url]) => make("a", { href: url, textContent: name }));
    if (links.length) about.querySelector("dl").append(make("div", {}, make("dt", { textContent: "Files" }), make("dd", {}, links[0], ...links.slice(1).flatMap((link) => [" ", link]))));
    histogram();
  };

  /* --- from picture to picture --- */
  const show = (next) => {
    item = next;
    image.classList.toggle("lossy", item.fraction < 1);
    image.src = item.url;
    image.alt = `${item.camera} frame ${item.frame}${item.fraction < 1 ? ", partly lost" : ""}`;
    viewer.querySelector(".caption").textContent = [item.camera, item.frame, item.when, item.fraction < 1 ? percent(item.fraction) : ""].filter(Boolean).join(" · ");
    button("whole").href = item.url;
    tell();
    if (!viewer.open) viewer.showModal();
    const list = pictures();
    const at = list.indexOf(item);
    button("before").disabled = at < 1;
    button("after").disabled = at + 1 >= list.length && gallery.complete;
    if (list[at + 1]) new Image().src = list[at + 1].url;
  };
  const pictures = () => {
    const list = gallery.list.filter((other) => !other.gap);
    return list.includes(item) ? list : gallery.items.filter((other) => !other.gap);
  };
  const step = async (by) => {
    let list = pictures();
    while (list.indexOf(item) + by >= list.length && !gallery.complete) {
      await gallery.load();
      list = pictures();
    }
    const next = list[list.indexOf(item) + by];
    if (next) show(next);
    else button("after").disabled = by > 0;
  };

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a.shot[data-at]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const own = skycrane.galleries.get(link.dataset.camera);
    if (!own) return;
    event.preventDefault();
    const found = await own.find(Number(link.dataset.at));
    if (!found) { location.href = link.href; return; }
    gallery = own;
    show(found);
  });
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5),
    0: whole, 1: () => toggle(), i: () => button("info").click(),
  };
  viewer.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  button("before").addEventListener("click", () => step(-1));
  button("after").addEventListener("click", () => step(1));
  button("in").addEventListener("click", () => zoom(1.5));
  button("out").addEventListener("click", () => zoom(1 / 1.5));
  button("close").addEventListener("click", () => viewer.close());
  button("info").addEventListener("click", () => {
    about.hidden = !about.hidden;
    button("info").setAttribute("aria-expanded", String(!about.hidden));
    place();
  });
  viewer.addEventListener("close", () => { image.removeAttribute("src"); });
})();
