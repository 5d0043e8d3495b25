// @ts-check
/** Small helpers to build elements; styles go through the CSSOM, as the page's policy demands. */

/**
 * `el("button", {class: "primary", onclick: go}, "Go")`.
 * Properties that start with "on" are listeners, `data` and `style` are objects.
 */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") setStyle(element, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function setStyle(element, style) {
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
}

/** A color of the page, such as "--ink", as canvases need it. */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Pixels that grow with the type of the page: those given where it is smallest. @param {number} pixels */
export const withType = (pixels) =>
  (pixels * Number.parseFloat(getComputedStyle(document.documentElement).fontSize)) / 15;

/** "#rrggbb" to [r, g, b]. */
export function rgb(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const ENOUGH = 20; // milliseconds of drawing in one frame, after which the rest waits for the next
const drawn = { frame: 0, until: 0 };

/** One call per frame at most, however often it is asked for; in the next one where others took long. */
export function oncePerFrame(draw) {
  let waiting = 0;
  const run = (now) => {
    if (drawn.frame === now && drawn.until - now > ENOUGH) {
      waiting = requestAnimationFrame(run);
      return;
    }
    waiting = 0;
    draw();
    Object.assign(drawn, { frame: now, until: performance.now() });
  };
  const ask = () => {
    if (!waiting) waiting = requestAnimationFrame(run);
  };
  ask.cancel = () => cancelAnimationFrame(waiting);
  return ask;
}
