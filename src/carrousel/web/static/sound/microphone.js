// @ts-check
/** What a microphone hears, at the rate of a model. Nothing is kept and nothing leaves the page. */

import { Resampler } from "./resampler.js";

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * @param {number} rate samples a second
 * @param {(samples: Float32Array) => void} heard some 50 times a second
 * @returns {Promise<() => void>} ends it
 * @throws there is no microphone, or the user does not lend it
 */
export async function openMicrophone(rate, heard) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error("getUserMedia");
  const lent = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, ...PLAIN } });
  const audio = new AudioContext();
  const end = () => {
    for (const track of lent.getTracks()) track.stop();
    return audio.close();
  };
  try {
    await audio.audioWorklet.addModule(import.meta.resolve("./capture.js"));
    await audio.resume();
    const resampler = new Resampler(audio.sampleRate, rate);
    const node = new AudioWorkletNode(audio, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => heard(resampler.push(data));
    audio.createMediaStreamSource(lent).connect(node);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

/** A file of any kind that the browser can read, its channels averaged.
 * @param {ArrayBuffer} bytes @param {number} rate @returns {Promise<Float32Array>} */
export async function decodedFile(bytes, rate) {
  const found = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  const samples = new Float32Array(found.length);
  for (let channel = 0; channel < found.numberOfChannels; channel++) {
    const one = found.getChannelData(channel);
    for (let k = 0; k < samples.length; k++) samples[k] += one[k] / found.numberOfChannels;
  }
  return samples;
}
