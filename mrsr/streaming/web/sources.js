// What is sent: camera, screen or a video file, as a MediaStream; what went wrong in plain words.

const WORDS = {
  NotAllowedError: (what) => `The browser was not allowed to use ${what}. Allow it in the address bar, then choose again.`,
  NotFoundError: (what) => `There is no ${what.replace(/^your /, "")} on this device. You can send a video file, or join without sending.`,
  NotReadableError: (what) => `Another program uses ${what}. Close it, then choose again.`,
  OverconstrainedError: (what) => `${what[0].toUpperCase()}${what.slice(1)} cannot do what was asked of it.`,
  AbortError: (what) => `${what[0].toUpperCase()}${what.slice(1)} could not be started.`,
};

/** A failure of getting media, in a sentence for people. */
export class SourceError extends Error {}

function explained(error, what) {
  return new SourceError(WORDS[error.name]?.(what) ?? `${what}: ${error.message}`);
}

function devices() {
  if (!navigator.mediaDevices) {
    throw new SourceError("Browsers give the camera to pages over HTTPS or on this machine alone. Ask for an https:// address.");
  }
  return navigator.mediaDevices;
}

async function camera(say) {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  const media = devices();
  try {
    return await media.getUserMedia({ video, audio: true });
  } catch (error) {
    if (error.name === "NotAllowedError") throw explained(error, "your camera and microphone");
  }
  try {
    const stream = await media.getUserMedia({ video });
    say("There is no microphone that could be used: you send a picture without sound.");
    return stream;
  } catch (error) {
    throw explained(error, "your camera");
  }
}

async function screen() {
  const media = devices();
  if (!media.getDisplayMedia) throw new SourceError("This browser cannot send its screen. Phones mostly cannot.");
  try {
    return await media.getDisplayMedia({ video: { frameRate: { ideal: 30, max: 30 } }, audio: true });
  } catch (error) {
    throw explained(error, "your screen");
  }
}

async function played(file) {
  if (!file) throw new SourceError("Choose a video file first.");
  const player = document.createElement("video");
  Object.assign(player, { src: URL.createObjectURL(file), loop: true, muted: true, playsInline: true });
  const capture = (player.captureStream ?? player.mozCaptureStream)?.bind(player);
  if (!capture) throw new SourceError("This browser cannot send a video file. Chrome, Edge and Firefox can.");
  try {
    await player.play();
  } catch {
    URL.revokeObjectURL(player.src);
    throw new SourceError(`${file.name}: this browser cannot play it.`);
  }
  const stream = capture();
  stream.player = player; // kept playing, and stopped with the stream
  return stream;
}

/**
 * The stream of a choice of the form; null for `nothing`.
 * @param {string} choice camera, screen, file or nothing
 * @param {File|null} file
 * @param {(text: string) => void} say takes what the user should know though it worked
 */
export async function openSource(choice, file, say) {
  if (choice === "nothing") return null;
  const stream = choice === "camera" ? await camera(say) : choice === "screen" ? await screen() : await played(file);
  // Told that detail matters, the browser lowers the frame rate before it blurs: size is the server's to choose.
  for (const track of stream.getVideoTracks()) track.contentHint = "detail";
  return stream;
}

/** Lets go of camera, screen or file. */
export function closeSource(stream) {
  stream?.getTracks().forEach((track) => track.stop());
  if (stream?.player) {
    stream.player.pause();
    URL.revokeObjectURL(stream.player.src);
  }
}
