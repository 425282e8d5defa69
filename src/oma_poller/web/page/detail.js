// One job, opened beside the table.

import { jobPath, now, read, send } from "./api.js";
import { account } from "./account.js";
import { chart } from "./chart.js";
import { confirmed } from "./dialog.js";
import { element, mark, say } from "./element.js";
import { disks, keys, list, polling, when } from "./facts.js";
import { ago, bytes, percent, seen, span, speed, title } from "./words.js";

const MOST_POINTS = 2000;

/** The panel. What is opened is read anew while it is open, after events of that job, once a second at most. */
export class Detail {
  constructor(place, store, close) {
    Object.assign(this, { place, store, close });
    this.jobId = null;
    place.addEventListener("keydown", (event) => event.key === "Escape" && close());
  }

  /** Open a job, or close the panel with null. */
  open(jobId) {
    if (jobId === this.jobId) return;
    this.jobId = jobId;
    this.place.hidden = jobId === null;
    document.body.classList.toggle("with-detail", jobId !== null);
    if (jobId === null) return void this.place.replaceChildren();
    this.points = null;
    this.readRow = undefined;
    this.build(jobId);
    this.heading.focus({ preventScroll: true });
    this.show();
    this.readHistory(jobId);
  }

  build(jobId) {
    const press = (name, click, text, more = {}) =>
      (this[name] = element("button", { type: "button", on: { click }, ...more }, text));
    this.heading = element("h2", { id: "detail-title", tabindex: "-1" });
    this.notice = element("p", { class: "notice", role: "status" });
    for (const name of ["seenLine", "factsPlace", "diskPlace", "keyPlace", "pollingPlace", "explanation", "history"]) {
      this[name] = element("div");
    }
    this.place.replaceChildren(
      element("header", {}, this.heading, press("closer", this.close, "Close", { "aria-keyshortcuts": "Escape" })),
      element("p", { class: "mono small id" }, jobId),
      element(
        "div",
        { class: "buttons" },
        press("starter", () => this.steer("start"), "Start polling"),
        press("stopper", () => this.steer("stop"), "Stop polling"),
        press("copier", () => this.copy(), "Copy job id"),
      ),
      this.notice,
      this.seenLine,
      this.factsPlace,
      element("h3", {}, "Over time"),
      this.history,
      element("h3", {}, "Disks"),
      this.diskPlace,
      element("h3", {}, "What the VMA says, uncorrected"),
      this.keyPlace,
      element("h3", {}, "Polling"),
      this.pollingPlace,
      element("h3", {}, "Explanation"),
      press("explainer", () => this.explain(), "Ask the VMA now and explain"),
      this.explanation,
    );
  }

  /** Show the newest figures of the job, and read the rest where they changed. */
  show() {
    if (this.jobId === null) return;
    const job = this.store.jobs.get(this.jobId);
    say(this.heading, job?.row.name || this.jobId);
    if (!job) return void (this.store.isLoaded && this.readDetail(null));
    const { text, sign, tone } = seen(job.word());
    const line = element("p", { class: "badge wide", "data-tone": tone }, element("span", {}, `${sign} ${text}`));
    const reason = job.reason();
    const since = ` for ${span((now() - job.sinceMs()) / 1000)}${reason ? `: ${reason}` : ""}`;
    line.append(element("span", { class: "why" }, since));
    renew(this.seenLine, line);
    renew(this.factsPlace, facts(job));
    const isWatched = job.endedMs === null;
    this.starter.disabled = false;
    this.stopper.disabled = !isWatched || job.row.stopped;
    mark(this.place, "data-old", job.isOld(this.store.intervalS));
    if (isWatched) this.readDetail(job.row);
  }

  async readDetail(row) {
    if (this.readRow === row || this.isReading) return;
    this.readRow = row;
    const jobId = this.jobId;
    this.isReading = true;
    try {
      const detail = await read(jobPath(jobId));
      if (jobId !== this.jobId) return;
      this.diskPlace.replaceChildren(detail.disks.length ? disks(detail.disks) : dim("No disk is known."));
      this.keyPlace.replaceChildren(detail.keys.length ? keys(detail.keys) : dim("The VMA has said nothing yet."));
      this.pollingPlace.replaceChildren(polling(detail.polling, now()));
      if (row !== null) this.addPoint(detail.job);
    } catch (error) {
      if (jobId === this.jobId) say(this.notice, told(error));
    } finally {
      this.isReading = false;
      if (jobId !== this.jobId) this.readRow = undefined;
    }
  }

