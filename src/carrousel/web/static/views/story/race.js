// @ts-check
/** Short memory as a race: three networks learn to recall the first of twenty letters. */

import { tableBehind } from "../../components/data-table.js";
import { el } from "../../components/dom.js";
import { number, percent, t } from "../../i18n.js";
import { Session } from "../../net/session.js";
import { recall } from "../../net/tasks.js";
import { calm } from "../cell/flow.js";
import { KINDS } from "../train/networks.js";
import { question } from "./parts.js";

const STEPS = 20;
const UPDATES = 200; // of the race
const PACE = 30; // updates a second
const BUDGET = 9; // milliseconds of a frame
const STILL = 500; // milliseconds between pictures where less motion is asked for
const ROWS = 10; // updates between those of the table
const RATE = 0.01;
const OPTIONS = { kinds: [...KINDS], hidden: 12, forgetBias: 2 };

/** How far a network has come: from guessing blindly, 0, to having solved the task, 1.
 * @param {Session} session @param {import("../../net/trainer.js").Trainer} trainer */
export function progress(session, trainer) {
  const { memoryless, solved } = session.task;
  const loss = session.lossOf(trainer);
  if (Number.isNaN(loss)) return 0;
  return Math.min(1, Math.max(0, (memoryless - loss) / (memoryless - solved)));
}

export function raceChapter() {
  let seed = 1;
  let frame = 0;
  /** @type {Session} */
  let session;
  /** @type {{updates: number, losses: number[]}[]} */
  let past = [];
  const tracks = Object.fromEntries(KINDS.map((kind) => [kind, track(kind)]));
  const said = el("p", { class: "story-says", role: "status" });
  const go = el(
    "button",
    { id: "story-race", class: "primary", onclick: start },
    t("story.race-start"),
  );
  const table = tableBehind(t("story.race-losses"), () => ({
    columns: [t("story.race-updates"), ...KINDS.map((kind) => kind.toUpperCase())],
    rows: past.map(({ updates, losses }) => [updates, ...losses.map((loss) => number(loss, 3))]),
  }));

  function start() {
    cancelAnimationFrame(frame);
    session = new Session(recall(STEPS), { ...OPTIONS, seed: seed++, optimizer: "adam" });
    past = [];
    said.textContent = t("story.race-runs");
    const began = performance.now();
    let drawn = -Infinity;
    const tick = (now) => {
      const due = Math.min(UPDATES, Math.floor((PACE * Math.max(0, now - began)) / 1000));
      if (due > session.updates) session.work(BUDGET, RATE, due - session.updates);
      const done = session.updates >= UPDATES || arrived() >= 2;
      keep(done ? 1 : ROWS);
      if (done || !calm() || now - drawn > STILL) {
        drawn = now;
        draw();
      }
      if (done) return end();
      frame = requestAnimationFrame(tick);
    };
    tick(began);
  }

  const arrived = () => session.trainers.filter((one) => session.solvedAt(one) !== null).length;

  function draw() {
    for (const trainer of session.trainers) tracks[trainer.kind].draw(progress(session, trainer));
    table.draw();
  }

  /** Keeps the errors of every few updates, and the last. @param {number} least since the last row */
  function keep(least) {
    const { updates, trainers } = session;
    if (updates - (past.at(-1)?.updates ?? 0) >= least)
      past.push({ updates, losses: trainers.map((one) => session.lossOf(one)) });
  }

  function end() {
    const places = session.trainers.map((one) => {
      const solved = session.solvedAt(one);
      return solved === null
        ? t("story.race-lost", one.kind.toUpperCase(), percent(progress(session, one)))
        : t("story.race-won", one.kind.toUpperCase(), solved);
    });
    said.textContent = places.join(" ");
    go.textContent = t("story.race-again");
  }

  return {
    element: el(
      "div",
      { class: "story-body" },
      question("race", 0),
      el(
        "div",
        { class: "story-tracks" },
        KINDS.map((kind) => tracks[kind].element),
      ),
      el("div", { class: "toolbar" }, go),
      said,
      table.element,
    ),
    destroy: () => cancelAnimationFrame(frame),
  };
}

/** @param {string} kind */
function track(kind) {
  const runner = el("i", { class: "story-runner" });
  const bar = el(
    "div",
    {
      class: "story-track",
      role: "progressbar",
      "aria-label": kind.toUpperCase(),
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": 0,
    },
    runner,
  );
  const share = el("span", { class: "number" }, percent(0));
  const element = el(
    "div",
    { class: "story-lane", data: { network: kind } },
    el("b", {}, kind.toUpperCase()),
    bar,
    share,
  );
  const draw = (value) => {
    runner.style.setProperty("width", `${(100 * value).toFixed(1)}%`);
    bar.setAttribute("aria-valuenow", String(Math.round(100 * value)));
    share.textContent = percent(value);
  };
  return { element, draw };
}
