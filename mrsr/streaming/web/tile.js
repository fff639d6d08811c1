// A publisher's tile: the picture with its slider, how it is doing, and what the viewer would like.

import { notify } from "./announce.js";
import { copied, onFrames } from "./frames.js";
import { Local } from "./local.js";
import { Plain } from "./plain.js";
import { Readout } from "./readout.js";
import { recall, remember } from "./remember.js";
import { makeSlider } from "./slider.js";
import { makeWishes, wanted } from "./wishes.js";

const PARTS = "stage sharp plain held divider veil compare mute full who offer anyway height policy enlarge".split(" ");

/** Events: `want` {policy, height, enlarge}, what the viewer chose. */
export class Tile extends EventTarget {
  #parts;
  #plain;
  #status = { sr: "waiting", in: 0, out: 0 };
  #split = 50;
  #endFrames;
  #local = null; // enlargement on this device
  #offered;
  #readout;

  /**
   * @param {{peer: string, name: string}} person
   * @param {{rungs: number[], device: object|null}} offered by the server's configuration
   */
  constructor(person, offered) {
    super();
    this.person = person;
    this.#offered = offered;
    this.element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = Object.fromEntries(PARTS.map((name) => [name, part(`.${name}`)]));
    this.#parts.video = part("video");
    this.#plain = new Plain(this.#parts.plain);
    this.#readout = new Readout(this.element);
    this.rename(person);
    this.#build();
    this.#endFrames = onFrames(this.#parts.video, (presented) => this.#frame(presented));
    this.#show();
  }

  /** Whose picture it is from now on; what comes over the same connection is another stream. */
  rename(person) {
    this.#local?.reset();
    this.person = person;
    // Tokens take no spaces.
    const name = person.name.replace(/[-_]+/g, " ").trim() || "Somebody";
    this.name = name;
    const { who, video, divider, mute, full } = this.#parts;
    who.textContent = name;
    this.#readout.rename(person.peer, name);
    this.element.setAttribute("aria-label", name);
    video.setAttribute("aria-label", `Picture of ${name}`);
    divider.setAttribute("aria-label", `Compare ${name}: super-resolved on the left, plain scaling on the right`);
    mute.setAttribute("aria-label", `Mute ${name}`);
    full.setAttribute("aria-label", `Full screen: ${name}`);
  }

  play(stream) {
    this.#hold();
    this.#local?.reset();
    const { video } = this.#parts;
    video.srcObject = stream;
    video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return; // a newer stream took its place
      this.#mute(true);
      video.play().catch(() => {});
      notify("The browser holds the sound back: press Mute to hear it.");
    });
  }

  status(status) {
    this.#status = status;
    this.#show();
  }

  /** Over the held last picture: why there is no newer one. Nothing takes it away again. */
  veil(text) {
    this.#parts.veil.hidden = !text;
    this.#parts.veil.textContent = text;
    if (!text) return;
    this.#hold();
    this.status({ ...this.#status, sr: "waiting", fps: 0, reason: "" });
    this.#readout.say(text);
  }

  close() {
    this.#endFrames();
    this.#local?.close();
    this.#parts.video.srcObject = null;
    this.element.remove();
  }

  #build() {
    const { stage, divider, compare, mute, full, video, enlarge, anyway } = this.#parts;
    makeSlider(stage, divider, (percent) => {
      this.#split = percent;
    });
    makeWishes(this.#parts, this.#offered, (changed) => this.#wish(changed));
    compare.addEventListener("click", () => this.#compare(compare.getAttribute("aria-pressed") !== "true"));
    this.#compare(recall("compare", "true") === "true");
    mute.addEventListener("click", () => this.#mute(!video.muted));
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen()));
    anyway.addEventListener("click", () => {
      enlarge.value = "device";
      enlarge.focus(); // the button is hidden now
      this.#wish(enlarge, true);
    });
  }

  #mute(on) {
    this.#parts.video.muted = on;
    this.#parts.mute.setAttribute("aria-pressed", String(on));
  }

  #compare(on) {
    this.#parts.compare.setAttribute("aria-pressed", String(on));
    this.#parts.stage.classList.toggle("whole", !on);
    remember("compare", String(on));
  }

  #wish(changed, anyway = false) {
    const { height, enlarge, offer } = this.#parts;
    if (changed === enlarge) {
      offer.hidden = true;
      if (enlarge.value === "device") this.#enlargeHere(anyway);
      else this.#enlargeThere();
    }
    this.#local?.aim(Number(height.value) || 0);
    this.dispatchEvent(new CustomEvent("want", { detail: wanted(this.#parts) }));
    this.#show();
  }

  #enlargeHere(anyway) {
    this.#local?.close();
    this.#local = new Local(this.#offered.device, this.#parts.sharp, this.#plain, {
      patient: anyway,
      changed: () => this.#show(),
      gaveUp: (text) => this.#backToServer(text),
    });
  }

  #enlargeThere() {
    this.#local?.close();
    this.#local = null;
    this.#parts.sharp.hidden = true;
  }

  #backToServer(text) {
    const { enlarge, offer } = this.#parts;
    this.#enlargeThere();
    enlarge.value = "server";
    offer.querySelector("span").textContent = text;
    offer.hidden = false;
    notify(text);
    this.dispatchEvent(new CustomEvent("want", { detail: wanted(this.#parts) }));
    this.#show();
  }

  #frame(presented) {
    const { video, stage, held, sharp, veil } = this.#parts;
    // A last picture may come after its connection is gone: it is held already.
    if (veil.hidden) held.hidden = true;
    stage.classList.remove("blank");
    stage.classList.toggle("tall", video.videoHeight > video.videoWidth);
    // Only the picture as it arrived is enlarged here: while the server still sends its own, it is shown.
    if (this.#local && this.#status.sr === "device") {
      this.#local.frame(video, presented);
      return;
    }
    sharp.hidden = true;
    if (this.#split < 100 && !stage.classList.contains("whole")) {
      this.#plain.draw(video, video.videoWidth, video.videoHeight, this.#status.in);
    }
  }

  /** Keeps the last picture in sight, whatever becomes of the stream. */
  #hold() {
    const { video, held, sharp } = this.#parts;
    if (!video.videoWidth || !held.hidden) return;
    copied(sharp.hidden ? video : sharp, held);
    held.hidden = false;
  }

  #show() {
    this.#readout.show(this.#status, this.#local);
  }
}
