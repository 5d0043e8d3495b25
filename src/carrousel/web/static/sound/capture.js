// @ts-check
/** On the thread of the sound system: hands on what a microphone hears. */

const PARTS = 8; // of 128 samples each go together: some 50 messages a second
const scope = /** @type {any} */ (globalThis); // it knows other names than a page

class Capture extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    /** @type {Float32Array[]} */
    this.parts = [];
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    if (input?.length) this.parts.push(input[0].slice());
    if (this.parts.length === PARTS) this.send();
    return true;
  }

  send() {
    const samples = Float32Array.from(this.parts.flatMap((part) => [...part]));
    this.parts = [];
    this.port.postMessage(samples, [samples.buffer]);
  }
}

scope.registerProcessor("capture", Capture);
