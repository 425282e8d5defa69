// A job over time: percent above, speed below, and where it was not seen well.

import { drawn, element } from "./element.js";
import { bytes, clock, percent, seen, speed } from "./words.js";

const [WIDTH, LEFT, RIGHT] = [560, 78, 8];
const PLOTS = { percent: { top: 8, height: 110 }, speed: { top: 140, height: 70 } };
const HEIGHT = 240;
const WELL_SEEN = ["fresh", "pending"];
const GAP_MS = 75000; // samples are kept every 30 s, and older ones less often

/** Return the drawing of samples, oldest first, with its summary in words. */
export function chart(points) {
  if (points.length < 2) return element("p", { class: "dim" }, "There are not yet two samples to draw.");
  const at = points.map((point) => Date.parse(point.at));
  const [from, to] = [at[0], at[at.length - 1]];
  const x = (ms) => LEFT + ((ms - from) / Math.max(1, to - from)) * (WIDTH - LEFT - RIGHT);
  const peak = Math.max(1, ...points.map((point) => point.speed_bps ?? 0));
  const y = {
    percent: (value) => PLOTS.percent.top + (1 - value / 100) * PLOTS.percent.height,
    speed: (value) => PLOTS.speed.top + (1 - value / peak) * PLOTS.speed.height,
  };
  const breaks = gaps(at);
  const words = summary(points, from, to);
  return element(
    "figure",
    { class: "chart" },
    drawn(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      ...holes(breaks, at, x),
      ...bands(points, at, x),
      ...grid(peak, y),
      ...times(from, to, x),
      line(points.map((point) => point.percent), at, x, y.percent, breaks, "plot-percent"),
      line(points.map((point) => point.speed_bps), at, x, y.speed, breaks, "plot-speed"),
    ),
    element("figcaption", { class: "small" }, words),
  );
}

function gaps(at) {
  const steps = at.slice(1).map((ms, place) => ms - at[place]);
  return steps.map((step, place) => {
    const beside = Math.max(steps[place - 1] ?? 0, steps[place + 1] ?? 0);
    return step > Math.max(GAP_MS, 2.5 * beside);
  });
}

/** Return a line that breaks off where a value is not known, and where nothing was sampled. */
function line(values, at, x, y, breaks, name) {
  let path = "";
  let isDown = false;
  values.forEach((value, place) => {
    const isBroken = value === null || (place > 0 && breaks[place - 1]);
    if (isBroken) isDown = false;
    if (value === null) return;
    path += `${isDown ? "L" : "M"}${x(at[place]).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  });
  return drawn("path", { class: name, d: path || "M0 0" });
}

/** Return a stripe for each stretch of time of which there is no sample. */
function holes(breaks, at, x) {
  return breaks.flatMap((isBroken, place) =>
    isBroken ? [band(x(at[place]), x(at[place + 1]), "calm", "No sample: the program did not watch it")] : [],
  );
}

function band(left, right, tone, text) {
  const shape = { class: "band", x: left, y: 4, width: Math.max(2, right - left), height: HEIGHT - 28 };
  return drawn("rect", { ...shape, "data-tone": tone }, drawn("title", {}, text));
}

/** Return a stripe for each stretch of time in which the job was not seen well. */
function bands(points, at, x) {
  const made = [];
  let start = null;
  points.forEach((point, place) => {
    const word = WELL_SEEN.includes(point.observation) ? null : point.observation;
    if (start !== null && (word !== start.word || place === points.length - 1)) {
      const { tone, text } = seen(start.word);
      made.push(band(x(start.ms), x(at[place]), tone, text));
      start = null;
    }
    if (word !== null) start ??= { word, ms: at[place] };
  });
  return made;
}

function grid(peak, y) {
  const made = [];
  const level = (at, text) => {
    made.push(drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }));
    made.push(drawn("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, text));
  };
  [0, 50, 100].forEach((value) => level(y.percent(value), `${value} %`));
  level(y.speed(0), "0");
  level(y.speed(peak), speed(peak));
  return made;
}

function times(from, to, x) {
  const isShort = to - from < 20 * 60 * 1000;
  const word = (ms) => (isShort ? new Date(ms).toLocaleTimeString("en", { hourCycle: "h23" }) : clock(new Date(ms)));
  return [0, 0.5, 1].map((part, place) => {
    const ms = from + (to - from) * part;
    const anchor = ["start", "middle", "end"][place];
    return drawn("text", { class: "tick", x: x(ms), y: HEIGHT - 8, "text-anchor": anchor }, word(ms));
  });
}

function summary(points, from, to) {
  const known = points.filter((point) => point.percent !== null);
  const last = known[known.length - 1];
  const words = [...new Set(points.map((point) => point.observation))].filter((word) => !WELL_SEEN.includes(word));
  const way = last ? `from ${percent(known[0].percent)} to ${percent(last.percent)}` : "without a percentage";
  const moved = last?.bytes_transferred === null || !last ? "" : `, ${bytes(last.bytes_transferred)} moved`;
  const marks = words.length ? ` Shaded: ${words.map((word) => seen(word).text.toLowerCase()).join(", ")}.` : "";
  return `${clock(new Date(from))} to ${clock(new Date(to))}: ${way}${moved}. Percent above, speed below.${marks}`;
}
