// All jobs together: how many, how far, how fast, until when; and the VMAs.

import { now } from "./api.js";
import { element, mark, say } from "./element.js";
import { draw, spark } from "./spark.js";
import { bytes, clock, count, part, percent, span, speed, title, UNKNOWN } from "./words.js";

const MOST_SPEEDS = 80;

/** The figures at the top. */
export class Overview {
  constructor(place, vmas, linkTo) {
    this.linkTo = linkTo;
    this.vmas = vmas;
    this.jobs = tile(place, "Jobs running");
    this.moved = tile(place, "Moved");
    this.bar = element("progress", { max: "100", value: "0", "aria-label": "Moved of all jobs" });
    this.moved.tile.append(this.bar);
    this.speed = tile(place, "Speed of all");
    this.spark = spark();
    this.speed.tile.append(this.spark);
    this.over = tile(place, "All done in");
    this.slowest = element("a", { href: "#" });
    this.attention = tile(place, "Need attention");
    this.attention.tile.classList.add("attention-tile");
  }

  show(store, troubled) {
    const sums = store.totals();
    say(this.jobs.figure, store.isLoaded ? sums.jobs.toLocaleString("en") : UNKNOWN);
    say(this.jobs.note, states(sums));
    const done = sums.moved === null ? null : part(sums.moved, sums.total);
    say(this.moved.figure, percent(done));
    say(this.moved.note, `${bytes(sums.moved)} of ${bytes(sums.total)}`);
    this.bar.value = done ?? 0;
    say(this.speed.figure, speed(sums.speed));
    say(this.speed.note, sums.speed === null ? "not known" : "measured, of all in sight");
    draw(this.spark, store.speeds, MOST_SPEEDS);
    this.showEnd(sums);
    say(this.attention.figure, store.isLoaded ? troubled.toLocaleString("en") : UNKNOWN);
    say(this.attention.note, troubled === 0 ? "\u00a0" : "see the list below");
    mark(this.attention.tile, "data-tone", troubled === 0 ? null : "bad");
  }

  showEnd(sums) {
    say(this.over.figure, span(sums.eta));
    const at = sums.eta === null ? null : new Date(now() + sums.eta * 1000);
    const { note } = this.over;
    if (at === null || sums.slowest === null) {
      say(note, at === null ? "not known" : `at ${clock(at)}`);
      return;
    }
    if (this.slowest.parentNode !== note) {
      note.replaceChildren(document.createTextNode(""), this.slowest);
    }
    note.firstChild.data = `at ${clock(at)}; last: `;
    say(this.slowest, sums.slowest.row.name || sums.slowest.row.job_id);
    mark(this.slowest, "href", this.linkTo(sums.slowest.row.job_id));
  }

  /** Show how each VMA is. */
  showVmas(vmas) {
    const shown = vmas.map((vma) => `${vma.name} ${vma.up} ${vma.jobs} ${vma.since} ${vma.detail}`).join("\n");
    if (shown === this.shownVmas) return;
    this.shownVmas = shown;
    this.vmas.replaceChildren(
      ...vmas.map((vma) =>
        element(
          "li",
          { "data-tone": reach(vma).tone, title: vma.url },
          element("span", { class: "sign", "aria-hidden": "true" }, reach(vma).sign),
          element("span", {}, `VMA ${vma.name}: `),
          element("strong", {}, reach(vma).text),
          element("span", { class: "dim" }, ` ${count(vma.jobs, "job")}${probe(vma)}`),
        ),
      ),
    );
  }
}

function tile(place, name) {
  const figure = element("span", { class: "figure" }, UNKNOWN);
  const note = element("span", { class: "note" }, "\u00a0");
  const made = element("div", { class: "tile" }, element("dt", {}, name), element("dd", {}, figure, note));
  place.append(made);
  return { tile: made.querySelector("dd"), figure, note };
}

function states(sums) {
  const words = Object.entries(sums.states).sort((one, other) => other[1] - one[1]);
  const shown = words.map(([word, number]) => `${number} ${title(word).toLowerCase()}`);
  if (sums.ended > 0) shown.push(`${sums.ended} left lately`);
  return shown.join(", ") || "none is active";
}

/** Return how a VMA is; one of which no job is watched is asked nothing, and `up` is null. */
function reach(vma) {
  if (vma.up === null) return { tone: "calm", sign: "○", text: "not asked yet" };
  if (vma.up) return { tone: "good", sign: "●", text: "reachable" };
  return { tone: "bad", sign: "⊘", text: `away since ${clock(new Date(vma.since))}` };
}

function probe(vma) {
  return !vma.up || vma.probe_duration_seconds === null ? "" : `, ${Math.round(vma.probe_duration_seconds * 1000)} ms`;
}
