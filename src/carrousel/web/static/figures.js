// @ts-check
/** The figures of a view as files: SVG with its styles inside, or PNG at twice the size. */

const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "stroke-linejoin",
  "opacity",
  "visibility",
  "color",
  "font-family",
  "font-size",
  "font-style",
  "font-weight",
  "text-anchor",
];
const SMALLEST = 60; // pixels: what is smaller is a sign, not a figure
const SHARP = 2; // pixels of a PNG for one of the page

/** @typedef {{name: string, element: SVGSVGElement | HTMLCanvasElement}} Figure */

/** @param {Element} root @returns {Figure[]} */
export function figuresIn(root) {
  return [...root.querySelectorAll("svg, canvas")]
    .filter((one) => !one.parentElement.closest("svg") && one.getClientRects().length)
    .filter((one) => one.getBoundingClientRect().width >= SMALLEST)
    .map((one) => ({
      name: nameOf(one),
      element: /** @type {SVGSVGElement | HTMLCanvasElement} */ (one),
    }));
}

/** What a figure is called: by itself, or by the heading before it. */
function nameOf(element) {
  const station = element.closest("section")?.querySelector("h3")?.textContent ?? "";
  return (element.getAttribute("aria-label") || station || "figure").split(/[:.]/)[0].slice(0, 60);
}

/** The text of an SVG file. @param {Figure["element"]} element */
function svgText(element) {
  const { width, height } = element.getBoundingClientRect();
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim();
  const [x, y, w, h] = boxOf(element, width, height);
  const inside =
    element instanceof HTMLCanvasElement
      ? `<image width="${width}" height="${height}" preserveAspectRatio="none" href="${element.toDataURL()}" style="image-rendering:pixelated"/>`
      : new XMLSerializer().serializeToString(styled(element)).replace(/^<svg[^>]*>|<\/svg>$/g, "");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="${x} ${y} ${w} ${h}"><rect x="${x}" y="${y}" width="${w}" height="${h}" ` +
    `fill="${ground}"/>${inside}</svg>`
  );
}

function boxOf(element, width, height) {
  const box = element instanceof SVGSVGElement ? element.viewBox.baseVal : null;
  return box?.width ? [box.x, box.y, box.width, box.height] : [0, 0, width, height];
}

/** A copy that looks the same without the page's style sheets. @param {SVGSVGElement} element */
function styled(element) {
  const copy = /** @type {SVGSVGElement} */ (element.cloneNode(true));
  const copies = copy.querySelectorAll("*");
  element.querySelectorAll("*").forEach((one, k) => {
    const style = getComputedStyle(one);
    for (const name of STYLES) copies[k].setAttribute(name, style.getPropertyValue(name));
  });
  return copy;
}

/** @param {Figure} figure @param {"svg" | "png"} kind */
export async function saveFigure({ name, element }, kind) {
  const text = svgText(element);
  const file =
    kind === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await pngOf(text, element);
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = `carrousel-${name
    .trim()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .toLowerCase()}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** @param {string} text @param {Element} element @returns {Promise<Blob>} */
async function pngOf(text, element) {
  const { width, height } = element.getBoundingClientRect();
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(SHARP * width), Math.round(SHARP * height)];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
