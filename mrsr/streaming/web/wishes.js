// What a viewer would like of one picture: its resolution, who decides it, and where it is enlarged.

const FIXED = 720;

/**
 * Makes a tile's three lists of choices.
 * @param {{height: HTMLSelectElement, policy: HTMLSelectElement, enlarge: HTMLSelectElement}} lists
 * @param {{rungs: number[], device: object|null}} offered by the server's configuration
 * @param {(changed: HTMLSelectElement) => void} chosen
 */
export function makeWishes({ height, policy, enlarge }, { rungs, device }, chosen) {
  for (const rung of rungs) height.add(new Option(`${rung}p`, String(rung)));
  if (!device) {
    enlarge.options[1].disabled = true;
    enlarge.title = "This server has no network for browsers: its set-up has not fetched onnxruntime-web.";
  }
  for (const list of [height, policy, enlarge]) {
    list.addEventListener("change", () => {
      // A fixed size has to be one.
      if (policy.value === "destination" && !height.value) height.value = String(rungs.find((rung) => rung >= FIXED) ?? rungs.at(-1));
      chosen(list);
    });
  }
}

/** The choices as the protocol's `want` has them. */
export function wanted({ height, policy, enlarge }) {
  return { policy: policy.value, height: height.value ? Number(height.value) : null, enlarge: enlarge.value };
}
