// Hard scene cuts, by the rule of the server's detector (mrsr/video/cuts.py): memory of the scene before would mislead.

const ROWS = 18;
const COLUMNS = 32;
// How far the picture may have moved between two pictures, in blocks.
const REACH_ROWS = 2;
const REACH_COLUMNS = 4;
const FLAT = 4; // levels of standard deviation, below which there is nothing to compare
const SAME_SCENE = 0.5; // correlation

/** Block means of a picture's green, which stands in for luma; RGBA in, levels 0 to 255 out. */
export function thumbnail(rgba, width, height) {
  const [rows, columns] = [Math.min(ROWS, height), Math.min(COLUMNS, width)];
  const [tall, wide] = [Math.floor(height / rows), Math.floor(width / columns)];
  const step = Math.max(1, Math.floor(Math.min(tall, wide) / 4));
  const each = Math.ceil(tall / step) * Math.ceil(wide / step);
  const means = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0;
      for (let y = row * tall; y < (row + 1) * tall; y += step) {
        for (let x = column * wide; x < (column + 1) * wide; x += step) sum += rgba[4 * (y * width + x) + 1];
      }
      means[row * columns + column] = sum / each;
    }
  }
  return { rows, columns, means };
}

/** Whether two thumbnails show different scenes: no small shift of one correlates with the other. */
export function isCut(before, after) {
  if (before.rows !== after.rows || before.columns !== after.columns) return true;
  if (correlation(before, after, 0, 0) >= SAME_SCENE) return false;
  for (let down = -REACH_ROWS; down <= REACH_ROWS; down += 1) {
    for (let right = -REACH_COLUMNS; right <= REACH_COLUMNS; right += 1) {
      if (correlation(before, after, down, right) >= SAME_SCENE) return false;
    }
  }
  return true;
}

/** Of what both show when the later one has moved by some blocks up and to the left. */
function correlation(before, after, down, right) {
  const { rows, columns } = before;
  const [high, wide] = [rows - Math.abs(down), columns - Math.abs(right)];
  if (high <= 0 || wide <= 0) return 0;
  const here = Math.max(0, down) * columns + Math.max(0, right);
  const there = Math.max(0, -down) * columns + Math.max(0, -right);
  let [one, two, ones, twos, both] = [0, 0, 0, 0, 0];
  for (let row = 0; row < high; row += 1) {
    for (let column = 0; column < wide; column += 1) {
      const at = row * columns + column;
      const [a, b] = [before.means[here + at], after.means[there + at]];
      one += a;
      two += b;
      ones += a * a;
      twos += b * b;
      both += a * b;
    }
  }
  const count = high * wide;
  const spread = Math.sqrt(Math.max(0, ones - (one * one) / count) * Math.max(0, twos - (two * two) / count));
  return spread > 0 ? (both - (one * two) / count) / spread : 0;
}

function isFlat({ means }) {
  const mean = means.reduce((sum, each) => sum + each, 0) / means.length;
  return Math.sqrt(means.reduce((sum, each) => sum + (each - mean) ** 2, 0) / means.length) < FLAT;
}

/** Given the pictures of one stream in order, tells the first after a hard cut. */
export class CutDetector {
  #last = null;

  /** Whether a scene begins with this picture. A flat one is none and is not remembered: a flash, a fade's black. */
  cuts(rgba, width, height) {
    const picture = thumbnail(rgba, width, height);
    if (isFlat(picture)) return false;
    const last = this.#last;
    this.#last = picture;
    return last !== null && isCut(last, picture);
  }
}
