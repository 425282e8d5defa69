// What stands above everything: the connection, the database, another poller, VMAs that are away.

import { now } from "./api.js";
import { element, say } from "./element.js";
import { count, span } from "./words.js";

/** Lines that come and go; each is said once by a screen reader, when it comes. */
export class Banners {
  constructor(place, news, connection, again) {
    this.place = place;
    this.news = news;
    this.connection = connection;
    this.again = again;
    this.lines = new Map();
    this.lostMs = null;
    this.why = "";
    this.wasLive = false;
  }

  live() {
    this.lostMs = null;
    this.wasLive = true;
    document.body.classList.remove("lost");
    this.remove("lost");
    say(this.connection, "Live");
    this.connection.dataset.tone = "good";
  }

  lost(why) {
    this.lostMs ??= Date.now();
    this.why = why;
    document.body.classList.add("lost");
    say(this.connection, this.wasLive ? "Not live" : "Not connected");
    this.connection.dataset.tone = "bad";
    this.tick();
  }

  /** Count on how long the connection has been away. */
  tick() {
    if (this.lostMs === null) return;
    const since = span((Date.now() - this.lostMs) / 1000);
    const text = this.wasLive
      ? `Connection lost ${since} ago. Figures below are old.`
      : `No connection for ${since}. There are no figures yet.`;
    const line = this.set("lost", "bad", text, `Why: ${this.why}. It is tried again by itself.`);
    if (!line.querySelector("button")) {
      line.append(element("button", { type: "button", on: { click: this.again } }, "Try now"));
    }
  }

  /** Show what the program says of its surroundings. */
  show(polling) {
    const { database, waiting, vmas } = polling;
    const since = (at) => (at ? ` for ${span((now() - Date.parse(at)) / 1000)}` : "");
    this.when(!database.up && !waiting, "database", () => [
      `The database is away${since(database.since)}. Polling goes on; figures are shown once they are written.`,
      `${count(database.pending_rows, "row")} to be written. ${database.detail ?? ""}`,
    ]);
    this.when(waiting, "waiting", () => [
      "Another poller is at work on this database. This one waits and shows nothing.",
      "",
    ]);
    const away = vmas.filter((vma) => vma.up === false);
    this.when(away.length > 0, "vmas", () => [
      away.map((vma) => `VMA ${vma.name} cannot be reached${since(vma.since)}: ${count(vma.jobs, "job")} blind.`).join(" "),
      away.map((vma) => vma.detail ?? "").join(" "),
    ]);
  }

  when(isSo, name, texts) {
    if (isSo) this.set(name, "bad", ...texts());
    else this.remove(name);
  }

  set(name, tone, text, more) {
    let line = this.lines.get(name);
    if (!line) {
      line = element("p", { class: "banner", "data-tone": tone }, element("strong"), element("span"));
      this.lines.set(name, line);
      this.place.append(line);
      say(this.news, text); // once: the counting is not to be read out each second
    }
    say(line.children[0], text);
    say(line.children[1], more);
    return line;
  }

  remove(name) {
    this.lines.get(name)?.remove();
    this.lines.delete(name);
  }
}
