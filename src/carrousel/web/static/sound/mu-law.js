// @ts-check
/** Sound in a byte a sample, as telephones send it (ITU-T G.711, with the continuous curve). */

const MU = 255;

/** @param {string} base64 of int8: from -127 to 127 @returns {Float32Array} */
export function fromMuLaw(base64) {
  const bytes = atob(base64);
  return Float32Array.from({ length: bytes.length }, (_, k) => {
    const value = ((bytes.charCodeAt(k) << 24) >> 24) / 127;
    return (Math.sign(value) * ((1 + MU) ** Math.abs(value) - 1)) / MU;
  });
}
