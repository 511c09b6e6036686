/* What the page can do beyond being read: galleries that grow, one picture at a time, a cursor in the spectrogram. */
"use strict";
const skycrane = { waiting: {}, piece(camera, number, rows) { this.waiting[camera + "/" + number]?.(rows); } };

(() => {
  const make = (name, properties, ...children) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };

  /* --- galleries: each piece is a script that hands its rows over, because a page from a file may not fetch --- */
  const thumb = (sprite, url, label) => {
    const box = make("span", { className: "thumb" });
    const image = make("img", { loading: "lazy", decoding: "async", alt: label });
    if (sprite) {
      const [sheet, sheetWidth, sheetHeight, x, y, width, height] = sprite;
      box.style.aspectRatio = `${width}/${height}`;
      image.width = sheetWidth;
      image.height = sheetHeight;
      image.style.cssText = `width:${sheetWidth / width * 100}%;left:${-x / width * 100}%;top:${-y / height * 100}%`;
      image.src = sheet;
    } else {
      image.className = "own";
      image.src = url;
    }
    box.append(image);
    return box;
  };

  const item = (camera, [frame, url, sprite, edition, fraction, time]) => {
    const words = make("span", { className: "words" }, make("b", { textContent: frame }));
    if (fraction < 1) words.append(" ", make("span", { className: "share", textContent: `${(Math.floor(fraction * 1000) / 10).toFixed(1)} %` }));
    words.append(" ", make("span", { className: `edition ${edition}`, textContent: edition }));
    if (time) words.append(make("span", { className: "time", textContent: time }));
    const label = `${camera} frame ${frame}${fraction < 1 ? ", partly lost" : ""}`;
    const link = make("a", { className: "shot", href: url }, thumb(sprite, url, label), words);
    link.dataset.caption = `${camera} ${frame}${time ? " · " + time : ""}`;
    return link;
  };

  for (const gallery of document.querySelectorAll(".gallery")) {
    const pieces = gallery.dataset.pieces.split(" ").filter(Boolean);
    const button = gallery.nextElementSibling?.querySelector("button");
    if (!pieces.length || !button) continue;
    let next = 0;
    let busy = false;
    const load = () => {
      if (busy || next >= pieces.length) return;
      busy = true;
      const camera = gallery.dataset.camera;
      skycrane.waiting[`${camera}/${next}`] = (rows) => {
        const fragment = document.createDocumentFragment();
        rows.forEach((row) => fragment.append(item(camera, row)));
        gallery.append(fragment);
        busy = false;
        next += 1;
        button.hidden = next >= pieces.length;
      };
      const script = make("script", { src: pieces[next] });
      script.onerror = () => { busy = false; };
      document.head.append(script);
    };
    button.hidden = false;
    button.addEventListener("click", load);
    new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) load(); }, { rootMargin: "600px" }).observe(button);
  }

  /* --- one picture at a time --- */
  const viewer = document.getElementById("viewer");
  const image = viewer.querySelector("img");
  let at = -1;
  const shots = () => [...document.querySelectorAll(".gallery .shot")];
  const show = (link) => {
    const list = shots();
    at = list.findIndex((other) => other.href === link.href);
    image.src = link.href;
    image.alt = link.querySelector("img").alt;
    viewer.querySelector(".caption").textContent = link.dataset.caption;
    viewer.querySelector("a.whole").href = link.href;
    if (!viewer.open) viewer.showModal();
    viewer.querySelector(".before").disabled = at < 1;
    viewer.querySelector(".after").disabled = at < 0 || at + 1 >= list.length;
    const ahead = list[at + 1];
    if (ahead) new Image().src = ahead.href;
  };
  const step = (by) => {
    const link = at < 0 ? null : shots()[at + by];
    if (link) show(link);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.shot");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    show(link);
  });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else return;
    event.preventDefault();
  });
  viewer.querySelector(".before").addEventListener("click", () => step(-1));
  viewer.querySelector(".after").addEventListener("click", () => step(1));
  viewer.querySelector(".close").addEventListener("click", () => viewer.close());
  image.addEventListener("click", () => viewer.close());
  /* The box is exactly as large as the picture: its hatched ground must show through lost pixels, and nowhere else. */
  image.addEventListener("load", () => {
    image.style.width = `min(100vw, calc((100vh - 3.4rem) * ${image.naturalWidth / image.naturalHeight}))`;
  });
  viewer.addEventListener("close", () => { image.removeAttribute("src"); });

  /* --- sound --- */
  for (const panel of document.querySelectorAll(".sound")) {
    const audio = panel.querySelector("audio");
    const picture = panel.querySelector(".spectrogram");
    if (!audio) continue;
    panel.querySelectorAll(".seek").forEach((button) => button.addEventListener("click", () => {
      audio.currentTime = Math.max(0, Number(button.dataset.seconds) - 1);
      audio.play();
    }));
    if (!picture) continue;
    const cursor = picture.querySelector(".cursor");
    const { left, right, seconds } = Object.fromEntries(Object.entries(picture.dataset).map(([name, value]) => [name, Number(value)]));
    const move = () => {
      cursor.hidden = false;
      cursor.style.left = `${(left + audio.currentTime / seconds * (right - left)) * 100}%`;
    };
    const follow = () => {
      move();
      if (!audio.paused) requestAnimationFrame(follow);
    };
    audio.addEventListener("play", follow);
    audio.addEventListener("seeked", move);
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const place = ((event.clientX - box.left) / box.width - left) / (right - left);
      audio.currentTime = Math.min(1, Math.max(0, place)) * seconds;
      move();
    });
  }
})();
