// One row of the table.

import { now } from "./api.js";
import { element, mark, say } from "./element.js";
import { draw, spark } from "./spark.js";
import { ago, bytes, clock, percent, seen, span, speed, title } from "./words.js";

const MOST_SPEEDS = 40;

/** The cells of a job; they are made once and changed where a figure did. */
export class Row {
  constructor(linkTo, open) {
    this.linkTo = linkTo;
    this.name = element("a", { href: "#" });
    this.jobId = element("span", { class: "small mono" });
    this.vma = element("span");
    this.state = element("span");
    this.operation = element("span", { class: "small" });
    this.bar = element("progress", { max: "100", value: "0" });
    this.percent = element("span", { class: "percent" });
    this.bytes = element("span");
    this.total = element("span", { class: "small" });
    this.spark = spark();
    this.speed = element("span");
    this.left = element("span");
    this.at = element("span", { class: "small" });
    this.badge = element("span", { class: "badge" });
    this.sign = element("span", { class: "sign", "aria-hidden": "true" });
    this.seen = element("span");
    this.badge.append(this.sign, this.seen);
    this.reason = element("span", { class: "small" });
    this.age = element("span", { class: "age" });
    this.node = element(
      "div",
      { role: "row", class: "row", on: { click: (event) => this.clicked(event, open) } },
      cell("c-name", this.name, this.jobId),
      cell("c-vma", this.vma),
      cell("c-state", this.state, this.operation),
      cell("c-progress", this.bar, this.percent),
      cell("c-bytes", this.bytes, this.total),
      cell("c-speed", this.spark, this.speed),
      cell("c-left", this.left, this.at),
      cell("c-seen", this.badge, this.reason),
      cell("c-age", this.age),
    );
  }

  clicked(event, open) {
    const isText = String(getSelection()) !== "";
    if (event.target.closest("a") || isText) return;
    open(this.job.row.job_id);
  }

  /** Show a job at a place of the list. */
  show(job, place, intervalS) {
    if (this.job !== job) this.shownRow = null;
    this.job = job;
    mark(this.node, "aria-rowindex", place + 2);
    const isSame = this.shownRow === job.row && this.shownEnd === job.endedMs;
    if (!isSame) this.fill(job);
    this.shownRow = job.row;
    this.shownEnd = job.endedMs;
    this.tick(intervalS);
  }

  fill(job) {
    const { row, speeds } = job;
    const isOver = job.endedMs !== null;
    say(this.name, row.name || row.job_id);
    mark(this.name, "href", this.linkTo(row.job_id));
    mark(this.name, "title", row.name);
    say(this.jobId, row.job_id);
    mark(this.jobId, "title", row.job_id);
    say(this.vma, row.vma);
    say(this.state, title(isOver ? row.status : row.state));
    say(this.operation, row.operation ?? ""); // with the percentage of a set-up stage
    mark(this.operation, "title", row.operation);
    this.bar.value = row.percent ?? 0;
    mark(this.bar, "aria-label", `${row.name}: ${row.percent === null ? "not known" : percent(row.percent)}`);
    say(this.percent, percent(row.percent));
    say(this.bytes, bytes(row.bytes_transferred));
    say(this.total, `of ${bytes(row.total_bytes)}`);
    say(this.speed, speed(job.speedBps()));
    draw(this.spark, speeds, MOST_SPEEDS);
    this.fillLeft(job.etaS());
    const { text, sign, tone } = seen(job.word());
    say(this.sign, sign);
    say(this.seen, text);
    mark(this.badge, "data-tone", tone);
    const reason = job.reason();
    say(this.reason, reason);
    mark(this.reason, "title", reason);
    this.node.classList.toggle("ended", isOver);
  }

  fillLeft(etaS) {
    say(this.left, span(etaS));
    say(this.at, etaS === null ? "" : `at ${clock(new Date(now() + etaS * 1000))}`);
  }

  /** Count the age of the figures on. */
  tick(intervalS) {
    say(this.age, ago(this.job.ageS()));
    this.node.classList.toggle("old", this.job.isOld(intervalS));
  }
}

function cell(name, ...children) {
  return element("div", { role: "cell", class: `cell ${name}` }, ...children);
}
