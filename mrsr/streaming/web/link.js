// One participant's connection: WebSocket and WebRTC together, which joins again by itself when either is lost.

import { Refusal } from "./api.js";
import { newPeer, scaleSent, wholeOffer } from "./peer.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
// What trying again does not mend.
const FINAL = new Set(["token", "room", "origin", "version", "bad_sdp", "bad_message", "too_large", "not_found", "403", "404"]);

/**
 * Events: `state` {state: connecting | joined | reconnecting | ended, text}, `people`, `status` and `control` (the
 * server's message), `media` {stream}.
 */
export class Link extends EventTarget {
  #options;
  #want;
  #now = null; // the sockets of this attempt; what those of earlier ones say is not heard
  #refused = false;
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #ended = false;
  /** What is received now, or was before the connection was lost. */
  media = null;

  /**
   * @param {{role: string, room: string, token: (refused: boolean) => Promise<string>, ice: (token: string) => Promise<RTCIceServer[]>,
   *   stream?: MediaStream|null, want?: object}} options
   */
  constructor(options) {
    super();
    this.#options = options;
    this.#want = options.want ?? { policy: "link" };
    this.onvisible = () => document.visibilityState === "visible" && this.#timer < 0 && this.#join();
    document.addEventListener("visibilitychange", this.onvisible);
  }

  get want() {
    return this.#want;
  }

  /** The browser's connection of this attempt, for its statistics. */
  get connection() {
    return this.#now?.connection ?? null;
  }

  start() {
    this.#tell("connecting");
    return this.#join();
  }

  /** Changes what this participant would like; kept for when it joins again. */
  wish(changes) {
    const want = { ...this.#want, ...changes };
    for (const [key, value] of Object.entries(want)) if (value === null || value === undefined) delete want[key];
    if (JSON.stringify(want) === JSON.stringify(this.#want)) return;
    this.#want = want;
    if (this.#now?.joined) this.#send(this.#now, { type: "want", ...want });
  }

  /** Leaves for good. */
  stop(reason = "left") {
    this.#ended = true;
    document.removeEventListener("visibilitychange", this.onvisible);
    clearTimeout(this.#timer);
    if (this.#now) this.#send(this.#now, { type: "bye", reason });
    this.#drop();
    this.#tell("ended", reason);
  }

  /** Leaves until `again`. */
  pause() {
    clearTimeout(this.#timer);
    if (this.#now) this.#send(this.#now, { type: "bye", reason: "the page was left" });
    this.#drop();
  }

  /** Joins again at once, after the page was taken from the browser's cache. */
  again() {
    if (this.#ended) return;
    this.#drop();
    this.#tell("reconnecting");
    this.#join();
  }

  async #join() {
    this.#timer = 0;
    const { role, room, token, ice, stream } = this.#options;
    const now = { socket: null, connection: null, joined: false };
    this.#now = now;
    try {
      const ticket = await token(this.#refused);
      const servers = await ice(ticket).catch((error) => {
        if (error.code === "token") throw error;
        return []; // without them a call over this network still works
      });
      if (this.#now !== now) return;
      now.connection = newPeer(role, stream ?? null, servers);
      now.connection.addEventListener("track", ({ track }) => this.#hear(now, track));
      now.connection.addEventListener("connectionstatechange", () => {
        if (now.connection?.connectionState === "failed") this.#lost(now, "the media connection failed");
      });
      const offer = wholeOffer(now.connection);
      now.socket = await this.#opened(now);
      this.#send(now, { type: "hello", token: ticket, role, session: room, want: this.#want });
      now.joined = true;
      this.#send(now, { type: "offer", sdp: await offer });
    } catch (error) {
      this.#lost(now, error.message, error instanceof Refusal ? error : null);
    }
  }

  #opened(now) {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/ws`);
    now.socket = socket;
    socket.addEventListener("message", ({ data }) => this.#now === now && this.#received(now, JSON.parse(data)));
    socket.addEventListener("close", () => this.#lost(now, "the connection to the server was lost"));
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("close", () => reject(new Refusal("unreachable", "the server does not answer")));
    });
  }

  async #received(now, message) {
    if (message.type === "answer") {
      try {
        await now.connection.setRemoteDescription({ type: "answer", sdp: message.sdp });
      } catch (error) {
        return this.#lost(now, `the server's answer was not understood: ${error.message}`);
      }
      this.#wait = FIRST_WAIT_MS;
      this.#refused = false;
      this.#tell("joined");
    } else if (message.type === "control") {
      const ok = await scaleSent(now.connection, message.downBy, message.maxBitrate);
      this.#send(now, { type: "ack", seq: message.seq, ok });
      this.#emit("control", { ...message, ok });
    } else if (message.type === "error") {
      this.#lost(now, message.text, new Refusal(message.code, message.text, message.retryAfterMs));
    } else if (message.type === "bye") {
      this.stop(message.reason || "the server ended the call");
    } else {
      this.#emit(message.type, message);
    }
    return undefined;
  }

  #hear(now, track) {
    if (this.#now !== now) return;
    now.tracks = [...(now.tracks ?? []), track];
    this.media = new MediaStream(now.tracks);
    this.#emit("media", { stream: this.media });
  }

  /** This attempt is over: joins again after a while, unless that is of no use. */
  #lost(now, text, refusal = null) {
    if (this.#now !== now || this.#ended) return;
    this.#drop();
    // A server that was started anew knows no token of before: another one is asked for, once.
    const renew = refusal?.code === "token" && !this.#refused;
    if (renew) this.#refused = true;
    if (refusal && FINAL.has(refusal.code) && refusal.retryAfterMs === undefined && !renew) {
      this.#ended = true;
      this.#tell("ended", text);
      return;
    }
    this.#tell("reconnecting", text);
    const spread = this.#wait * (0.75 + Math.random() / 2); // not everybody at the same moment
    const wait = Math.max(refusal?.retryAfterMs ?? 0, spread);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => {
      this.#timer = -1;
      this.onvisible();
    }, wait);
  }

  #drop() {
    const { socket, connection } = this.#now ?? {};
    this.#now = null;
    socket?.close();
    connection?.close();
  }

  #send(now, message) {
    if (now.socket?.readyState === WebSocket.OPEN) now.socket.send(JSON.stringify(message));
  }

  #tell(state, text = "") {
    this.#emit("state", { state, text });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
