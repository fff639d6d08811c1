// Which route a picture of any size takes in the browser: the arithmetic of mrsr/inference/plan.py.

/**
 * The route for a picture, or null where none enlarges it.
 * @param {string[]} names of routes, such as "180:360"
 * @param {number} target short side wished for, px
 * @returns {{name: string, input: number, output: number}|null}
 */
export function plan(names, width, height, target) {
  const short = Math.min(width, height);
  const routes = names.map((name) => ({ name, input: Number(name.split(":")[0]), output: Number(name.split(":")[1]) }));
  if (!short || target <= short) return null;
  const below = routes.filter(({ input }) => input < target);
  const away = ({ input }) => Math.abs(Math.log(input / short));
  const nearest = below.sort((one, two) => away(one) - away(two) || one.input - two.input)[0];
  if (!nearest) return null;
  const outputs = below.filter(({ input }) => input === nearest.input).sort((one, two) => one.output - two.output);
  const reach = ({ input, output }) => (short * output) / input;
  return outputs.find((route) => reach(route) >= target) ?? outputs.at(-1);
}
