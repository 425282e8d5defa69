// A line of the last speeds, without axes.

import { drawn, mark } from "./element.js";

const [WIDTH, HEIGHT] = [72, 20];

/** Make an empty one; decoration for those who see it, the figure beside it says the same. */
export function spark() {
  const line = drawn("polyline", { class: "spark-line" });
  const area = drawn("polygon", { class: "spark-area" });
  const shape = { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return drawn("svg", { ...shape, "aria-hidden": "true" }, area, line);
}

/** Draw values, the newest at the right edge; `most` values fill the width. */
export function draw(drawing, values, most) {
  const [area, line] = drawing.children;
  const peak = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, most - 1);
  const first = WIDTH - (values.length - 1) * step;
  const y = (value) => (HEIGHT - 1.5 - (value / peak) * (HEIGHT - 3)).toFixed(1);
  const points = values.map((value, place) => `${(first + place * step).toFixed(1)},${y(value)}`).join(" ");
  mark(line, "points", values.length > 1 ? points : "");
  mark(area, "points", values.length > 1 ? `${first.toFixed(1)},${HEIGHT} ${points} ${WIDTH},${HEIGHT}` : "");
}
