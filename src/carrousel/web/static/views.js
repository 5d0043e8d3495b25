// @ts-check
/**
 * The views, in the order of the tabs. Each is one module:
 * `export const id; export function mount(root, store) -> {destroy()}`.
 */

export const views = [
  { id: "cell", load: () => import("./views/cell.js"), clock: true },
  { id: "sequence", load: () => import("./views/sequence.js"), clock: true },
  { id: "kept", load: () => import("./views/kept.js"), clock: true },
  { id: "gradient", load: () => import("./views/gradient.js"), clock: false },
  { id: "train", load: () => import("./views/train.js"), clock: false },
  { id: "forecast", load: () => import("./views/forecast.js"), clock: false },
];
