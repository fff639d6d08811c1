// One WebRTC connection: what it sends and receives, an offer with all its candidates, and the size of what it sends.

import { preferServed } from "./codecs.js";

const GATHERING_MS = 2000;

/** Whether a role sends, and whether it receives. */
export const sends = (role) => role !== "subscribe";
export const receives = (role) => role !== "publish";

/**
 * A connection with one section of video and one of audio, for a role.
 * @param {string} role publish, subscribe or both
 * @param {MediaStream|null} stream what is sent
 * @param {RTCIceServer[]} servers
 */
export function newPeer(role, stream, servers) {
  const connection = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
  for (const kind of ["video", "audio"]) {
    const track = sends(role) ? stream?.getTracks().find((each) => each.kind === kind) : null;
    const direction = track ? (receives(role) ? "sendrecv" : "sendonly") : "recvonly";
    if (!track && !receives(role)) continue;
    const transceiver = connection.addTransceiver(track ?? kind, { direction, streams: track ? [stream] : [] });
    if (kind === "video") preferServed(transceiver);
  }
  return connection;
}

/** The offer once every candidate is in it (there is no trickle), or what is there after two seconds. */
export async function wholeOffer(connection) {
  await connection.setLocalDescription();
  if (connection.iceGatheringState !== "complete") {
    await new Promise((resolve) => {
      setTimeout(resolve, GATHERING_MS);
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState === "complete") resolve();
      });
    });
  }
  return connection.localDescription.sdp;
}

/** Sends the picture smaller, or larger again, and at most at this rate (bit/s). True where the browser took it. */
export async function scaleSent(connection, downBy, maxBitrate) {
  const sender = connection.getSenders().find((each) => each.track?.kind === "video");
  if (!sender) return false;
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) return false;
  Object.assign(parameters.encodings[0], { scaleResolutionDownBy: Math.max(1, downBy), maxBitrate });
  try {
    await sender.setParameters(parameters);
    return true;
  } catch {
    return false;
  }
}
