/* What the other scripts share. The page reads well without any of them. */
"use strict";
const skycrane = {
  live: location.protocol.startsWith("http"),
  waiting: new Map(),

  /* A piece of a gallery hands its rows over, because a page from a file may not fetch. */
  piece(camera, number, rows) {
    this.waiting.get(`${camera}/${number}`)?.(rows);
  },

  make(name, properties, ...children) {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  },

  percent(fraction) {
    return fraction >= 1 ? "100 %" : `${(Math.floor(fraction * 1000) / 10).toFixed(1)} %`;
  },

  count(number, one) {
    return `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
  },

  /* What the reader has chosen outlives the page: it may be made anew under their eyes. */
  remember(name, value) {
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem(`skycrane ${location.pathname} ${name}`));
      sessionStorage.setItem(`skycrane ${location.pathname} ${name}`, JSON.stringify(value));
    } catch { /* a browser that keeps nothing for pages from files */ }
    return null;
  },
};
