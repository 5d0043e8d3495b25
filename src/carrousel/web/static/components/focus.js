// @ts-check
/**
 * The focus survives what is drawn anew. Where one of several buttons is chosen, only the chosen
 * one is a tab stop (`data-roving` on what holds them), and the focus follows the choice.
 */

/** Replaces the children of an element. @param {Element} root @param {...(Node | string)} children */
export function redraw(root, ...children) {
  const back = focusIn(root);
  root.replaceChildren(...children);
  back();
}

/**
 * Where the focus is inside `root`; the function that is given back puts it there again, on the
 * element that has taken the place of the old one.
 * @param {Element} root @returns {() => void}
 */
export function focusIn(root) {
  const here = document.activeElement;
  if (!here || here === root || !root.contains(here)) return () => {};
  const { id, tagName } = here;
  const place = indexOf(root, tagName, here);
  const group = here.closest("[data-roving]");
  const inside = group && root.contains(group) ? indexOf(root, "[data-roving]", group) : -1;
  const outside = Boolean(group) && inside < 0;
  return () => {
    if (here.isConnected && document.activeElement === here) return;
    const found =
      (id && root.querySelector(`#${CSS.escape(id)}`)) ||
      (outside && root.querySelector('[tabindex="0"]')) ||
      (inside >= 0 &&
        root.querySelectorAll("[data-roving]")[inside]?.querySelector('[tabindex="0"]')) ||
      root.querySelectorAll(tagName)[place];
    /** @type {HTMLElement | undefined} */ (found)?.focus({ preventScroll: true });
  };
}

/** @param {Element} root @param {string} selector @param {Element} element */
const indexOf = (root, selector, element) => [...root.querySelectorAll(selector)].indexOf(element);

/** Arrows up and down go from button to button of a list and choose it.
 * @param {HTMLElement} list with `data-roving` */
export function listKeys(list) {
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const buttons = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button[tabindex]")]);
    const here = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = buttons[Math.min(Math.max(here + by, 0), buttons.length - 1)];
    next?.focus();
    next?.click();
  });
}
