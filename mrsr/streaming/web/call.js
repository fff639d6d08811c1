// A call: a connection for what is sent, one for each publisher watched, and the tiles they fill.
//
// What one sends and what one watches are apart, since each has wishes of its own: `want` is of a connection.

import { iceServers } from "./api.js";
import { announce, notify } from "./announce.js";
import { Link } from "./link.js";
import { Tile } from "./tile.js";
import { rate } from "./words.js";

// A publisher whose worker died comes back under another id: for so long its tile waits for somebody of its name.
const RETURN_MS = 6000;

/** Events: `ended` {text}. */
export class Call extends EventTarget {
  #options;
  #first; // tells who publishes: it sends, or where nothing is sent it is the first to watch
  #links = new Map(); // by tile
  #mine = ""; // the id of the connection that sends
  #tiles = document.getElementById("tiles");
  #empty = document.getElementById("empty");

  /** @param {{room: string, watch: boolean, token: () => Promise<string>, stream: MediaStream|null, offered: object}} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#empty.hidden = !options.watch;
    this.#first = this.#newLink(options.stream ? "publish" : "subscribe");
    this.#first.addEventListener("people", ({ detail }) => this.#meet(detail));
    this.#first.addEventListener("control", ({ detail }) => this.#asked(detail));
    if (options.stream) this.#first.addEventListener("status", ({ detail }) => this.#sent(detail));
    this.#first.start();
  }

  /** Most that viewers get of what is sent (p); null: what their links bear. */
  most(height) {
    this.#first.wish({ most: height });
  }

  /** The page goes away, perhaps to come back. */
  pause() {
    for (const link of this.#all()) link.pause();
  }

  again() {
    for (const link of this.#all()) link.again();
  }

  leave(reason) {
    for (const link of this.#all()) link.stop(reason);
    for (const tile of this.#links.keys()) {
      clearTimeout(tile.removal);
      tile.close();
    }
    this.#links.clear();
  }

  #all() {
    return new Set([this.#first, ...[...this.#links.values()].filter(Boolean)]);
  }

  #newLink(role, want) {
    const { room, token, stream } = this.#options;
    const link = new Link({ role, room, token, ice: iceServers, stream: role === "publish" ? stream : null, want });
    link.addEventListener("state", ({ detail }) => this.#state(link, detail));
    link.addEventListener("media", ({ detail }) => this.#tileOf(link)?.play(detail.stream));
    link.addEventListener("status", ({ detail }) => this.#tileOf(link)?.status(detail));
    return link;
  }

  #tileOf(link) {
    return [...this.#links].find(([, each]) => each === link)?.[0];
  }

  #state(link, { state, text }) {
    const tile = this.#tileOf(link);
    tile?.veil(state === "reconnecting" ? "Reconnecting…" : state === "ended" ? text : "");
    if (link !== this.#first) return;
    document.body.dataset.link = state;
    if (state === "joined") announce("You are in the call.");
    if (state === "reconnecting") notify(`Reconnecting: ${text || "the connection was lost"}.`);
    if (state === "ended" && text !== "left") this.dispatchEvent(new CustomEvent("ended", { detail: { text } }));
  }

  /** Who publishes has changed: tiles and connections follow. */
  #meet({ you, publishers }) {
    this.#mine = this.#options.stream ? you : "";
    if (!this.#options.watch) return;
    const others = publishers.filter(({ peer }) => peer !== this.#mine);
    const here = new Set(others.map(({ peer }) => peer));
    const gone = [...this.#links.keys()].filter((tile) => !here.has(tile.person.peer));
    const known = new Set([...this.#links.keys()].map((tile) => tile.person.peer));
    for (const person of others.filter(({ peer }) => !known.has(peer))) {
      const returned = gone.findIndex((tile) => tile.person.name === person.name);
      if (returned >= 0) this.#adopt(gone.splice(returned, 1)[0], person);
      else this.#add(person);
    }
    for (const tile of gone) {
      tile.veil(`${tile.name} is gone`);
      tile.removal ??= setTimeout(() => this.#remove(tile), RETURN_MS);
    }
    this.#empty.hidden = this.#links.size > 0;
  }

  #adopt(tile, person) {
    clearTimeout(tile.removal);
    tile.removal = undefined;
    tile.rename(person);
    tile.veil("");
    this.#links.get(tile)?.wish({ source: person.peer });
  }

  #add(person) {
    const tile = new Tile(person, this.#options.offered);
    const free = !this.#options.stream && ![...this.#links.values()].includes(this.#first);
    const link = free ? this.#first : this.#newLink("subscribe", { policy: "link", source: person.peer });
    this.#links.set(tile, link);
    this.#tiles.append(tile.element);
    tile.addEventListener("want", ({ detail }) => link.wish(detail));
    if (free) link.wish({ source: person.peer });
    else link.start();
    if (link.media) tile.play(link.media);
    announce(`${tile.name} sends a picture.`);
  }

  #remove(tile) {
    const link = this.#links.get(tile);
    this.#links.delete(tile);
    // What had the focus goes with it.
    if (tile.element.contains(document.activeElement)) document.getElementById("main").focus();
    tile.close();
    if (link !== this.#first) link.stop("its publisher left");
    this.#empty.hidden = this.#links.size > 0;
  }

  #asked({ downBy, maxBitrate, ok }) {
    const side = this.#options.stream?.getVideoTracks()[0]?.getSettings();
    const short = side?.height ? Math.round(Math.min(side.height, side.width) / downBy) : 0;
    const size = short ? `${short}p` : `1/${downBy} of its size`;
    const text = ok ? `Asked to send ${size}, at most ${rate(maxBitrate / 1000)}` : `Asked to send ${size}: this browser could not`;
    document.getElementById("own-asked").textContent = text;
  }

  /** What the server says of what is sent. */
  #sent({ sr, in: input, out: output, fps }) {
    const arrives = sr === "waiting" ? "Nothing arrives at the server yet." : `${input}p arrives, ${Math.round(fps)} frames/s.`;
    const made = sr === "waiting" || !output ? "" : output > input ? ` Viewers get up to ${output}p.` : " Viewers get it as it is.";
    document.getElementById("own-sent").textContent = arrives + made;
  }
}
