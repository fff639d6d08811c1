// Says what changed to those who do not look: a live region for screen readers, a short note for everybody else.

let hide = 0;

/** Read out by screen readers; the same text twice is read once. */
export function announce(text) {
  const live = document.getElementById("live");
  if (live.textContent !== text) live.textContent = text;
}

/** Announced, and shown for a few seconds. */
export function notify(text) {
  announce(text);
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => {
    toast.hidden = true;
  }, 6000);
}