  async readHistory(jobId) {
    this.history.replaceChildren(dim("Loading."));
    try {
      const { points } = await read(jobPath(jobId, `/history?limit=${MOST_POINTS}`));
      if (jobId !== this.jobId) return;
      this.points = points;
      this.history.replaceChildren(chart(points));
    } catch (error) {
      if (jobId === this.jobId) this.history.replaceChildren(dim(told(error)));
    }
  }

  addPoint(row) {
    const last = this.points?.at(-1);
    if (!this.points || row.as_of === null || (last && Date.parse(last.at) >= Date.parse(row.as_of))) return;
    this.points.push({ ...row, at: row.as_of });
    if (this.points.length > MOST_POINTS) this.points.shift();
    this.history.replaceChildren(chart(this.points));
  }

  async steer(what) {
    const { jobId } = this;
    const name = this.heading.textContent;
    const [question, explanation, yes] =
      what === "stop"
        ? [`Stop polling ${name}?`, "The copy itself goes on; only its figures are not looked at until it is started.", "Stop"]
        : [`Start polling ${name}?`, "It is polled at once, and errors so far are forgotten.", "Start"];
    if (!(await confirmed(question, explanation, yes))) return;
    try {
      const { detail } = await send(`/api/v1/polling/${encodeURIComponent(jobId)}/${what}`);
      say(this.notice, what === "stop" ? `Stopped: ${detail}.` : `Started: ${detail}.`);
    } catch (error) {
      say(this.notice, told(error));
    }
  }

  async explain() {
    const { jobId } = this;
    this.explainer.disabled = true;
    this.explanation.replaceChildren(dim("Asking the VMA."));
    try {
      const explained = account(await read(jobPath(jobId, "/explain")));
      if (jobId === this.jobId) this.explanation.replaceChildren(explained);
    } catch (error) {
      if (jobId === this.jobId) this.explanation.replaceChildren(dim(told(error)));
    }
    this.explainer.disabled = false;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.jobId);
      say(this.notice, "The job id is in the clipboard.");
    } catch {
      // Plain HTTP from another machine: the browser keeps the clipboard shut.
      getSelection().selectAllChildren(this.place.querySelector(".id"));
      say(this.notice, "The browser does not allow it here; the job id is selected, copy it with the keyboard.");
    }
  }
}

function facts(job) {
  const { row } = job;
  const inDatabase = row.status === row.state ? "" : ` (database: ${row.status})`;
  const made = list([
    ["State", title(row.state) + inDatabase],
    ["Operation", row.operation ?? "–"],
    ["Moved", `${bytes(row.bytes_transferred)} of ${bytes(row.total_bytes)}`],
    ["Speed", speed(job.speedBps())],
    ["Time left", span(job.etaS())],
    ["Kind", row.sync_type ?? "–"],
    ["Figures", ago(job.ageS())],
    ["VMA", row.vma],
    ["Created", when(row.created_at)],
    ...(row.error_message ? [["Error", row.error_message]] : []),
  ]);
  const value = String(row.percent ?? 0);
  const bar = element("progress", { max: "100", value, "aria-label": `Progress: ${percent(row.percent)}` });
  return element("div", {}, element("div", { class: "big" }, bar, element("strong", {}, percent(row.percent))), made);
}

/** Put something in another's place; where only texts differ they alone are changed, so that a selection stays. */
function renew(place, made) {
  const [old, fresh] = [leaves(place), leaves(made)];
  const isSame = old.length === fresh.length && old.every((leaf, at) => leaf.tagName === fresh[at].tagName);
  if (!isSame || old.length === 0) return void place.replaceChildren(made);
  old.forEach((leaf, at) => {
    say(leaf, fresh[at].textContent);
    for (const { name, value } of fresh[at].attributes) mark(leaf, name, value);
  });
  if (made.dataset.tone) place.firstChild.dataset.tone = made.dataset.tone;
}

function leaves(node) {
  return [...node.querySelectorAll("*")].filter((leaf) => leaf.childElementCount === 0);
}

function dim(text) {
  return element("p", { class: "dim" }, text);
}

function told(error) {
  if (error instanceof TypeError) return "The server does not answer.";
  return `${error.message[0].toUpperCase()}${error.message.slice(1)}.`;
}
