// @ts-check
/**
 * The stops of the tour: what is framed, what is asked. `right` is the answer of a question; `done`
 * says whether what was asked for has been done on the page.
 */

import { number } from "./i18n.js";
import { busiest } from "./views/cell/networks.js";

const MIDDLE = 5; // the step at which the cell is shown

/**
 * @typedef {Object} Stop
 * @property {string} name @property {string} view @property {string} target
 * @property {boolean} [each] frames around each of what is found, not around all
 * @property {string} [task] of the model that it needs, where it is not about sentences
 * @property {boolean} [hears] that it needs a model that hears, whatever is open
 * @property {(store: any) => void} [prepare]
 * @property {(state: any) => number} [right]
 * @property {(state: any) => boolean} [done]
 * @property {(state: any) => any[]} [values] numbers in its texts
 */

const find = (selector) => document.querySelector(selector);
const press = (selector) => find(selector)?.click();
const unitOf = (state) => state.unit ?? busiest(layerOf(state));
const layerOf = ({ record, layer }) => record.layers[Math.min(layer, record.layers.length - 1)];

/** The cell's clock: a step of the sequence and an operation inside it. */
const cell = (operation) => (store) => {
  const { record } = store.state;
  store.set({ operation, step: Math.min(MIDDLE, record.T - 1), playing: false });
};

/** The gate that keeps the memory, at the step and unit that are shown. */
function keeps(state) {
  const layer = layerOf(state);
  const gate = layer.gates.forget ?? layer.gates.update;
  return gate ? gate[Math.min(state.step, layer.T - 1) * layer.H + unitOf(state)] : 0.5;
}

let pressed = 0; // rows that were clicked
addEventListener("click", (event) => {
  if (/** @type {Element} */ (event.target).closest?.(".kept-table tr")) pressed++;
});

let known = 0; // moments of what had been heard before
const momentsHeard = () => Number(find("#speech-says")?.dataset.moments ?? 0);

/** @type {Stop[]} */
export const STOPS = [
  {
    name: "ann",
    view: "way",
    target: '[data-station="loop"] .way-picture',
    prepare: () => press('[data-mode="ann"]'),
    right: () => 0,
  },
  {
    name: "loop",
    view: "way",
    target: '[data-station="loop"] .way-picture, .way .segments',
    each: true,
    prepare: () => press('[data-mode="loop"]'),
    done: () => find('[data-mode="unrolled"]')?.getAttribute("aria-pressed") === "true",
  },
  { name: "short", view: "gradient", target: '.lane[data-network="rnn"]', right: () => 2 },
  {
    name: "vanishing",
    view: "gradient",
    target: "label:has(> #gradient-forgetBias)",
    done: () => Number(find("#gradient-forgetBias")?.value) >= 3,
  },
  {
    name: "gates",
    view: "cell",
    target: '.cell-diagram .box:not([data-box="candidate"])',
    each: true,
    prepare: cell(6),
    right: () => 1,
  },
  {
    name: "join",
    view: "cell",
    target: '.cell-diagram .knot[data-knot="join"]',
    prepare: cell(6),
    done: ({ operation }) => operation === 0,
  },
  {
    name: "forget",
    view: "cell",
    target: '.cell-diagram [data-op="1"]',
    each: true,
    prepare: cell(1),
    right: (state) => (keeps(state) > 0.66 ? 0 : keeps(state) < 0.33 ? 1 : 2),
    values: (state) => [number(keeps(state), 2)],
  },
  {
    name: "write",
    view: "cell",
    target: '.cell-diagram [data-op="2"], .cell-diagram [data-op="3"]',
    each: true,
    prepare: cell(3),
    right: () => 0,
  },
  {
    name: "update",
    view: "cell",
    target:
      '.cell-diagram .knot[data-knot="cell"], .cell-diagram .knot[data-knot="hidden"][data-kind="gru"]',
    prepare: cell(6),
    done: ({ operation }) => operation === 4,
    values: (state) => [number(keeps(state), 2)],
  },
  {
    name: "show",
    view: "cell",
    target: '.cell-diagram [data-op="5"], .cell-diagram .knot[data-op="6"]',
    each: true,
    prepare: cell(6),
    right: () => 1,
  },
  {
    name: "time",
    view: "sequence",
    target: "#sequence .heat-box",
    prepare: (store) => store.set({ unit: null }),
    done: ({ unit }) => unit !== null,
  },
  {
    name: "long",
    view: "kept",
    target: ".kept-table",
    prepare: (store) => {
      pressed = 0;
      store.set({ step: store.state.record.T - 1 });
    },
    done: () => pressed > 0,
  },
  {
    name: "train",
    view: "train",
    target: "#train-start",
    done: () => find("#train-start")?.dataset.running === "true",
  },
  {
    name: "hear",
    view: "speech",
    target: ".speech-bar",
    hears: true,
    prepare: () => {
      known = momentsHeard();
    },
    done: () => momentsHeard() > 0 && momentsHeard() !== known,
  },
  {
    name: "uses",
    view: "forecast",
    target: ".series-box",
    task: "forecast",
    done: ({ input }) => (input.moved?.size ?? 0) > 0,
  },
];
