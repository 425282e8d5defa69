// Why a job shows what it shows: the account that `oma-poller explain` gives.

import { element } from "./element.js";
import { list } from "./facts.js";
import { UNKNOWN } from "./words.js";

/** Return an account as elements. */
export function account(told) {
  const { decided } = told;
  return element(
    "div",
    { class: "account" },
    list([
      ["Comes to", `${decided.state}, ${decided.observation.replaceAll("_", " ")}`],
      ["Why", decided.reason || "in order"],
      ["Is written", told.written],
      ["Polled again", told.next],
      ["Status in the database", told.status],
      ["VMA", `${told.vma}, ${told.vma_url}`],
    ]),
    element("h4", {}, "Rules, in the order in which they were applied"),
    element("ol", { class: "rules" }, ...told.rules.map(rule)),
    element("h4", {}, "What the VMA answered"),
    ...told.keys.map(answer),
  );
}

function rule(one) {
  return element("li", {}, element("strong", {}, one.name), ` ${one.text}`);
}

function answer(key) {
  const shape = key.shape === null ? "" : `, shape ${key.shape}`;
  return element(
    "details",
    {},
    element("summary", {}, `${key.key}: ${key.answer}${shape}, ${(key.duration_s * 1000).toFixed(0)} ms`),
    element("pre", { tabindex: "0" }, key.body || UNKNOWN),
  );
}
