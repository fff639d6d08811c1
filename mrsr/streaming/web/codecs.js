// Which codecs an offer names, and in which order: H.264 first where the browser has it, then VP8, and Opus.

const ORDER = ["video/H264", "video/VP8", "video/rtx"];

function rank(codec) {
  const place = ORDER.indexOf(codec.mimeType);
  // Of H.264's profiles those sent in several packets a picture come first: the server makes no other.
  return 2 * place + (/packetization-mode=0/.test(codec.sdpFmtpLine || "") ? 1 : 0);
}

/** Sets what a video transceiver prefers; before the offer, since afterwards it has no effect. */
export function preferServed(transceiver) {
  const side = transceiver.direction === "sendonly" ? RTCRtpSender : RTCRtpReceiver;
  const known = side.getCapabilities?.("video")?.codecs ?? [];
  const served = known.filter((codec) => ORDER.includes(codec.mimeType)).sort((one, two) => rank(one) - rank(two));
  if (served.length) transceiver.setCodecPreferences?.(served);
}
