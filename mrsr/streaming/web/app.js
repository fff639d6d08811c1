// The page: from the form to the call and back.

import { configuration, invitation, newToken } from "./api.js";
import { announce, notify } from "./announce.js";
import { Call } from "./call.js";
import { JoinForm } from "./join.js";

const byId = (id) => document.getElementById(id);
const invited = invitation();
const form = new JoinForm(invited);
let config = { rungs: [180, 360, 720, 1080], open: true, device: null };
let call = null;

async function greet() {
  try {
    const said = await configuration();
    config = { ...config, ...said, rungs: said.rungs.length ? said.rungs : config.rungs };
  } catch (error) {
    form.problem(`The server does not answer: ${error.message}. Try again in a moment.`);
    return;
  }
  // While its worker starts the server knows neither model nor rungs.
  if (!config.model) setTimeout(greet, 2000);
  byId("model").textContent = config.model ? `Pictures are enlarged by ${config.model}${config.runtime ? ` (${config.runtime})` : ""}.` : "";
  byId("warning").textContent = config.warning ?? "";
  byId("warning").hidden = !config.warning;
  const most = byId("own-most");
  most.length = 1;
  for (const rung of config.rungs) most.add(new Option(`${rung}p`, String(rung)));
  if (!config.open && !invited.token) form.problem("This server takes invitations alone: open the link you were sent.");
}

async function join({ room, name, watch, stream, choice }) {
  form.ready(false);
  const role = stream && watch ? "both" : stream ? "publish" : "subscribe";
  const asked = () => (invited.token ? Promise.resolve(invited.token) : newToken(room, role, name));
  let token;
  try {
    token = await asked();
  } catch (error) {
    form.ready(true);
    form.problem(`You cannot join: ${error.message}.`);
    byId("go").focus();
    return;
  }
  // A token serves for all connections of a page; where the server gives them itself, a new one when it has run out or is refused.
  let given = performance.now();
  const current = async (refused) => {
    if (!invited.token && (refused || performance.now() - given > 5 * 60_000)) {
      token = await asked();
      given = performance.now();
    }
    return token;
  };
  show(room, stream, choice);
  call = new Call({ room, watch, stream, token: current, offered: config });
  call.addEventListener("ended", ({ detail }) => end(detail.text));
}

function show(room, stream, choice) {
  if (!invited.token) history.replaceState(null, "", `#${new URLSearchParams({ room })}`);
  byId("join").hidden = true;
  byId("call").hidden = false;
  byId("call-tools").hidden = false;
  byId("where").textContent = room;
  document.title = `${room} - mrsr`;
  byId("invite").disabled = Boolean(invited.token);
  byId("invite").title = invited.token ? "Your own invitation is for you: others get theirs from whoever runs this server." : "";
  byId("own").hidden = !stream;
  byId("own-video").srcObject = stream;
  byId("own-video").classList.toggle("mirrored", choice === "camera");
  // The browser's own button ends a shared screen.
  stream?.getVideoTracks()[0]?.addEventListener("ended", () => notify("Your picture has ended: you send nothing any more."));
  const sound = stream?.getAudioTracks()[0];
  byId("microphone").hidden = !sound;
  byId("microphone").setAttribute("aria-pressed", "false");
  byId("main").focus();
}

function end(text) {
  call?.leave("left");
  call = null;
  form.release();
  form.ready(true);
  byId("own-video").srcObject = null;
  byId("join").hidden = false;
  byId("call").hidden = true;
  byId("call-tools").hidden = true;
  byId("where").textContent = "Calls, seen sharper over a bad link";
  document.title = "Join a call - mrsr";
  for (const radio of document.getElementsByName("send")) radio.checked = radio.value === "nothing";
  form.problem(text ? `The call ended: ${text}.` : "");
  announce(text ? "The call ended." : "You left the call.");
  byId("go").focus();
}

form.addEventListener("join", ({ detail }) => join(detail));
byId("leave").addEventListener("click", () => end(""));
byId("own-most").addEventListener("change", ({ target }) => call?.most(target.value ? Number(target.value) : null));
byId("microphone").addEventListener("click", ({ target }) => {
  const [track] = byId("own-video").srcObject?.getAudioTracks() ?? [];
  if (!track) return;
  track.enabled = !track.enabled;
  target.setAttribute("aria-pressed", String(!track.enabled));
});
byId("invite").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    notify("The invite link is copied.");
  } catch {
    notify(`Copy the link from the address bar: ${location.href}`);
  }
});
// Said at once: otherwise the server would take six seconds to notice.
window.addEventListener("pagehide", () => call?.pause());
window.addEventListener("pageshow", ({ persisted }) => persisted && call?.again());

await greet();
document.body.dataset.ready = "true";
