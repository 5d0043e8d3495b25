// @ts-check
/** Plays samples and tells where it is. */

export class Player {
  /** @param {number} rate samples a second @param {(seconds: number) => void} told at each picture */
  constructor(rate, told) {
    this.rate = rate;
    this.told = told;
    this.onchange = () => {};
    /** @type {AudioContext | null} */
    this.audio = null;
    /** @type {AudioBufferSourceNode | null} */
    this.source = null;
  }

  get playing() {
    return this.source !== null;
  }

  /** @param {Float32Array} samples */
  play(samples) {
    this.stop();
    this.audio ??= new AudioContext();
    const buffer = this.audio.createBuffer(1, samples.length, this.rate);
    buffer.copyToChannel(Float32Array.from(samples), 0);
    const source = this.audio.createBufferSource();
    source.buffer = buffer;
    source.connect(this.audio.destination);
    const began = this.audio.currentTime;
    this.source = source;
    source.onended = () => {
      if (this.source === source) this.stop();
    };
    source.start();
    this.onchange();
    const follow = () => {
      if (this.source !== source) return;
      this.told(this.audio.currentTime - began);
      requestAnimationFrame(follow);
    };
    follow();
  }

  stop() {
    const { source } = this;
    if (!source) return;
    this.source = null;
    source.stop();
    this.onchange();
  }
}
