// A status of the server, and what this device does, in words and figures.

export const BADGES = {
  on: "Super-resolved",
  bypass: "Not super-resolved",
  device: "Low resolution",
  waiting: "Waiting",
};

/** Numbers as people read them; a dash for what is not known. */
export function figures(status, local) {
  const known = (value, text) => (value === undefined || value === null ? "-" : text(value));
  const waits = status.sr === "waiting";
  return {
    fps: known(local ? local.fps : status.fps, (value) => value.toFixed(value < 10 ? 1 : 0)),
    latency: known(local ? local.ms : waits ? null : status.latencyMs, (value) => `${Math.round(value)} ms`),
    drops: known(local ? local.drops : status.drops, String),
    rtt: known(status.rttMs, (value) => `${Math.round(value)} ms`),
    loss: known(status.loss, (value) => `${(100 * value).toFixed(1)} %`),
    estimate: known(status.estimateKbps, rate),
  };
}

/** A reason of the server's as a sentence. */
export function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1).replaceAll("_", " ")}.` : "";
}

/** kbit/s in words. */
export function rate(kbps) {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}

export function sizes(input, output) {
  if (!input) return "";
  return input === output || !output ? `${input}p` : `${input}p → ${output}p`;
}

/** What stands on the two sides of a tile; where the right one comes from has to be said. */
export function comparison(status, here) {
  const made = status.out > status.in ? "Plain, by the server" : "As it arrives";
  const left = status.sr === "on" || here ? "Super-resolved" : made;
  if (here) return { left, right: "Plain scaling", title: "The picture that arrives, enlarged by the browser's own smoothing." };
  const title =
    "Simulated from what arrives: this page is sent the enlarged picture alone, so it is reduced to " +
    `${status.in ? `${status.in}p` : "the source's size"} again and enlarged by the browser's own smoothing.`;
  return { left, right: "Plain scaling (simulated)", title };
}
