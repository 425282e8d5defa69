// The page: what comes in goes to the store, and what changed there is shown once a frame at most.

import { Address } from "./address.js";
import { read } from "./api.js";
import { Attention } from "./attention.js";
import { Banners } from "./banners.js";
import { Detail } from "./detail.js";
import { say } from "./element.js";
import { Feed } from "./feed.js";
import { chosen, Filters } from "./filters.js";
import { Loading } from "./loading.js";
import { Overview } from "./overview.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { themed } from "./theme.js";

const SORT_EVERY_MS = 1000; // rows that change places more often cannot be read
const SUM_EVERY_MS = 250;
const POLLING_EVERY_MS = 10000;

const at = (id) => document.getElementById(id);
const due = { members: true, rows: true, sortedMs: 0, summedMs: 0, frame: null };

const address = new Address(() => changed("address"));
const store = new Store((what) => changed(what));
const linkTo = (jobId) => address.link({ job: jobId });
const overview = new Overview(at("fleet"), at("vmas"), linkTo);
const attention = new Attention(at("attention"), at("attention-news"), linkTo, (word) => address.link({ seen: [word] }));
const filters = new Filters(at("filters"), address);
const table = new Table(at("table"), address, store);
const detail = new Detail(at("detail"), store, () => close());
const loading = new Loading(store);
const feed = new Feed({
  connected: (isFirst) => {
    banners.live();
    readPolling();
    if (isFirst || !store.isLoaded) loading.start();
  },
  lost: (why) => banners.lost(why),
  event: (kind, fields) => taken(kind, fields),
});
const banners = new Banners(at("banners"), at("banner-news"), at("connection"), () => feed.again());
let polling = null;

function taken(kind, fields) {
  if (kind === "hello") store.intervalS = fields.interval_seconds;
  else if (kind === "reset") loading.start();
  else if (kind === "left") store.left(fields);
  else if (kind === "vma" || kind === "service") surroundings(kind, fields);
  else if (["progress", "state", "observation"].includes(kind)) store.put(fields);
}

function surroundings(kind, fields) {
  if (polling === null) return;
  if (kind === "service") Object.assign(polling, fields);
  else polling.vmas = polling.vmas.map((vma) => (vma.name === fields.name ? fields : vma));
  showPolling();
}

async function readPolling() {
  try {
    polling = await read("/api/v1/polling");
    showPolling();
  } catch {
    // The stream tells that the server is away; the next reading makes up for this one.
  }
}

function showPolling() {
  banners.show(polling);
  overview.showVmas(polling.vmas);
}

function changed(what) {
  due.rows = true;
  due.members ||= what !== "rows";
  if (what === "address") due.isAddressNew = true;
  due.frame ??= requestAnimationFrame(show);
}

function show() {
  due.frame = null;
  const nowMs = performance.now();
  if (due.isAddressNew) table.relink();
  if (due.members || nowMs - due.sortedMs > SORT_EVERY_MS) {
    showList();
    due.sortedMs = nowMs;
  } else {
    table.render();
  }
  if (due.members || nowMs - due.summedMs > SUM_EVERY_MS) {
    overview.show(store, attention.show(store));
    due.summedMs = nowMs;
  }
  if (due.isAddressNew) detail.open(address.now.job);
  Object.assign(due, { members: false, rows: false, isAddressNew: false });
}

function showList() {
  const jobs = [...store.jobs.values()];
  const shown = chosen(jobs, address.now);
  table.show(shown);
  filters.show(jobs, shown.length);
  at("empty").hidden = shown.length > 0;
  const idle = polling?.waiting ? "This poller waits and shows no jobs." : "There are no active jobs.";
  const none = jobs.length === 0 ? idle : "No job matches the search and the filters.";
  say(at("empty"), store.isLoaded ? none : "Loading the jobs.");
}

function close() {
  const { jobId } = detail;
  address.go({ job: null });
  detail.open(null);
  const place = table.jobs.findIndex((job) => job.row.job_id === jobId);
  if (place >= 0) table.focus(place);
}

function tick() {
  store.tick();
  banners.tick();
  if (polling !== null) banners.show(polling);
  table.tick();
  detail.show();
  changed("rows");
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, dialog");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    filters.search.focus();
  } else if (event.key === "Escape" && detail.jobId !== null && !isTyping) {
    close();
  }
});
themed(at("theme"));
at("skip").addEventListener("click", () => at("list").focus());
changed("address");
setInterval(tick, 1000);
setInterval(readPolling, POLLING_EVERY_MS);
feed.run();
