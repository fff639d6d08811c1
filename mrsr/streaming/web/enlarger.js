// The worker that enlarges: onnxruntime-web runs the exported graphs, with the recurrent state kept from picture to picture.

import { CutDetector } from "./cuts.js";
import { pack, unpacked } from "./pixels.js";

let ort = null;
let opened = null; // {provider, routes}
let stream = null; // {key, session, shapes, states, scenes, read, wide, high, pixels} of the pictures now coming
let turn = Promise.resolve();

// One after the other: a reset during a picture comes after it, so that the state it leaves does not outlive the reset.
self.onmessage = ({ data }) => {
  turn = turn.then(() => done(data)).catch((error) => self.postMessage({ failed: String(error?.message ?? error).slice(0, 200) }));
};

async function done(asked) {
  if (asked.op === "open") self.postMessage({ opened: await open(asked) });
  else if (asked.op === "reset") reset();
  else await enlarge(asked);
}

/** Loads the runtime: on the graphics processor where the browser gives one, else WebAssembly with threads. */
async function open({ runtime, routes, provider, threads }) {
  const adapter = provider === "wasm" ? null : await self.navigator.gpu?.requestAdapter().catch(() => null);
  // A software adapter is the processor again, by a detour.
  const graphics = adapter && (provider === "webgpu" || !(adapter.info ?? adapter).isFallbackAdapter);
  ort = await import(graphics ? runtime.webgpu : runtime.wasm);
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = runtime.folder;
  // Threads need shared memory, which the page has where its server isolates it.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? threads || Math.min(8, self.navigator.hardwareConcurrency || 1) : 1;
  opened = { provider: graphics ? "webgpu" : "wasm", routes };
  return graphics ? "WebGPU" : `WebAssembly in ${ort.env.wasm.numThreads} thread${ort.env.wasm.numThreads > 1 ? "s" : ""}`;
}

async function enlarge({ route, picture }) {
  const { width, height } = picture;
  const key = `${route} ${width}x${height}`;
  if (stream?.key !== key) await begin(key, route, width, height);
  const { session, read, wide, high, pixels } = stream;
  read.drawImage(picture, 0, 0);
  picture.close();
  const { data } = read.getImageData(0, 0, width, height);
  if (stream.scenes.cuts(data, width, height)) fill();
  pack(data, pixels, width, height, wide, high);
  const made = await session.run({ ...stream.states, frames: new ort.Tensor("uint8", pixels, [1, high, wide, 3]) });
  keep(Object.fromEntries(Object.keys(stream.shapes).map((name) => [name, made[`new_${name}`]])));
  const output = Object.values(made).find((tensor) => tensor.type === "uint8");
  const [, rows, columns] = output.dims;
  const ratio = [columns / wide, rows / high];
  const result = unpacked(await output.getData(), columns, Math.round(width * ratio[0]), Math.round(height * ratio[1]));
  output.dispose?.();
  const answer = await createImageBitmap(result);
  self.postMessage({ picture: answer }, [answer]);
}

/** A session for pictures of this size, in place of the one before: each holds the whole network's working memory. */
async function begin(key, route, width, height) {
  await end();
  const { url, multiple, states } = opened.routes[route];
  const whole = (side) => Math.ceil(side / multiple) * multiple;
  const [wide, high] = [whole(width), whole(height)];
  const outputs = Object.fromEntries(Object.keys(states).map((name) => [`new_${name}`, "gpu-buffer"]));
  const session = await ort.InferenceSession.create(url, {
    executionProviders: [opened.provider],
    graphOptimizationLevel: "all",
    freeDimensionOverrides: { B: 1, H: high, W: wide },
    ...(opened.provider === "webgpu" ? { preferredOutputLocation: outputs } : {}),
  });
  const shape = ({ grid, channels }) => [1, Math.round(high * grid), Math.round(wide * grid), channels];
  const shapes = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, shape(state)]));
  const read = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
  stream = { key, session, shapes, states: {}, read, wide, high, pixels: new Uint8Array(high * wide * 3) };
  reset();
}

async function end() {
  if (!stream) return;
  const { session } = stream;
  keep({});
  stream = null;
  await session.release();
}

/** Another source, or another connection: neither the state nor the last picture says anything of those to come. */
function reset() {
  if (!stream) return;
  fill();
  stream.scenes = new CutDetector();
}

/** States that begin at zero. */
function fill() {
  const zeros = (shape) => new ort.Tensor("float32", new Float32Array(shape.reduce((one, two) => one * two)), shape);
  keep(Object.fromEntries(Object.entries(stream.shapes).map(([name, shape]) => [name, zeros(shape)])));
}

/** Other states; what those before hold on the graphics processor is given back. */
function keep(states) {
  for (const tensor of Object.values(stream.states)) tensor.dispose?.();
  stream.states = states;
}
