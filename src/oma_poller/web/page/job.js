// One job as the page knows it: its newest row, its last speeds, and when it left.

import { now } from "./api.js";
import { seen } from "./words.js";

const MOST_SPEEDS = 40;
const HEARTBEAT_S = 30; // a figure that does not change is confirmed so often
const ENDS = ["completed", "failed", "cancelled"];
const FOLLOWED = ["fresh", "late", "stalled", "pending"];
const CALM = ["fresh", "pending"];
const URGENCY = { bad: 1, warn: 2, calm: 3, good: 3 };

export class Job {
  constructor(row) {
    this.row = null;
    this.speeds = [];
    this.take(row);
  }

  /** Take a newer row. */
  take(row) {
    const isNewFigure = this.row === null || this.row.as_of !== row.as_of; // one row may come as several events
    this.row = row;
    this.endedMs = null;
    this.search = `${row.name}\n${row.job_id}`.toLowerCase();
    this.asOfMs = row.as_of === null ? null : Date.parse(row.as_of);
    if (isNewFigure && row.speed_bps !== null) this.speeds.push(row.speed_bps);
    if (this.speeds.length > MOST_SPEEDS) this.speeds.shift();
  }

  /** How old its figures are, in seconds; null where there are none. */
  ageS() {
    return this.asOfMs === null ? null : Math.max(0, (now() - this.asOfMs) / 1000);
  }

  /** Whether the figures are older than they should be. */
  isOld(intervalS) {
    const age = this.ageS();
    const unchangedS = this.row.speed_bps ? 0 : HEARTBEAT_S;
    return this.endedMs === null && age !== null && age > 3 * intervalS + unchangedS;
  }

  /** Its speed now; null where nobody sees it: the last one is no claim about now. */
  speedBps() {
    return this.isFollowed() ? this.row.speed_bps : null;
  }

  /** Seconds until it is over at that speed; null where that is not known. */
  etaS() {
    return this.isFollowed() ? this.row.eta_seconds : null;
  }

  isFollowed() {
    return this.endedMs === null && FOLLOWED.includes(this.row.observation);
  }

  /** How it is seen, or how it ended, in one word. */
  word() {
    const { status, state, stopped, observation } = this.row;
    const ended = status.toLowerCase().replace("replication_", "");
    if (this.endedMs !== null) return ENDS.includes(ended) ? ended : "left"; // the VMA does not decide it
    if (ended === "failed" || state === "failed") return "failed";
    return stopped ? "stopped" : observation;
  }

  /** Why, and what was known last of a job that left. */
  reason() {
    const { reason, error_message: error, state, operation } = this.row;
    if (this.endedMs === null) return (this.word() === "failed" ? (error ?? reason) : reason) ?? "";
    const last = `Last seen ${state}${operation && operation.toLowerCase() !== state ? ` (${operation})` : ""}`;
    return `${error ? `${error}. ` : ""}${last}. It is polled no more; see the database.`;
  }

  sinceMs() {
    return this.endedMs ?? Date.parse(this.row.observation_since);
  }

  needsAttention() {
    const word = this.word();
    return this.endedMs === null ? !CALM.includes(word) : word === "failed";
  }

  /** 0 for the worst. */
  urgency() {
    const word = this.word();
    return word === "failed" ? 0 : URGENCY[seen(word).tone];
  }
}
