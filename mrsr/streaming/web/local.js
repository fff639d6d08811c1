// Enlargement on this device: newest picture to the worker, result to a canvas, and when to give it back to the server.

import { plan } from "./plan.js";

const TRIAL_MS = 5000;
const WINDOW = 20;

export class Local {
  /** Pictures a second; below this a call looks like a row of photographs, and the server does better. */
  static slowest = 10;
  #device;
  #sharp;
  #plain;
  #on;
  #worker;
  #engine = "";
  #ready = false;
  #busy = null; // what is being enlarged: {picture for the plain side, began, turn}
  #target = 0;
  #times = []; // [when it was done, ms it took], the newest last
  #began = 0;
  #last = 0;
  #drops = 0;
  #turn = 0; // counts the resets

  /**
   * @param {{runtime: object, routes: object}} device of the server's configuration
   * @param {HTMLCanvasElement} sharp takes the enlarged pictures
   * @param {Plain} plain takes the picture each was made of
   * @param {{patient: boolean, changed: () => void, gaveUp: (text: string) => void}} on `patient`: slow is no reason
   */
  constructor(device, sharp, plain, on) {
    this.#device = device;
    this.#sharp = sharp;
    this.#plain = plain;
    this.#on = on;
    this.#worker = new Worker("/static/enlarger.js", { type: "module" });
    this.#worker.onerror = (event) => on.gaveUp(`This device cannot enlarge (${event.message || "its worker did not start"}); the server does.`);
    this.#worker.onmessage = ({ data }) => this.#heard(data);
    this.#worker.postMessage({ op: "open", runtime: device.runtime, routes: device.routes });
  }

  /** The short side (px) wished for; 0: 720p by a graphics processor, else the next rung. */
  aim(target) {
    this.#target = target;
  }

  /** Another source, or another connection: the state of the pictures before says nothing of those to come. */
  reset() {
    this.#turn += 1;
    this.#worker.postMessage({ op: "reset" });
  }

  /** What it does: input and output (p), frames/s, ms from a picture's arrival to the screen, drops; null before. */
  get figures() {
    if (!this.#times.length) return null;
    const recent = this.#times.slice(-WINDOW);
    const span = recent.at(-1)[0] - recent[0][0];
    const ms = recent.reduce((sum, [, each]) => sum + each, 0) / recent.length;
    return { ...this.#route, engine: this.#engine, ms, drops: this.#drops, fps: span ? ((recent.length - 1) / span) * 1000 : 0 };
  }

  #route = { input: 0, output: 0 };

  /** A new picture is there: enlarged if nothing else is being enlarged, else dropped; the newest is never kept waiting. */
  async frame(video, presented) {
    if (this.#last && presented > this.#last + 1) this.#drops += presented - this.#last - 1;
    this.#last = presented;
    if (!this.#ready || this.#busy) {
      this.#drops += this.#ready ? 1 : 0;
      return;
    }
    const short = Math.min(video.videoWidth, video.videoHeight);
    const least = short < 360 && this.#engine !== "WebGPU" ? 360 : 720;
    const route = plan(Object.keys(this.#device.routes), video.videoWidth, video.videoHeight, this.#target || least);
    if (!route) {
      this.#on.gaveUp(`No network for browsers enlarges ${short}p to ${this.#target || least}p; the server sends it.`);
      return;
    }
    const busy = { began: performance.now(), turn: this.#turn };
    this.#busy = busy;
    try {
      busy.picture = await createImageBitmap(video);
      const given = await createImageBitmap(busy.picture);
      // One of before a reset that came meanwhile would be the first that the new source's state knows.
      if (busy.turn === this.#turn) this.#worker.postMessage({ op: "enlarge", route: route.name, picture: given }, [given]);
      else {
        given.close();
        this.#skip();
      }
    } catch {
      this.#skip(); // the video has no picture any more
    }
  }

  #skip() {
    this.#busy?.picture?.close();
    this.#busy = null;
  }

  close() {
    this.#worker.terminate();
    this.#skip();
    this.#ready = false;
  }

  #heard(message) {
    if (message.failed) {
      this.#on.gaveUp(`This device cannot enlarge (${message.failed}); the server does.`);
    } else if (message.opened) {
      this.#ready = true;
      this.#engine = message.opened;
    } else {
      this.#draw(message.picture);
    }
  }

  #draw(picture) {
    const { began, picture: source, turn } = this.#busy;
    if (turn !== this.#turn) {
      picture.close();
      this.#skip(); // of the source before
      return;
    }
    this.#busy = null;
    const now = performance.now();
    this.#route = { input: Math.min(source.width, source.height), output: Math.min(picture.width, picture.height) };
    this.#plain.draw(source, source.width, source.height, 0);
    source.close();
    this.#sharp.width = picture.width;
    this.#sharp.height = picture.height;
    (this.#context ??= this.#sharp.getContext("bitmaprenderer")).transferFromImageBitmap(picture);
    this.#sharp.hidden = false;
    this.#began ||= now;
    this.#times.push([now, now - began]);
    this.#times = this.#times.slice(-WINDOW);
    this.#on.changed();
    // By what a picture takes: how many come is the source's doing, and a page out of sight gets none.
    const most = 1000 / this.figures.ms;
    if (!this.#on.patient && now - this.#began > TRIAL_MS && most < Local.slowest) {
      this.#on.gaveUp(`This device enlarges ${most.toFixed(1)} pictures a second, too few for a call; the server does it again.`);
    }
  }

  #context = null;
}
