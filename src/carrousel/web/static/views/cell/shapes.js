// @ts-check
// Where everything stands in the three diagrams, wide and narrow. Coordinates only.

/**
 * @typedef {[number, number]} Point
 * @typedef {{value: string, op: number, stage: number, points: Point[], arrow?: boolean}} Wire
 *   carries `value` in operation `op`; wires of stage 0 move first, then 1, then 2
 * @typedef {{value: string, op: number, at: Point, sign: string}} Box   a gate: weights and a squashing function
 * @typedef {{value: string, op: number, at: Point, sign: string}} Knot  one operation unit by unit
 * @typedef {{value: string, op: number, at: Point}} Chip  a vector shown on its wire
 * @typedef {{text: string, at: Point, anchor?: string}} Label  text is a key of texts/cell.js, or a formula
 * @typedef {{size: Point, wires: Wire[], boxes: Box[], knots: Knot[], chips: Chip[], labels: Label[],
 *   token: Point}} Shape  token: where the word that is read stands
 */

/** @param {string} value @param {number} op @param {number} stage @param {Point[]} points @returns {Wire} */
const wire = (value, op, stage, ...points) => ({ value, op, stage, points, arrow: true });
/** @returns {Wire} */
const line = (value, op, stage, ...points) => ({ value, op, stage, points });
/** @param {string} value @param {number} op @param {number} x @param {number} y
 *  @param {string} sign @returns {Box & Knot} */
const at = (value, op, x, y, sign) => ({ value, op, at: [x, y], sign });
/** @param {string} value @param {number} op @param {number} x @param {number} y @returns {Chip} */
const chip = (value, op, x, y) => ({ value, op, at: [x, y] });
/** @param {string} text @param {number} x @param {number} y @param {string} [anchor] @returns {Label} */
const label = (text, x, y, anchor = "middle") => ({ text, at: [x, y], anchor });

/** @type {Record<string, string[]>} the value that each of the operations of a step ends in */
export const STEPS = {
  lstm: ["join", "forget", "input", "candidate", "cell", "output", "hidden"],
  gru: ["join", "reset", "recalled", "candidate", "update", "added", "hidden"],
  rnn: ["join", "sum", "hidden"],
};

