// @ts-check
/**
 * The views, in the order of the tabs. Each is one module:
 * `export const id; export function mount(root, store) -> {destroy()}`. `task`: the models that it
 * is about; `points`: whether a series can be dragged there;
 * `hears`: that a model is needed that hears.
 */

export const views = [
  { id: "way", load: () => import("./views/way.js"), clock: true },
  { id: "story", load: () => import("./views/story.js"), clock: false },
  { id: "cell", load: () => import("./views/cell.js"), clock: true },
  { id: "sequence", load: () => import("./views/sequence.js"), clock: true, points: true },
  { id: "kept", load: () => import("./views/kept.js"), clock: true },
  { id: "change", load: () => import("./views/change.js"), clock: true },
  { id: "gradient", load: () => import("./views/gradient.js"), clock: false },
  { id: "train", load: () => import("./views/train.js"), clock: false },
  {
    id: "forecast",
    load: () => import("./views/forecast.js"),
    clock: false,
    task: "forecast",
    points: true,
  },
  { id: "speech", load: () => import("./views/speech.js"), clock: false, hears: true },
];
