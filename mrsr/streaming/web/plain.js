// The right side of a tile: what plain scaling of the source's picture looks like.

import { sizeAt } from "./frames.js";

/**
 * Draws the picture at the resolution the source sends into a canvas, which the page then stretches over the stage:
 * the stretching is the browser's own smoothing. Of a picture that arrives enlarged that is a simulation.
 */
export class Plain {
  #canvas;
  #context;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
  }

  /**
   * @param {CanvasImageSource} picture
   * @param {number} width of the picture, px
   * @param {number} height of the picture, px
   * @param {number} input short side of what the source sends, px; 0 where it is not known
   */
  draw(picture, width, height, input) {
    const short = Math.min(width, height);
    const [wide, high] = input && input < short ? sizeAt(width, height, input) : [width, height];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) {
      this.#canvas.width = wide;
      this.#canvas.height = high;
    }
    this.#context.imageSmoothingEnabled = true;
    this.#context.imageSmoothingQuality = "high";
    this.#context.drawImage(picture, 0, 0, wide, high);
  }
}
