// The table of jobs. Only the rows in view are in the document, however many jobs there are.

import { element, mark } from "./element.js";
import { COLUMNS } from "./filters.js";
import { Row } from "./row.js";

const SPARE_ROWS = 6;
const RISING_FIRST = ["name", "vma", "state", "seen", "eta_seconds"];

/** Rows are placed by their number; the page itself scrolls. */
export class Table {
  constructor(place, address, store) {
    Object.assign(this, { place, address, store });
    this.jobs = [];
    this.rows = new Map();
    this.spare = [];
    this.heads = COLUMNS.map((column) => this.head(column));
    this.header = element("div", { role: "row", class: "row head", "aria-rowindex": "1" }, ...this.heads);
    this.body = element("div", { role: "rowgroup", class: "body", on: { keydown: (event) => this.key(event) } });
    place.append(element("div", { role: "rowgroup", class: "heads" }, this.header), this.body);
    for (const event of ["scroll", "resize"]) {
      window.addEventListener(event, () => this.later(), { passive: true });
    }
  }

  head(column) {
    const press = () => {
      const { sort, order } = this.address.now;
      const first = RISING_FIRST.includes(column.key) ? "asc" : "desc";
      const turned = order === "asc" ? "desc" : "asc";
      this.address.go({ sort: column.key, order: sort === column.key ? turned : first });
    };
    const button = element("button", { type: "button", on: { click: press } }, column.name);
    return element("div", { role: "columnheader", class: `cell c-head-${column.key}` }, button);
  }

  /** Show these jobs. */
  show(jobs) {
    this.jobs = jobs;
    mark(this.place, "aria-rowcount", jobs.length + 1);
    const { sort, order } = this.address.now;
    COLUMNS.forEach(({ key }, at) => {
      const word = order === "asc" ? "ascending" : "descending";
      mark(this.heads[at], "aria-sort", key === sort ? word : null);
    });
    this.render();
  }

  later() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.render();
    });
  }

  /** Put the rows in view into the document. */
  render() {
    this.heightPx = parseFloat(getComputedStyle(this.place).getPropertyValue("--row")) || 52;
    const height = `${this.jobs.length * this.heightPx}px`;
    if (this.body.style.height !== height) this.body.style.height = height;
    const top = -this.body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / this.heightPx) - SPARE_ROWS);
    const last = Math.min(this.jobs.length, Math.ceil((top + innerHeight) / this.heightPx) + SPARE_ROWS);
    const focused = document.activeElement?.closest?.(".row");
    const wanted = new Map();
    for (let place = first; place < last; place += 1) wanted.set(this.jobs[place].row.job_id, place);
    for (const [jobId, row] of this.rows) {
      if (wanted.has(jobId)) continue;
      this.rows.delete(jobId);
      row.node.remove();
      this.spare.push(row);
    }
    let before = this.body.firstChild;
    for (const [jobId, place] of wanted) {
      const row = this.row(jobId);
      row.show(this.jobs[place], place, this.store.intervalS);
      const where = `translateY(${place * this.heightPx}px)`;
      if (row.node.style.transform !== where) row.node.style.transform = where;
      if (row.node === before) before = before.nextSibling;
      else this.body.insertBefore(row.node, before);
    }
    // A node that is moved loses the focus.
    if (focused?.isConnected && !focused.contains(document.activeElement)) focused.querySelector("a")?.focus();
  }

  row(jobId) {
    let row = this.rows.get(jobId);
    if (!row) {
      row = this.spare.pop() ?? new Row((id) => this.address.link({ job: id }), (id) => this.address.go({ job: id }));
      this.rows.set(jobId, row);
    }
    return row;
  }

  /** Count the ages on. */
  tick() {
    for (const row of this.rows.values()) row.tick(this.store.intervalS);
  }

  /** Links hold the filters of now. */
  relink() {
    for (const row of this.rows.values()) row.shownRow = null;
  }

  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    const node = event.target.closest(".row");
    if (step === undefined || !node || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const now = Number(node.getAttribute("aria-rowindex")) - 2;
    this.focus(Math.min(this.jobs.length - 1, Math.max(0, now + step)));
  }

  /** Bring a row into view, with the focus on it. */
  focus(place) {
    const top = this.body.getBoundingClientRect().top + place * this.heightPx;
    const head = this.header.getBoundingClientRect().height;
    if (top < head) scrollBy(0, top - head);
    else if (top + this.heightPx > innerHeight) scrollBy(0, top + this.heightPx - innerHeight);
    this.render();
    this.rows.get(this.jobs[place].row.job_id)?.name.focus({ preventScroll: true });
  }
}
