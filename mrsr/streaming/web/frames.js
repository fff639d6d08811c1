// New pictures of a <video>, one callback each, where the browser tells of them, else at the screen's rate.

/** Calls `each(presented)` for every new picture, `presented` counting those shown so far; the returned function ends it. */
export function onFrames(video, each) {
  let handle = 0;
  let ended = false;
  let shown = 0;
  const told = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

  function next() {
    handle = told ? video.requestVideoFrameCallback(frame) : requestAnimationFrame(() => frame());
  }

  function frame(_, metadata) {
    if (ended) return;
    shown += 1;
    if (video.videoWidth) each(metadata?.presentedFrames ?? shown);
    next();
  }

  next();
  return () => {
    ended = true;
    if (told) video.cancelVideoFrameCallback(handle);
    else cancelAnimationFrame(handle);
  };
}

/** The size of a picture whose short side is `short` px, in the proportions of another; sides even. */
export function sizeAt(width, height, short) {
  const factor = short / Math.min(width, height);
  const even = (side) => Math.max(2, 2 * Math.round((side * factor) / 2));
  return [even(width), even(height)];
}

/** Copies the picture of a <video> or <canvas> into a canvas. */
export function copied(picture, canvas) {
  canvas.width = picture.videoWidth ?? picture.width;
  canvas.height = picture.videoHeight ?? picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
}
