// Numbers and observations in words. Unknown is an en dash, never 0.

export const UNKNOWN = "–";
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Return bytes in binary units, three or four digits, cut and never rounded up. */
export function bytes(count) {
  if (count === null || count === undefined) return UNKNOWN;
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  const digits = unit === 0 || value >= 1000 ? 0 : value >= 100 ? 1 : 2;
  return `${(Math.floor(value * 10 ** digits) / 10 ** digits).toFixed(digits)} ${UNITS[unit]}`;
}

/** Return a speed in bytes per second. */
export function speed(bps) {
  return bps === null || bps === undefined ? UNKNOWN : `${bytes(bps)}/s`;
}

/** Return a percentage cut to two decimals; 100 is shown for 100 alone. */
export function percent(value) {
  if (value === null || value === undefined) return UNKNOWN;
  return `${(Math.floor(value * 100 + 1e-6) / 100).toFixed(2)} %`;
}

/** Return the part of a whole in percent, cut; null where it is unknown. */
export function part(done, whole) {
  return whole > 0 ? Math.min(100, Math.floor((done / whole) * 10000) / 100) : null;
}

/** Return a span of time in its two largest units. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours < 48 ? `${hours} h ${two(minutes)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Return how long ago something was. */
export function ago(seconds) {
  return seconds === null ? "never" : `${span(seconds)} ago`;
}

/** Return a time of day, with the date where it is not today. */
export function clock(at) {
  const time = at.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString("en", { day: "numeric", month: "short" })} ${time}`;
}

/** Return "3 jobs". */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const OBSERVATIONS = {
  pending: ["Waiting", "○", "calm"],
  fresh: ["In sight", "●", "good"],
  late: ["No reply lately", "◔", "warn"],
  blind: ["VMA unreachable", "⊘", "bad"],
  never_reported: ["Never reported", "?", "warn"],
  vanished: ["Gone from the VMA", "∅", "bad"],
  stalled: ["Stands still", "■", "bad"],
  previous_run: ["Shows an earlier run", "↶", "warn"],
  unverified: ["End not proven", "‽", "warn"],
  parked: ["Polling parked", "‖", "warn"],
  stopped: ["Stopped by hand", "‖", "warn"],
  failed: ["Failed", "✕", "bad"],
  completed: ["Completed", "✓", "good"],
  cancelled: ["Cancelled", "–", "calm"],
  left: ["Left the list", "–", "calm"],
};

/** Return the words, the sign and the colour's name of how a job is seen or of how it ended. */
export function seen(word) {
  const [text, sign, tone] = OBSERVATIONS[word] ?? [word, "?", "warn"];
  return { text, sign, tone };
}

/** Return a word of the API with a capital and without underscores. */
export function title(word) {
  return word ? word[0].toUpperCase() + word.slice(1).replaceAll("_", " ") : UNKNOWN;
}
