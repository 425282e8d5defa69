// The stream of events, by fetch: EventSource cannot carry a token.

import { detailOf, headers, noteClock, renewToken } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const SILENCE_MS = 40000; // the server says something every 15 s

class Unusable extends Error {}

function unanswered() {
  throw new Unusable("the server does not answer");
}

/** Reads events for as long as the page is open, and says when it cannot. */
export class Feed {
  /** @param listener {event(kind, fields), connected(isFirst), lost(why)} */
  constructor(listener) {
    this.listener = listener;
    this.lastId = null;
    this.waitMs = FIRST_WAIT_MS;
    this.reading = null;
    window.addEventListener("offline", () => this.reading?.abort());
    window.addEventListener("online", () => this.again());
  }

  /** Connect, and connect again, for ever. */
  async run() {
    for (;;) {
      let why = "the server closed the connection";
      try {
        await this.read();
      } catch (error) {
        why = error instanceof Unusable ? error.message : String(error);
        if (!(error instanceof Unusable)) this.lastId = null; // what could not be taken is made up for by the list
      }
      this.listener.lost(why);
      await this.pause();
    }
  }

  /** Try again now. */
  again() {
    this.wake?.();
  }

  async read() {
    const reading = (this.reading = new AbortController());
    const sent = { Accept: "text/event-stream", ...headers() };
    if (this.lastId !== null) sent["Last-Event-ID"] = this.lastId;
    this.expect();
    try {
      const asked = { headers: sent, cache: "no-store", signal: reading.signal };
      const reply = await fetch("/api/v1/events", asked).catch(unanswered);
      noteClock(reply);
      if (reply.status === 401) await this.refused(reply);
      if (!reply.ok) throw new Unusable(await detailOf(reply));
      await this.take(reply.body.pipeThrough(new TextDecoderStream()).getReader());
    } finally {
      clearTimeout(this.timer);
      reading.abort();
    }
  }

  async take(reader) {
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read().catch(unanswered);
      if (done) return;
      this.expect();
      const messages = (rest + value.replaceAll("\r", "")).split("\n\n");
      rest = messages.pop();
      messages.forEach((message) => this.tell(message));
    }
  }

  tell(message) {
    let [kind, id, data] = ["message", null, ""];
    for (const line of message.split("\n")) {
      const at = line.indexOf(": ");
      const [name, value] = [line.slice(0, at), line.slice(at + 2)];
      if (name === "event") kind = value;
      else if (name === "id") id = value;
      else if (name === "data") data += value;
    }
    if (data === "") return; // a heartbeat
    const fields = JSON.parse(data);
    if (kind === "hello") {
      this.waitMs = FIRST_WAIT_MS;
      this.listener.connected(this.lastId === null);
    }
    this.listener.event(kind, fields);
    if (id !== null) this.lastId = id; // after it was taken
  }

  async refused(reply) {
    clearTimeout(this.timer);
    const detail = await detailOf(reply);
    this.listener.lost(detail);
    if (await renewToken(detail)) this.waitMs = FIRST_WAIT_MS;
    throw new Unusable(detail);
  }

  expect() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reading.abort(), SILENCE_MS);
  }

  pause() {
    const waitMs = this.waitMs * (0.75 + Math.random() / 2);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 1.6);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }
}
