// Pixels between a canvas and the network: RGBA of any size, and RGB whose sides are multiples of what the network takes.

/** RGBA of a picture as RGB of whole sides, its last row and column repeated. */
export function pack(rgba, rgb, width, height, wide, high) {
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
export function unpacked(rgb, columns, width, height) {
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
