/* The player: a cursor that moves through the spectrogram, and a click that moves the player. */
"use strict";
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
