// The way in: what to send, with a preview of it, and the form's answers.

import { plainName } from "./api.js";
import { recall, remember } from "./remember.js";
import { closeSource, openSource } from "./sources.js";

const TEXTS = { camera: "Your camera", screen: "Your screen", file: "Your video file", nothing: "Nothing is sent: you only watch" };

/** Events: `join` {room, name, watch, stream}. */
export class JoinForm extends EventTarget {
  #form = document.getElementById("join-form");
  #problem = document.getElementById("problem");
  #preview = document.getElementById("preview");
  #text = document.getElementById("preview-text");
  #room = document.getElementById("room");
  #name = document.getElementById("name");
  #watch = document.getElementById("watch");
  #file = document.getElementById("file");
  #fields = document.getElementById("fields");
  #go = document.getElementById("go");
  #stream = null;
  #opening = 0;

  /** @param {{room: string, role: string, token: string}} invited what the page's address says */
  constructor(invited) {
    super();
    this.#name.value = recall("name");
    this.#room.value = invited.room || recall("room");
    this.#room.readOnly = Boolean(invited.token);
    if (invited.role === "publish") Object.assign(this.#watch, { checked: false, disabled: true });
    const radios = [...this.#form.elements.send];
    for (const radio of radios) {
      radio.disabled = invited.role === "subscribe" && radio.value !== "nothing";
      radio.addEventListener("change", () => this.#choose());
    }
    radios.find(({ value }) => value === "nothing").checked = true;
    this.#file.addEventListener("change", () => this.#choose());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#show();
  }

  get choice() {
    return this.#form.elements.send.value;
  }

  /** What stands in the way, in plain words; an empty text takes it away. */
  problem(text) {
    this.#problem.hidden = !text;
    this.#problem.textContent = text;
  }

  /** Lets go of what was previewed. */
  release() {
    closeSource(this.#stream);
    this.#stream = null;
    this.#preview.srcObject = null;
    this.#show();
  }

  /** Open to be sent again, after a call or a refusal. Until then nothing of it changes: the call has its stream. */
  ready(on) {
    this.#fields.disabled = !on;
    this.#go.disabled = !on;
    this.#go.textContent = on ? "Join" : "Joining…";
  }

  async #choose() {
    const turn = (this.#opening += 1);
    this.release();
    this.problem("");
    const { choice } = this;
    // The field for it comes next: whoever goes through the choices by arrows is not taken away from them.
    if (choice === "file" && !this.#file.files.length) return;
    this.#text.textContent = "Waiting for the browser…";
    try {
      const stream = await openSource(choice, this.#file.files[0], (text) => this.problem(text));
      if (turn !== this.#opening) {
        closeSource(stream);
        return;
      }
      this.#stream = stream;
      this.#preview.srcObject = stream;
    } catch (error) {
      if (turn === this.#opening) this.problem(error.message);
    }
    this.#show();
  }

  #show() {
    document.getElementById("file-label").hidden = this.choice !== "file";
    document.getElementById("preview-box").dataset.empty = String(!this.#stream);
    this.#preview.classList.toggle("mirrored", this.choice === "camera");
    this.#text.textContent = this.#stream || this.choice === "nothing" ? TEXTS[this.choice] : "Nothing is sent yet";
  }

  #submit() {
    const room = plainName(this.#room.value);
    const watch = this.#watch.checked;
    if (!room) {
      this.problem("Give the room a name.");
      this.#room.focus();
      return;
    }
    if (this.choice !== "nothing" && !this.#stream) {
      this.problem(this.choice === "file" ? "Choose a video file first." : this.#problem.textContent || "There is nothing to send yet.");
      if (this.choice === "file") this.#file.focus();
      return;
    }
    if (!watch && !this.#stream) {
      this.problem("Send something, watch the others, or both.");
      return;
    }
    const name = plainName(this.#name.value) || "guest";
    remember("name", this.#name.value);
    remember("room", room);
    this.problem("");
    this.dispatchEvent(new CustomEvent("join", { detail: { room, name, watch, stream: this.#stream, choice: this.choice } }));
  }
}
