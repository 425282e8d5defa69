// Search, filters and sorting: which jobs are shown, and in which order.

import { element, say } from "./element.js";
import { count, seen, title } from "./words.js";

/** What the table can be sorted by: the heading, and what of a job is compared. */
export const COLUMNS = [
  { key: "name", name: "Job", of: (job) => job.row.name.toLowerCase() },
  { key: "vma", name: "VMA", of: (job) => job.row.vma },
  { key: "state", name: "State", of: (job) => job.row.state },
  { key: "percent", name: "Progress", of: (job) => job.row.percent },
  { key: "bytes_transferred", name: "Moved", of: (job) => job.row.bytes_transferred },
  { key: "speed_bps", name: "Speed", of: (job) => job.speedBps() },
  { key: "eta_seconds", name: "Time left", of: (job) => job.etaS() },
  { key: "seen", name: "How it is seen", of: (job) => `${job.urgency()}${job.word()}` },
  { key: "as_of", name: "Figures", of: (job) => job.asOfMs },
];
const OTHER_SORTS = [
  { key: "created_at", name: "Newest", of: (job) => job.row.created_at ?? "" },
  { key: "total_bytes", name: "Size", of: (job) => job.row.total_bytes },
];
const SORTS = [...OTHER_SORTS, ...COLUMNS];

/** Return the jobs that are asked for, in order; what is not known comes last in either. */
export function chosen(jobs, asked) {
  const q = asked.q.trim().toLowerCase();
  const has = (list, value) => list.length === 0 || list.includes(value);
  const matching = [...jobs].filter(
    (job) =>
      (q === "" || job.search.includes(q)) &&
      has(asked.state, job.row.state) &&
      has(asked.vma, job.row.vma) &&
      has(asked.seen, job.word()),
  );
  const { of } = SORTS.find((sort) => sort.key === asked.sort) ?? OTHER_SORTS[0];
  const sign = asked.order === "asc" ? 1 : -1;
  const keyed = matching.map((job) => [of(job), job]);
  keyed.sort(([one, left], [other, right]) => {
    if (one === other) return left.row.job_id < right.row.job_id ? -1 : 1;
    if (one === null || other === null) return one === null ? 1 : -1;
    return one < other ? -sign : sign;
  });
  return keyed.map(([, job]) => job);
}

/** The controls above the table. */
export class Filters {
  constructor(place, address) {
    this.address = address;
    this.search = element("input", {
      type: "search",
      id: "search",
      placeholder: "Name or job id  ( / )",
      "aria-label": "Search by name or job id",
      autocomplete: "off",
      spellcheck: "false",
      on: { input: () => address.go({ q: this.search.value }, true) },
    });
    this.selects = {
      seen: this.select("seen", "How it is seen"),
      state: this.select("state", "State"),
      vma: this.select("vma", "VMA"),
    };
    this.sort = element(
      "select",
      { "aria-label": "Sort by", on: { change: () => this.sorted(this.sort.value) } },
      ...SORTS.flatMap(({ key, name }) => [
        element("option", { value: `${key} desc` }, `Sort: ${name} ↓`),
        element("option", { value: `${key} asc` }, `Sort: ${name} ↑`),
      ]),
    );
    const all = { q: "", seen: [], state: [], vma: [] };
    this.clear = element("button", { type: "button", on: { click: () => address.go(all) } }, "Show all");
    this.found = element("p", { class: "found", role: "status" });
    place.append(this.search, ...Object.values(this.selects), this.sort, this.clear, this.found);
  }

  select(name, label) {
    const changed = (event) => this.address.go({ [name]: event.target.value.split(",").filter(Boolean) });
    return element("select", { "aria-label": label, "data-all": `${label}: all`, on: { change: changed } });
  }

  sorted(value) {
    const [sort, order] = value.split(" ");
    this.address.go({ sort, order });
  }

  /** Show what is asked for, offer what there is, and say how many were found. */
  show(jobs, shown) {
    const asked = this.address.now;
    if (document.activeElement !== this.search) this.search.value = asked.q;
    this.sort.value = `${asked.sort} ${asked.order}`;
    const counts = { seen: new Map(), state: new Map(), vma: new Map() };
    for (const job of jobs) {
      add(counts.seen, job.word());
      add(counts.state, job.row.state);
      add(counts.vma, job.row.vma);
    }
    for (const [name, select] of Object.entries(this.selects)) offer(select, counts[name], asked[name], name);
    const isFiltered = asked.q !== "" || asked.seen.length + asked.state.length + asked.vma.length > 0;
    this.clear.hidden = !isFiltered;
    say(this.found, isFiltered ? `${shown} of ${count(jobs.length, "job")}` : count(shown, "job"));
  }
}

function add(counts, word) {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}

function offer(select, counts, asked, name) {
  if (document.activeElement === select) return; // not under the person's hand
  const words = name === "vma" ? (word) => word : name === "seen" ? (word) => seen(word).text : title;
  const value = asked.join(",");
  const options = [...counts].sort().map(([word, number]) => [word, `${words(word)} (${number})`]);
  if (value !== "" && !counts.has(value)) options.push([value, asked.map(words).join(" or ")]);
  const text = JSON.stringify([options, value]);
  if (select.offered === text) return;
  select.offered = text;
  const all = element("option", { value: "" }, select.dataset.all);
  select.replaceChildren(all, ...options.map(([word, label]) => element("option", { value: word }, label)));
  select.value = value;
}
