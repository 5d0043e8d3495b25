// @ts-check
// Choose a series, and read values off a chart. Without a script every series is shown.
/** @param {string} selector @returns {HTMLElement[]} */
const all = (selector) => Array.from(document.querySelectorAll(selector));

for (const element of all("select[data-shows]")) {
  const select = /** @type {HTMLSelectElement} */ (element);
  const figures = all(`[data-group="${select.dataset.shows}"]`);
  const show = () =>
    figures.forEach((figure, k) => {
      figure.hidden = k !== select.selectedIndex;
    });
  /** @type {HTMLElement} */ (select.closest(".chooser")).hidden = false;
  select.addEventListener("change", show);
  show();
}

for (const chart of all(".chart[data-values]")) {
  const rows = JSON.parse(chart.dataset.values);
  const tip = document.createElement("div"),
    cursor = document.createElement("div");
  tip.className = "tip";
  cursor.className = "cursor";
  const leave = () => {
    tip.remove();
    cursor.remove();
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const at = (100 * (event.clientX - box.left)) / box.width;
    const row = rows.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    const title = document.createElement("b");
    title.textContent = row[1];
    tip.replaceChildren(
      title,
      ...Object.entries(row[2]).map(([name, value]) => {
        const line = document.createElement("div");
        line.textContent = `${name}: ${value}`;
        return line;
      }),
    );
    cursor.style.left = `${row[0]}%`;
    chart.append(cursor, tip);
    const right = row[0] < 55;
    tip.style.left = right ? `calc(${row[0]}% + 10px)` : "auto";
    tip.style.right = right ? "auto" : `calc(${100 - row[0]}% + 10px)`;
  });
  chart.addEventListener("pointerleave", leave);
}