/** @type {Record<string, {wide: Shape, narrow: Shape}>} */
// prettier-ignore
export const SHAPES = {
  lstm: {
    wide: {
      size: [1000, 512], token: [220, 480],
      wires: [
        wire("c", 0, 0, [14, 80], [216, 80]), line("h", 0, 0, [14, 416], [140, 416]),
        line("x", 0, 0, [150, 506], [150, 426]), line("join", 0, 1, [160, 416], [712, 416]),
        wire("join", 1, 0, [232, 416], [232, 350]), wire("forget", 1, 1, [232, 272], [232, 96]),
        line("kept", 1, 2, [248, 80], [449, 80]),
        wire("join", 2, 0, [392, 416], [392, 350]), wire("input", 2, 1, [392, 272], [392, 190], [449, 190]),
        wire("join", 3, 0, [552, 416], [552, 350]), wire("candidate", 3, 1, [552, 272], [552, 190], [481, 190]),
        line("added", 3, 2, [465, 174], [465, 96]),
        wire("cell", 4, 0, [481, 80], [986, 80]),
        wire("join", 5, 0, [712, 416], [712, 350]), wire("output", 5, 1, [712, 272], [712, 246], [824, 246]),
        line("cell", 6, 0, [840, 80], [840, 128]), line("squashed", 6, 1, [840, 156], [840, 230]),
        wire("hidden", 6, 2, [856, 246], [986, 246]),
      ],
      boxes: [at("forget", 1, 232, 311, "σ"), at("input", 2, 392, 311, "σ"),
        at("candidate", 3, 552, 311, "tanh"), at("output", 5, 712, 311, "σ")],
      knots: [at("join", 0, 150, 416, "[,]"), at("kept", 1, 232, 80, "×"), at("added", 3, 465, 190, "×"),
        at("cell", 4, 465, 80, "+"), at("squashed", 6, 840, 142, "tanh"), at("hidden", 6, 840, 246, "×")],
      chips: [chip("c", 0, 84, 80), chip("h", 0, 74, 416), chip("x", 0, 150, 470), chip("kept", 1, 350, 80),
        chip("added", 3, 465, 136), chip("cell", 4, 640, 80), chip("squashed", 6, 840, 192), chip("hidden", 6, 925, 246)],
      labels: [label("c_{t−1}", 14, 44, "start"), label("c_t", 986, 44, "end"), label("h_{t−1}", 14, 380, "start"),
        label("h_t", 986, 210, "end"), label("x_t", 84, 478, "end"), label("cell.longMemory", 640, 30), label("cell.shortMemory", 986, 296, "end")],
    },
    narrow: {
      size: [390, 668], token: [344, 24],
      wires: [
        wire("c", 0, 0, [56, 12], [56, 152]), line("h", 0, 0, [150, 56], [350, 56]),
        line("x", 0, 0, [362, 12], [362, 44]), line("join", 0, 1, [362, 68], [362, 540]),
        wire("join", 1, 0, [362, 166], [344, 166]), wire("forget", 1, 1, [232, 166], [72, 166]),
        line("kept", 1, 2, [56, 180], [56, 326]),
        wire("join", 2, 0, [362, 276], [344, 276]), wire("input", 2, 1, [232, 276], [200, 276], [200, 328]),
        wire("join", 3, 0, [362, 404], [344, 404]), wire("candidate", 3, 1, [232, 404], [200, 404], [200, 356]),
        line("added", 3, 2, [186, 342], [70, 342]),
        wire("cell", 4, 0, [56, 356], [56, 656]),
        wire("join", 5, 0, [362, 540], [344, 540]), wire("output", 5, 1, [232, 540], [182, 540]),
        line("cell", 6, 0, [56, 470], [140, 470]), line("squashed", 6, 1, [168, 484], [168, 526]),
        wire("hidden", 6, 2, [168, 554], [168, 656]),
      ],
      boxes: [at("forget", 1, 288, 166, "σ"), at("input", 2, 288, 276, "σ"),
        at("candidate", 3, 288, 404, "tanh"), at("output", 5, 288, 540, "σ")],
      knots: [at("join", 0, 362, 56, "[,]"), at("kept", 1, 56, 166, "×"), at("added", 3, 200, 342, "×"),
        at("cell", 4, 56, 342, "+"), at("squashed", 6, 168, 470, "tanh"), at("hidden", 6, 168, 540, "×")],
      chips: [chip("c", 0, 58, 92), chip("h", 0, 220, 56), chip("x", 0, 300, 103), chip("kept", 1, 58, 250),
        chip("cell", 4, 58, 418), chip("added", 3, 128, 308), chip("hidden", 6, 168, 606)],
      labels: [label("c_{t−1}", 72, 26, "start"), label("c_t", 72, 654, "start"), label("h_{t−1}", 144, 62, "end"),
        label("h_t", 186, 654, "start"), label("x_t", 236, 110, "end")],
    },
  },
  gru: {
    wide: {
      size: [1000, 512], token: [220, 480],
      wires: [
        line("h", 0, 0, [14, 80], [150, 80]), line("h", 0, 0, [150, 80], [150, 406]),
        line("x", 0, 0, [150, 506], [150, 426]), line("join", 0, 1, [160, 416], [656, 416]),
        wire("join", 1, 0, [296, 416], [296, 350]), wire("reset", 1, 1, [296, 272], [296, 206]),
        wire("h", 2, 0, [296, 80], [296, 174]), wire("recalled", 2, 1, [312, 190], [452, 190], [452, 272]),
        wire("join", 3, 0, [476, 416], [476, 350]), wire("candidate", 3, 1, [500, 272], [500, 190], [784, 190]),
        wire("join", 4, 0, [656, 416], [656, 350]), wire("update", 4, 1, [656, 272], [656, 96]),
        wire("h", 5, 0, [150, 80], [640, 80]), line("update", 5, 0, [656, 246], [714, 246]),
        wire("open", 5, 1, [742, 246], [800, 246], [800, 206]),
        wire("kept", 5, 2, [672, 80], [784, 80]), line("added", 5, 2, [800, 174], [800, 96]),
        wire("hidden", 6, 0, [816, 80], [986, 80]),
      ],
      boxes: [at("reset", 1, 296, 311, "σ"), at("candidate", 3, 476, 311, "tanh"), at("update", 4, 656, 311, "σ")],
      knots: [at("join", 0, 150, 416, "[,]"), at("recalled", 2, 296, 190, "×"), at("kept", 5, 656, 80, "×"),
        at("open", 5, 728, 246, "1−"), at("added", 5, 800, 190, "×"), at("hidden", 6, 800, 80, "+")],
      chips: [chip("h", 0, 74, 80), chip("x", 0, 150, 470), chip("recalled", 2, 388, 190), chip("kept", 5, 728, 80),
        chip("added", 5, 800, 136), chip("hidden", 6, 912, 80)],
      labels: [label("h_{t−1}", 14, 44, "start"), label("h_t", 986, 44, "end"), label("x_t", 84, 478, "end"), label("cell.oneMemory", 480, 38)],
    },
    narrow: {
      size: [390, 668], token: [344, 24],
      wires: [
        line("h", 0, 0, [56, 12], [56, 56]), line("h", 0, 0, [56, 56], [350, 56]),
        line("x", 0, 0, [362, 12], [362, 44]), line("join", 0, 1, [362, 68], [362, 510]),
        wire("join", 1, 0, [362, 166], [344, 166]), wire("reset", 1, 1, [232, 166], [184, 166]),
        wire("h", 2, 0, [56, 166], [154, 166]), wire("recalled", 2, 1, [168, 180], [168, 290], [232, 290]),
        wire("join", 3, 0, [362, 290], [344, 290]), wire("candidate", 3, 1, [288, 330], [288, 376], [168, 376], [168, 398]),
        wire("join", 4, 0, [362, 510], [344, 510]), wire("update", 4, 1, [232, 510], [72, 510]),
        wire("h", 5, 0, [56, 56], [56, 494]), line("update", 5, 0, [168, 510], [168, 476]),
        wire("open", 5, 1, [168, 448], [168, 426]),
        line("kept", 5, 2, [56, 526], [56, 586]), wire("added", 5, 2, [154, 412], [112, 412], [112, 600], [70, 600]),
        wire("hidden", 6, 0, [56, 614], [56, 656]),
      ],
      boxes: [at("reset", 1, 288, 166, "σ"), at("candidate", 3, 288, 290, "tanh"), at("update", 4, 288, 510, "σ")],
      knots: [at("join", 0, 362, 56, "[,]"), at("recalled", 2, 168, 166, "×"), at("kept", 5, 56, 510, "×"),
        at("open", 5, 168, 462, "1−"), at("added", 5, 168, 412, "×"), at("hidden", 6, 56, 600, "+")],
      chips: [chip("h", 0, 170, 56), chip("x", 0, 300, 103), chip("recalled", 2, 168, 236), chip("kept", 5, 58, 556),
        chip("added", 5, 240, 430), chip("hidden", 6, 130, 640)],
      labels: [label("h_{t−1}", 72, 30, "start"), label("h_t", 30, 654, "end"), label("x_t", 236, 110, "end")],
    },
  },
  rnn: {
    wide: {
      size: [1000, 372], token: [294, 250],
      wires: [
        line("h", 0, 0, [14, 150], [212, 150]), line("x", 0, 0, [226, 330], [226, 164]),
        wire("join", 1, 0, [240, 150], [352, 150]), line("sum", 1, 1, [484, 150], [626, 150]),
        wire("sum", 2, 0, [620, 150], [634, 150]), wire("hidden", 2, 1, [662, 150], [986, 150]),
      ],
      boxes: [at("sum", 1, 418, 150, "W·")],
      knots: [at("join", 0, 226, 150, "[,]"), at("hidden", 2, 648, 150, "tanh")],
      chips: [chip("h", 0, 104, 150), chip("x", 0, 226, 240), chip("hidden", 2, 810, 150)],
      labels: [label("h_{t−1}", 14, 112, "start"), label("h_t", 986, 112, "end"), label("x_t", 160, 248, "end"), label("cell.onlyMemory", 500, 60)],
    },
    narrow: {
      size: [390, 470], token: [376, 166],
      wires: [
        line("h", 0, 0, [195, 12], [195, 106]), line("x", 0, 0, [376, 120], [209, 120]),
        wire("join", 1, 0, [195, 134], [195, 182]), line("sum", 1, 1, [195, 262], [195, 310]),
        wire("sum", 2, 0, [195, 300], [195, 316]), wire("hidden", 2, 1, [195, 344], [195, 460]),
      ],
      boxes: [at("sum", 1, 195, 222, "W·")],
      knots: [at("join", 0, 195, 120, "[,]"), at("hidden", 2, 195, 330, "tanh")],
      chips: [chip("h", 0, 195, 62), chip("x", 0, 300, 120), chip("hidden", 2, 195, 398)],
      labels: [label("h_{t−1}", 130, 26, "end"), label("h_t", 180, 456, "end"), label("x_t", 300, 84)],
    },
  },
};
