// Jobs that somebody should look at, the worst first, with why and since when.

import { now } from "./api.js";
import { element, say } from "./element.js";
import { clock, count, seen, span } from "./words.js";

const SHOWN_OF_A_KIND = 3;

/** The list at the top. It is told to screen readers when it grows. */
export class Attention {
  constructor(place, news, linkTo, linkToAll) {
    Object.assign(this, { place, news, linkTo, linkToAll });
    this.items = new Map();
    this.known = null;
  }

  /** Return how many jobs need attention, having shown them. */
  show(store) {
    const troubled = [...store.jobs.values()].filter((job) => job.needsAttention());
    troubled.sort((one, other) => one.urgency() - other.urgency() || other.sinceMs() - one.sinceMs());
    const kinds = new Map();
    for (const job of troubled) kinds.set(job.word(), [...(kinds.get(job.word()) ?? []), job]);
    const wanted = [...kinds].flatMap(([word, jobs]) => this.kind(word, jobs));
    if (wanted.length === 0) {
      const text = store.isLoaded ? "Nothing needs attention." : "Loading.";
      wanted.push(this.item("", () => element("li", { class: "calm" }, text)));
      say(wanted[0], text);
    }
    this.place.classList.toggle("quiet", troubled.length === 0);
    place(this.place, wanted);
    for (const [key, item] of this.items) if (!item.isConnected) this.items.delete(key);
    if (store.isLoaded) this.announce(troubled);
    return troubled.length;
  }

  kind(word, jobs) {
    const shown = jobs.slice(0, SHOWN_OF_A_KIND).map((job) => this.job(word, job));
    const rest = jobs.length - shown.length;
    if (rest > 0) {
      const more = this.item(`more ${word}`, () =>
        element("li", { class: "more" }, element("a", { href: this.linkToAll(word) })),
      );
      say(more.firstChild, `and ${count(rest, "more job")}: ${seen(word).text.toLowerCase()}`);
      shown.push(more);
    }
    return shown;
  }

  job(word, job) {
    const { text, sign, tone } = seen(word);
    const item = this.item(`${word} ${job.row.job_id}`, () =>
      element(
        "li",
        { "data-tone": tone },
        element("span", { class: "sign", "aria-hidden": "true" }, sign),
        element("strong", {}, text),
        element("a", { href: this.linkTo(job.row.job_id) }),
        element("span", { class: "why" }),
        element("span", { class: "since" }),
      ),
    );
    const [, , link, why, since] = item.children;
    say(link, job.row.name || job.row.job_id);
    const reason = job.reason();
    say(why, reason);
    why.title = reason;
    const from = job.sinceMs();
    say(since, `for ${span((now() - from) / 1000)}, since ${clock(new Date(from))}`);
    return item;
  }

  item(key, make) {
    if (!this.items.has(key)) this.items.set(key, make());
    return this.items.get(key);
  }

  announce(troubled) {
    const keys = new Map(troubled.map((job) => [`${job.word()} ${job.row.job_id}`, job]));
    if (this.known) {
      const fresh = [...keys].filter(([key]) => !this.known.has(key)).map(([, job]) => job);
      const names = fresh.slice(0, 3).map((job) => `${job.row.name}: ${seen(job.word()).text.toLowerCase()}`);
      if (fresh.length > 3) names.push(`and ${count(fresh.length - 3, "more job")}`);
      if (fresh.length > 0) say(this.news, `Needs attention: ${names.join(", ")}`);
      else if (this.known.size > 0 && keys.size === 0) say(this.news, "Nothing needs attention any more");
    }
    this.known = keys;
  }
}

/** Have exactly these children, in this order, moving only what is elsewhere. */
function place(parent, wanted) {
  wanted.forEach((item, at) => {
    if (parent.children[at] !== item) parent.insertBefore(item, parent.children[at] ?? null);
  });
  while (parent.children.length > wanted.length) parent.lastChild.remove();
}
