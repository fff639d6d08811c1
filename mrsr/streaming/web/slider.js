// The line between super-resolved and plain: by pointer, by touch, and by the keys of a slider.

const STEPS = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 };

/**
 * Makes a stage's divider a slider; `--split` of the stage is where it stands.
 * @param {HTMLElement} stage
 * @param {HTMLElement} divider role slider
 * @param {(percent: number) => void} moved
 */
export function makeSlider(stage, divider, moved) {
  let percent = 50;

  function place(value) {
    percent = Math.min(100, Math.max(0, value));
    stage.style.setProperty("--split", `${percent}%`);
    divider.setAttribute("aria-valuenow", String(Math.round(percent)));
    divider.setAttribute("aria-valuetext", `${Math.round(percent)} percent super-resolved, on the left`);
    moved(percent);
  }

  function follow(event) {
    const box = stage.getBoundingClientRect();
    place(((event.clientX - box.left) / box.width) * 100);
  }

  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    divider.focus({ preventScroll: true });
    event.preventDefault();
  });
  divider.addEventListener("pointermove", (event) => divider.hasPointerCapture(event.pointerId) && follow(event));
  divider.addEventListener("keydown", (event) => {
    const end = { Home: 0, End: 100 }[event.key];
    const step = STEPS[event.key];
    if (end === undefined && step === undefined) return;
    event.preventDefault();
    place(end ?? percent + step);
  });
  place(percent);
}
