// What is shown stands in the address, after #, so that a link can be passed on.

const LISTS = ["seen", "state", "vma"];
const FIRST = { q: "", seen: [], state: [], vma: [], sort: "created_at", order: "desc", job: null };

/** The state of the page that a link holds. */
export class Address {
  constructor(changed) {
    this.changed = changed;
    this.read();
    window.addEventListener("hashchange", () => {
      this.read();
      this.changed();
    });
  }

  read() {
    const words = new URLSearchParams(location.hash.slice(1));
    const list = (name) => (words.get(name) ?? "").split(",").filter(Boolean);
    this.now = {
      ...FIRST,
      q: words.get("q") ?? "",
      sort: words.get("sort") ?? FIRST.sort,
      order: words.get("order") === "asc" ? "asc" : "desc",
      job: words.get("job"),
      ...Object.fromEntries(LISTS.map((name) => [name, list(name)])),
    };
  }

  /** Return the link to the page as it is, but for some things. */
  link(changes) {
    const next = { ...this.now, ...changes };
    const words = new URLSearchParams();
    for (const [name, first] of Object.entries(FIRST)) {
      const value = LISTS.includes(name) ? next[name].join(",") : next[name];
      if (value !== null && String(value) !== String(first)) words.set(name, value);
    }
    return `#${words}`;
  }

  /** Show something else; `quietly` without a step back to it. */
  go(changes, quietly = false) {
    const link = this.link(changes);
    if (link === location.hash || (link === "#" && location.hash === "")) return;
    history[quietly ? "replaceState" : "pushState"](null, "", link);
    this.read();
    this.changed();
  }
}
