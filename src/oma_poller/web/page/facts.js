// Tables of what a job is made of: its disks, the raw values of its keys, its polling.

import { element } from "./element.js";
import { bytes, clock, percent, title, UNKNOWN } from "./words.js";

/** Return the table of a job's disks. */
export function disks(rows) {
  const heads = ["Disk", "Status", "Progress", "Moved", "Export"];
  return table("Disks", heads, rows.map((disk) => [
    disk.disk_id,
    title(disk.sync_status),
    bar(disk),
    `${bytes(disk.bytes_synced)} of ${bytes(disk.capacity_bytes)}`,
    disk.nbd_export_name ?? disk.volume_id ?? "no volume",
  ]));
}

/** Return the table of what the VMA said last, uncorrected. */
export function keys(rows) {
  const heads = ["Key", "Says", "Raw percent", "Raw bytes", "Of", "Run"];
  return table("Raw values of the VMA", heads, rows.map((key) => [
    key.key,
    key.word && key.word !== key.state ? `${key.word} (${key.state})` : key.state,
    percent(key.raw_percent),
    bytes(key.raw_bytes),
    bytes(key.total_bytes || null),
    run(key),
  ]));
}

/** Return how a job is polled. */
export function polling(of, now) {
  const errors = `${of.consecutive_errors} of ${of.max_errors}${of.error_kind ? ` (${of.error_kind})` : ""}`;
  const next = of.next_poll_at === null ? "none is planned" : soon(of.next_poll_at, now);
  return list([
    ["Polled since", when(of.started_at)],
    ["Last poll", when(of.last_poll_at)],
    ["Next poll", of.stopped ? "none, stopped by hand" : next],
    ["Errors in a row", of.parked ? `${errors}, parked` : errors],
    ["Keys tried first", of.keys_tried_first.join(", ") || UNKNOWN],
  ]);
}

/** Return pairs of a name and a text. */
export function list(pairs) {
  return element(
    "dl",
    { class: "pairs" },
    ...pairs.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
  );
}

/** Return a time with seconds. */
export function when(text) {
  if (text === null) return UNKNOWN;
  const at = new Date(text);
  return `${clock(at)}:${String(at.getSeconds()).padStart(2, "0")}`;
}

function soon(text, now) {
  const seconds = Math.round((Date.parse(text) - now) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "now";
}

function run(key) {
  const since = key.started_at === null ? "" : `, from ${when(key.started_at)}`;
  return (key.previous ? "an earlier one" : key.trusted ? "this job's" : "not proven") + since;
}

function bar(disk) {
  const label = `Disk ${disk.disk_id}: ${percent(disk.percent)}`;
  const shape = element("progress", { max: "100", value: String(disk.percent ?? 0), "aria-label": label });
  return element("span", { class: "bar" }, shape, percent(disk.percent));
}

function table(caption, heads, rows) {
  const cells = (row) => row.map((value) => element("td", {}, value));
  return element(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    element(
      "table",
      { class: "facts" },
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row)))),
    ),
  );
}
