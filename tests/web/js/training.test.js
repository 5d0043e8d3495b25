// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { crossEntropy, squaredError } from "../../../src/carrousel/web/static/net/losses.js";
import { adam, clip, gradientDescent } from "../../../src/carrousel/web/static/net/optimizers.js";
import { random } from "../../../src/carrousel/web/static/net/random.js";
import { adding, recall, series, sine } from "../../../src/carrousel/web/static/net/tasks.js";
import { Session } from "../../../src/carrousel/web/static/net/session.js";
import { Trainer } from "../../../src/carrousel/web/static/net/trainer.js";

const SMALL = { hidden: 2, seed: 1, optimizer: /** @type {"adam"} */ ("adam"), forgetBias: 0 };
const mean = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

test("random numbers: the same for a seed, of the right mean and spread", () => {
  const one = random(5),
    two = random(5);
  assert.deepEqual([one.uniform(), one.integer(9)], [two.uniform(), two.integer(9)]);
  const draws = Array.from({ length: 20000 }, one.normal);
  assert.ok(Math.abs(mean(draws)) < 0.03);
  assert.ok(Math.abs(mean(draws.map((v) => v * v)) - 1) < 0.05);
});

test("losses and their slopes", () => {
  assert.deepEqual(squaredError(Float64Array.of(1, 2, 3), [0, NaN, 5]), {
    value: 2.5,
    gradient: Float64Array.of(1, 0, -2),
  });
  const { value, gradient } = crossEntropy(Float64Array.of(0, 0), 1);
  assert.ok(Math.abs(value - Math.log(2)) < 1e-15);
  assert.deepEqual([...gradient], [0.5, -0.5]);
});

test("one step of each optimizer", () => {
  const weight = Float64Array.of(1, 1);
  gradientDescent()([weight], [Float64Array.of(2, -4)], 0.1);
  assert.deepEqual([...weight], [0.8, 1.4]);
  adam()([weight], [Float64Array.of(2, -4)], 0.1); // the first step of Adam is rate * sign
  assert.ok(Math.abs(weight[0] - 0.7) < 1e-8 && Math.abs(weight[1] - 1.5) < 1e-8);
  const grads = [Float64Array.of(3), Float64Array.of(4)];
  assert.equal(clip(grads, 1), 5);
  assert.ok(Math.abs(Math.hypot(grads[0][0], grads[1][0]) - 1) < 1e-15);
});

test("adding asks for the sum of the two marked numbers", () => {
  const { inputs, target } = adding(10).draw(random(1));
  let sum = 0,
    marks = 0;
  for (let t = 0; t < 10; t++)
    if (inputs[2 * t + 1]) {
      sum += inputs[2 * t];
      marks++;
    }
  assert.equal(marks, 2);
  assert.equal(target[9], sum);
  assert.ok([...target.slice(0, 9)].every(Number.isNaN));
});

test("recall shows one symbol, then distractors only", () => {
  const { inputs, target } = recall(5).draw(random(3));
  assert.equal(inputs[target[4]], 1);
  for (let t = 1; t < 5; t++) assert.equal(Math.max(...inputs.slice(8 * t, 8 * t + 4)), 0);
});

test("what remembers nothing has the loss that each task names", () => {
  const squares = (task) =>
    mean(
      Array.from({ length: 3000 }, (_, seed) => {
        const { target } = task.draw(random(seed));
        const last = target[target.length - 1];
        return (last - (task.inputs === 2 ? 1 : 0)) ** 2;
      }),
    );
  for (const task of [adding(10), sine(10)])
    assert.ok(Math.abs(squares(task) / task.memoryless - 1) < 0.1);
});

test("a series is centered and scaled; a constant one divides by nothing", () => {
  const task = series([...Array(20).keys()], 8);
  assert.ok(Math.abs(mean([...task.values])) < 1e-12);
  const { inputs, target } = task.draw(random(0));
  assert.deepEqual([...inputs.slice(1)], [...target.slice(0, -1)]);
  assert.ok([...series(Array(20).fill(7), 8).values].every((value) => value === 0));
  assert.equal(series([1, 2, 3], 8).steps, 2);
});

test("a hole is never asked for, and read as what was there before", () => {
  const task = series([1, 2, NaN, 4, 5, 6, 7, 8, 9, 10, 11, 12], 11);
  const { inputs, target } = task.draw(random(0));
  assert.ok(Number.isNaN(target[1]) && target.filter(Number.isNaN).length === 1);
  assert.equal(inputs[2], inputs[1]);
  assert.ok(inputs.every(Number.isFinite));
});

test("sizes neither overflow nor vanish", () => {
  for (const size of [1e-90, 1, 1e100]) {
    const task = series(
      Array.from({ length: 20 }, (_, k) => size * (k % 5)),
      8,
    );
    const squares = mean([...task.values].map((value) => value * value));
    assert.ok(Math.abs(squares - 1) < 1e-9, `${size}: ${squares}`);
  }
});

test("a task is not called solved while its loss is far above the limit", () => {
  const session = new Session(recall(5), { ...SMALL, kinds: ["gru"] });
  const [trainer] = session.trainers;
  trainer.losses = [...Array(30).fill(0.9), ...Array(30).fill(0.01)];
  assert.ok(session.solvedAt(trainer) > 30 && !session.lost(trainer));
  trainer.losses.push(...Array(30).fill(0.87));
  assert.ok(session.lost(trainer));
});

for (const kind of ["lstm", "gru", "rnn"]) {
  test(`${kind} learns what was said three steps ago`, () => {
    const trainer = new Trainer(recall(3), { kind, hidden: 10, seed: 1, forgetBias: 1 });
    while (trainer.updates < 250) trainer.advance(0.02);
    assert.ok(mean(trainer.losses.slice(-20)) < 0.1, `loss ${mean(trainer.losses.slice(-20))}`);
  });
}

test("the same seed trains the same network; time is kept to", () => {
  const [one, two] = [0, 1].map(
    () => new Trainer(sine(10), { kind: "gru", hidden: 4, seed: 9, batch: 2 }),
  );
  one.work(1e4, 0.01, 3);
  two.work(1e4, 0.01, 3);
  assert.deepEqual(one.losses, two.losses);
  assert.equal(one.updates, 3);
  const start = performance.now();
  one.work(5, 0.01);
  assert.ok(performance.now() - start < 500);
});

test("a session that is stored and taken up again learns what one without a pause learns", () => {
  for (const optimizer of /** @type {("adam" | "sgd")[]} */ (["adam", "sgd"])) {
    const made = () =>
      new Session(recall(6), {
        kinds: ["lstm", "rnn"],
        hidden: 3,
        seed: 5,
        optimizer,
        forgetBias: 1,
      });
    const learn = (session, slices) => {
      for (let k = 0; k < slices; k++) session.step(0.03);
    };
    const [whole, before, after] = [made(), made(), made()];
    learn(whole, 101); // within an update
    learn(before, 57);
    after.state = structuredClone(before.state);
    learn(after, 44);
    assert.deepEqual(after.state, whole.state);
    whole.another();
    after.another();
    assert.deepEqual(after.example, whole.example);
  }
});
