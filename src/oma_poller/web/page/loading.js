// Loads the list page by page, after the stream has said hello: what changes meanwhile is not missed.

import { read } from "./api.js";

const ROWS = 5000;
const AGAIN_MS = 2000;

/** Loads, and tries again until it has the list; a newer wish to load replaces an older one. */
export class Loading {
  constructor(store) {
    this.store = store;
    this.wish = 0;
  }

  async start() {
    const wish = (this.wish += 1);
    this.store.hold();
    while (wish === this.wish) {
      try {
        const rows = await whole();
        if (wish === this.wish) this.store.replace(rows);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS)); // the banner says why
      }
    }
  }
}

/** Return all rows. A job that leaves while pages come moves others up past a page's end: then once more. */
async function whole() {
  for (let attempt = 0; ; attempt += 1) {
    const rows = new Map();
    let total = 0;
    do {
      const page = await read(`/api/v1/progress?limit=${ROWS}&offset=${rows.size}`);
      page.jobs.forEach((row) => rows.set(row.job_id, row));
      total = page.total;
      if (page.jobs.length === 0) break;
    } while (rows.size < total);
    if (rows.size >= total || attempt >= 2) return [...rows.values()];
  }
}
