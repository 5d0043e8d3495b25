// @ts-check
// Trains the small networks that the page shows number by number and writes their weights:
//
//     node src/carrousel/web/train_letters.js        (from the repository's root, about 10 seconds)
//
// Beside the task's loss there is a price on what is remembered (ALPHA c²/2 a step) and on what is
// said (BETA h²/2), as in activation regularization (Merity, McCann & Socher 2017): a network that
// pays for both opens its gates only when it must. Seeds were chosen by how clearly gates open and
// close; with others the task is solved as well, but several units share the work.

import { writeFileSync } from "node:fs";
import { backLayer, backLinear } from "./static/net/backward.js";
import { letters } from "./static/net/tasks.js";
import { Trainer } from "./static/net/trainer.js";

const UNITS = 4,
  STEPS = 16,
  BATCH = 8,
  UPDATES = 1500;
const NETWORKS = {
  lstm: { seed: 4, alpha: 0.003, beta: 0.03 },
  gru: { seed: 6, alpha: 0, beta: 0.03 },
  rnn: { seed: 8, alpha: 0, beta: 0 },
};

function train(kind, { seed, alpha, beta }) {
  const trainer = new Trainer(letters(STEPS), {
    kind,
    hidden: UNITS,
    batch: BATCH,
    seed,
    forgetBias: 2,
  });
  if (kind === "lstm") shutInput(trainer.layer);
  while (trainer.updates < UPDATES) {
    step(trainer, alpha, beta);
    if (trainer.seen === BATCH) trainer.update(trainer.updates < 1000 ? 0.03 : 0.01);
  }
  return trainer;
}

/** Input gates start nearly shut: write only with a reason. */
function shutInput(layer) {
  layer.bias_ih.fill(-1, 0, UNITS);
  layer.bias_hh.fill(0, 0, UNITS);
}

/** One sequence, its gradients and those of the two prices. */
function step(trainer, alpha, beta) {
  const { record, loss, gradOutput } = trainer.run(trainer.task.draw(trainer.examples));
  const above = backLinear(trainer.head, record.hidden, gradOutput, trainer.headGrads);
  above.forEach((slope, at) => (above[at] = slope + (beta * record.hidden[at]) / STEPS));
  const aboveCell = record.cell && record.cell.map((c) => (alpha * c) / STEPS);
  backLayer(trainer.layer, record, above, trainer.grads, aboveCell);
  trainer.sum += loss;
  trainer.seen++;
}

const short = (numbers) =>
  `[${Array.from(numbers, (value) => Number(value.toFixed(3))).join(",")}]`;

function written({ layer, head }) {
  const rows = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(
    (name) => `      ${name}: ${short(layer[name])},`,
  );
  return (
    `    layers: [{\n${rows.join("\n")}\n    }],\n` +
    `    head: { weight: ${short(head.weight)}, bias: ${short(head.bias)} },\n`
  );
}

const parts = Object.entries(NETWORKS).map(
  ([kind, how]) => `  ${kind}: {\n${written(train(kind, how))}  },\n`,
);
const file = new URL("static/net/letters-weights.js", import.meta.url);
writeFileSync(
  file,
  `// @ts-check\n// Written by train_letters.js; not by hand.\n\nexport const WEIGHTS = {\n${parts.join("")}};\n`,
);
