// The worker that enlarges: onnxruntime-web runs the exported graphs, with the recurrent state kept from picture to picture.

let ort = null;
let opened = null; // {provider, runtime, routes}
const sessions = new Map(); // by route and size
let stream = null; // {key, session, states, canvases, buffers} of the pictures now coming

self.onmessage = async ({ data }) => {
  try {
    if (data.op === "open") self.postMessage({ opened: await open(data) });
    else if (data.op === "reset") stream = null;
    else await enlarge(data);
  } catch (error) {
    self.postMessage({ failed: String(error?.message ?? error).slice(0, 200) });
  }
};

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
  if (stream?.key !== key) stream = await begun(key, route, width, height);
  const { session, given, read, wide, high } = stream;
  read.drawImage(picture, 0, 0);
  picture.close();
  pack(read.getImageData(0, 0, width, height).data, stream.pixels, width, height, wide, high);
  const made = await session.run({ ...given, frames: new ort.Tensor("uint8", stream.pixels, [1, high, wide, 3]) });
  const output = Object.values(made).find((tensor) => tensor.type === "uint8");
  for (const name of Object.keys(given)) {
    given[name].dispose?.();
    given[name] = made[`new_${name}`];
  }
  const [, rows, columns] = output.dims;
  const ratio = [columns / wide, rows / high];
  const result = unpacked(await output.getData(), columns, Math.round(width * ratio[0]), Math.round(height * ratio[1]));
  const answer = await createImageBitmap(result);
  self.postMessage({ picture: answer }, [answer]);
}

/** What pictures of a size need: a session for that size, and states that begin at zero. */
async function begun(key, route, width, height) {
  const { url, multiple, states } = opened.routes[route];
  const whole = (side) => Math.ceil(side / multiple) * multiple;
  const [wide, high] = [whole(width), whole(height)];
  if (!sessions.has(key)) {
    const outputs = Object.fromEntries(Object.keys(states).map((name) => [`new_${name}`, "gpu-buffer"]));
    const session = await ort.InferenceSession.create(url, {
      executionProviders: [opened.provider],
      graphOptimizationLevel: "all",
      freeDimensionOverrides: { B: 1, H: high, W: wide },
      ...(opened.provider === "webgpu" ? { preferredOutputLocation: outputs } : {}),
    });
    sessions.set(key, session);
  }
  const given = {};
  for (const [name, { grid, channels }] of Object.entries(states)) {
    const dims = [1, Math.round(high * grid), Math.round(wide * grid), channels];
    given[name] = new ort.Tensor("float32", new Float32Array(dims.reduce((one, two) => one * two)), dims);
  }
  const read = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
  return { key, session: sessions.get(key), given, read, wide, high, pixels: new Uint8Array(high * wide * 3) };
}

/** RGBA of a picture as RGB of whole sides, its last row and column repeated. */
function pack(rgba, rgb, width, height, wide, high) {
  let to = 0;
  for (let row = 0; row < high; row += 1) {
    const start = Math.min(row, height - 1) * width;
    for (let column = 0; column < wide; column += 1) {
      const from = 4 * (start + Math.min(column, width - 1));
      rgb[to] = rgba[from];
      rgb[to + 1] = rgba[from + 1];
      rgb[to + 2] = rgba[from + 2];
      to += 3;
    }
  }
}

/** RGB of whole sides as a picture, what was added cut off again. */
function unpacked(rgb, columns, width, height) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  let to = 0;
  for (let row = 0; row < height; row += 1) {
    let from = 3 * row * columns;
    for (let column = 0; column < width; column += 1) {
      rgba[to] = rgb[from];
      rgba[to + 1] = rgb[from + 1];
      rgba[to + 2] = rgb[from + 2];
      rgba[to + 3] = 255;
      from += 3;
      to += 4;
    }
  }
  return new ImageData(rgba, width, height);
}
