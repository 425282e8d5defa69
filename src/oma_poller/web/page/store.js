// All jobs by id, and sums over them.

import { now } from "./api.js";
import { Job } from "./job.js";

const ENDED_FOR_MS = 10 * 60 * 1000;
const MOST_SPEEDS = 80;

/** What is known of the jobs. `changed` is called with "rows" or "members" after each change. */
export class Store {
  constructor(changed) {
    this.changed = changed;
    this.jobs = new Map();
    this.intervalS = 5;
    this.isLoaded = false;
    this.held = null;
    this.speeds = [];
  }

  /** Take a row that came; while a list is on its way it waits for that. */
  put(row) {
    if (this.held) return void this.held.push(() => this.put(row));
    const known = this.jobs.get(row.job_id);
    const isNew = known === undefined || known.endedMs !== null;
    if (known) known.take(row);
    else this.jobs.set(row.job_id, new Job(row));
    this.changed(isNew ? "members" : "rows");
  }

  /** Note that a job is watched no more, by its last row. */
  left(row) {
    if (this.held) return void this.held.push(() => this.left(row));
    const job = this.jobs.get(row.job_id);
    if (job && job.endedMs === null) {
      job.take(row);
      job.endedMs = now();
    }
    this.changed("members");
  }

  /** Hold back what comes until a list is here. */
  hold() {
    this.held ??= [];
  }

  /** Take a whole list, then what came meanwhile: that is newer. */
  replace(rows) {
    const there = new Set(rows.map((row) => row.job_id));
    for (const [jobId, job] of this.jobs) {
      if (!there.has(jobId) && job.endedMs === null) job.endedMs = now();
    }
    const held = this.held ?? [];
    this.held = null;
    rows.forEach((row) => this.put(row));
    held.forEach((apply) => apply());
    this.isLoaded = true;
    this.changed("members");
  }

  /** Forget those that left long ago, and note the speed of all. Called once a second. */
  tick() {
    for (const [jobId, job] of this.jobs) {
      if (job.endedMs !== null && now() - job.endedMs > ENDED_FOR_MS) {
        this.jobs.delete(jobId);
        this.changed("members");
      }
    }
    const { speed } = this.totals();
    if (this.isLoaded && speed !== null) this.speeds.push(speed);
    if (this.speeds.length > MOST_SPEEDS) this.speeds.shift();
  }

  /**
   * Sum up those that are watched, by the rule of /api/v1/polling: what is not known adds nothing, and a sum of which
   * nothing is known is null; speed and end count those whose copy is in sight.
   */
  totals() {
    const sums = { jobs: 0, moved: null, total: null, speed: null, left: 0, states: {}, slowest: null, ended: 0 };
    for (const job of this.jobs.values()) {
      if (job.endedMs === null) add(sums, job);
      else sums.ended += 1;
    }
    const together = sums.speed > 0 && sums.left > 0 ? Math.ceil(sums.left / sums.speed) : null;
    const known = [sums.slowest?.etaS() ?? null, together].filter((one) => one !== null);
    sums.eta = known.length ? Math.max(...known) : null;
    return sums;
  }
}

function add(sums, job) {
  const { row } = job;
  sums.jobs += 1;
  sums.moved = plus(sums.moved, row.bytes_transferred);
  sums.total = plus(sums.total, row.total_bytes);
  sums.speed = plus(sums.speed, job.speedBps());
  if (job.isFollowed() && row.total_bytes !== null) sums.left += row.total_bytes - (row.bytes_transferred ?? 0);
  sums.states[row.state] = (sums.states[row.state] ?? 0) + 1;
  if ((job.etaS() ?? -1) > (sums.slowest?.etaS() ?? -1)) sums.slowest = job;
}

/** Return a sum with one number more; null stands for "not known" in either. */
function plus(sum, number) {
  return number === null ? sum : (sum ?? 0) + number;
}
