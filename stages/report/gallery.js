/* Galleries: pictures as they come into view, and only those that were chosen. */
"use strict";
(() => {
  const { make, percent, count } = skycrane;
  const STEP = 48;

  const read = (camera, at, row) => {
    if (!row[1] && row.length === 4) return { camera, at, gap: true, name: row[0], count: row[2], why: row[3] };
    const [frame, url, sprite, edition, fraction, when, source, clock, state, editions, [width, height, received, expected], rows, utc,
      tiff, mosaic, digest, histogram, why] = row;
    return { camera, at, frame, url, sprite, edition, fraction, when, source, clock, state, editions, width, height, received, expected,
      rows, utc, tiff, mosaic, digest, histogram, why };
  };

  const thumb = ({ sprite, url, camera, frame, fraction }) => {
    const box = make("span", { className: "thumb" });
    const image = make("img", { loading: "lazy", decoding: "async", alt: `${camera} frame ${frame}${fraction < 1 ? ", partly lost" : ""}` });
    if (sprite) {
      const [sheet, sheetWidth, sheetHeight, x, y, width, height] = sprite;
      box.style.aspectRatio = `${width}/${height}`;
      image.width = sheetWidth;
      image.height = sheetHeight;
      Object.assign(image.style, { width: `${sheetWidth / width * 100}%`, left: `${-x / width * 100}%`, top: `${-y / height * 100}%` });
      image.src = sheet;
    } else {
      image.className = fraction < 1 ? "own lossy" : "own";
      image.src = url;
    }
    box.append(image);
    return box;
  };

  const draw = (item) => {
    if (item.gap) {
      const box = make("div", { className: "hole" }, make("b", { textContent: item.name }), make("span", { className: "gone", textContent: `${count(item.count, "frame")} missing` }));
      if (item.why) box.append(make("small", { textContent: item.why }));
      return box;
    }
    const words = make("span", { className: "words" }, make("b", { textContent: item.frame }));
    if (item.fraction < 1) words.append(" ", make("span", { className: "share", textContent: `${percent(item.fraction)} of the picture` }));
    else if (item.state === "thumbnail") words.append(" ", make("span", { className: "share", textContent: "still to come" }));
    words.append(" ", make("span", { className: `edition ${item.edition}`, textContent: item.edition }));
    if (item.when) words.append(make("span", { className: "time", textContent: item.when }));
    const link = make("a", { className: "shot", href: item.url }, thumb(item), words);
    link.dataset.camera = item.camera;
    link.dataset.at = item.at;
    return link;
  };

  class Gallery {
    constructor(box) {
      this.box = box;
      this.camera = box.dataset.camera;
      this.pieces = box.dataset.pieces.split(" ").filter(Boolean);
      this.items = [];
      this.loaded = 0;
      this.loading = null;
      this.shown = box.childElementCount;
      this.wanted = () => true;
      this.everything = true;
      this.chosen = null;
      this.button = box.nextElementSibling?.querySelector("button");
      if (!this.button) return;
      this.button.addEventListener("click", () => this.more());
      this.watcher = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) this.more(); }, { rootMargin: "900px" });
      this.watch();
    }

    get complete() { return this.loaded >= this.pieces.length; }

    /* The pictures that were chosen, as far as they are known. */
    get list() {
      this.chosen ??= this.items.filter(this.wanted);
      return this.chosen;
    }

    load() {
      if (this.complete) return Promise.resolve();
      this.loading ??= new Promise((resolve) => {
        const number = this.loaded;
        const script = make("script", { src: this.pieces[number] });
        const done = () => { this.loaded += 1; this.chosen = this.loading = null; script.remove(); resolve(); };
        skycrane.waiting.set(`${this.camera}/${number}`, (rows) => {
          rows.forEach((row) => this.items.push(read(this.camera, this.items.length, row)));
        });
        script.onload = script.onerror = done;
        document.head.append(script);
      });
      return this.loading;
    }

    async find(at) {
      while (this.items.length <= at && !this.complete) await this.load();
      return this.items[at];
    }

    async all() {
      while (!this.complete) await this.load();
    }

    async more() {
      if (this.busy) return;
      this.busy = true;
      const choice = this.wanted;
      while (this.list.length < this.shown + STEP && !this.complete) await this.load();
      this.busy = false;
      if (choice !== this.wanted) { this.more(); return; }
      const fresh = this.list.slice(this.shown, this.shown + STEP);
      this.box.append(...fresh.map(draw));
      this.shown += fresh.length;
      this.watch();
    }

    choose(wanted, everything) {
      this.wanted = wanted;
      this.everything = everything;
      this.chosen = null;
      this.shown = 0;
      this.box.replaceChildren();
      this.watch();
      this.more();
    }

    /* An observer tells of changes only: after each step it is asked anew. */
    watch() {
      if (!this.button) return;
      const last = this.everything ? Number(this.box.dataset.count) : this.complete ? this.list.length : Infinity;
      this.button.hidden = this.shown >= last;
      this.watcher.disconnect();
      if (!this.button.hidden) this.watcher.observe(this.button);
    }
  }

  const galleries = new Map([...document.querySelectorAll(".gallery")].map((box) => [box.dataset.camera, new Gallery(box)]));
  skycrane.galleries = galleries;

  /* --- what is chosen --- */
  const form = document.querySelector(".filters");
  if (!form) return;
  const times = form.querySelector(".times");
  const ends = times ? [form.elements.namedItem("from"), form.elements.namedItem("to")] : [];
  const found = form.querySelector("output[name=found]");
  const reset = form.querySelector("button[type=reset]");
  const choices = (name) => new Set([...form.querySelectorAll(`input[name=${name}]:checked`)].map((input) => input.value));

  const since = (clock) => {
    const apart = clock - Number(times.dataset.zero);
    const whole = Math.abs(Math.round(apart));
    return `${apart < 0 ? "−" : "+"}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const label = () => ends.forEach((input) => { input.nextElementSibling.value = since(Number(input.value)); });

  const apply = async () => {
    const [cameras, states, editions] = ["camera", "state", "edition"].map(choices);
    const [low, high] = ends.map((input) => Number(input.value));
    const timed = ends.length > 0 && (low > Number(ends[0].min) || high < Number(ends[1].max));
    const active = cameras.size + states.size + editions.size > 0 || timed;
    const wanted = (item) => {
      if (item.gap) return !states.size && !editions.size && !timed;
      return (!states.size || states.has(item.state)) && (!editions.size || editions.has(item.edition))
        && (!timed || (item.clock !== null && item.clock >= Math.min(low, high) && item.clock <= Math.max(low, high)));
    };
    label();
    skycrane.remember("filters", { checked: [...form.querySelectorAll("input:checked")].map((input) => [input.name, input.value]), low, high });
    reset.hidden = !active;
    const seen = [];
    for (const section of document.querySelectorAll("section.camera")) {
      section.hidden = cameras.size > 0 && !cameras.has(section.dataset.camera);
      const gallery = galleries.get(section.dataset.camera);
      if (!section.hidden && gallery) seen.push(gallery);
    }
    seen.forEach((gallery) => gallery.choose(wanted, !active));
    if (!active) { found.value = ""; return; }
    const turn = apply.turn = {};
    await Promise.all(seen.map((gallery) => gallery.all()));
    if (turn !== apply.turn) return;
    const number = seen.reduce((sum, gallery) => sum + gallery.list.filter((item) => !item.gap).length, 0);
    found.value = number ? `${count(number, "picture")} of ${Number(form.dataset.total).toLocaleString("en")}` : "No picture is like that.";
    seen.forEach((gallery) => gallery.watch());
  };

  const restore = () => {
    const kept = skycrane.remember("filters");
    if (!kept) return;
    kept.checked.forEach(([name, value]) => {
      const input = form.querySelector(`input[name="${name}"][value="${CSS.escape(value)}"]`);
      if (input) input.checked = true;
    });
    if (times && Number.isFinite(kept.low)) [ends[0].value, ends[1].value] = [kept.low, kept.high];
    if (form.querySelector("input:checked") || (times && (ends[0].value > ends[0].min || ends[1].value < ends[1].max))) apply();
  };

  form.hidden = form.querySelectorAll("input").length === 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => apply());
  form.addEventListener("reset", () => setTimeout(apply));
  if (times) label();
  restore();
})();

/* On paper nothing comes into view: what is in the page is loaded before it is printed. */
addEventListener("beforeprint", () => document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; }));
