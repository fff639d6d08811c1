// What a tile says of its picture: badge, sizes, reason and figures, and to those who do not look, what changed.

import { announce } from "./announce.js";
import { BADGES, comparison, figures, sentence, sizes } from "./words.js";

export class Readout {
  #tile;
  #parts;
  #figures;
  #peer = "";
  #name = "";
  #said = "";

  /** @param {HTMLElement} tile of the template */
  constructor(tile) {
    this.#tile = tile;
    const names = ["badge", "sizes", "left", "right", "enlarge"];
    this.#parts = Object.fromEntries(names.map((name) => [name, tile.querySelector(`.${name}`)]));
    this.#parts.reason = tile.querySelector(":scope > .reason");
    this.#figures = [...tile.querySelectorAll("[data-figure]")];
  }

  /** Whose picture it is: the server speaks of a peer id, people of a name. */
  rename(peer, name) {
    this.#peer = peer;
    this.#name = name;
  }

  /**
   * @param {object} status of the server
   * @param {Local|null} local enlargement on this device, where that was chosen
   */
  show(status, local) {
    const { badge, reason, left, right, enlarge } = this.#parts;
    const here = status.sr === "device" && local?.figures;
    this.#tile.dataset.state = status.sr;
    this.#tile.dataset.here = String(Boolean(here));
    badge.textContent = here ? "Super-resolved here" : BADGES[status.sr];
    const size = here ? sizes(here.input, here.output) : sizes(status.in, status.out);
    this.#parts.sizes.textContent = size;
    const own = local && !here ? "This device is getting ready to enlarge. " : "";
    reason.textContent = here ? `By ${here.engine} on this device.` : own + sentence(this.#named(status.reason));
    const sides = comparison(status, Boolean(here));
    left.textContent = sides.left;
    right.textContent = sides.right;
    right.title = sides.title;
    const values = figures(status, here || null);
    for (const cell of this.#figures) cell.textContent = values[cell.dataset.figure];
    const by = enlarge.value === "device" || here ? "" : " by the server";
    if (status.sr !== "waiting") this.say(`${badge.textContent}${by}, ${size}`);
  }

  /** Read out, once. */
  say(text) {
    if (text === this.#said) return;
    this.#said = text;
    announce(`${this.#name}: ${text}`);
  }

  #named(reason) {
    return this.#peer ? (reason ?? "").replaceAll(this.#peer, this.#name) : reason;
  }
}
