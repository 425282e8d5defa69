// Questions to the person at the screen.

import { element } from "./element.js";

/** Ask whether to do something; resolves to a boolean. */
export function confirmed(question, explanation, yes) {
  return asked(question, [element("p", {}, explanation)], yes, () => true).then(Boolean);
}

/** Ask for the API's token; resolves to it, or to null. */
export function askToken(detail) {
  const field = element("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false" });
  const why = element("p", {}, `The server says: ${detail}.`);
  const label = element("label", { for: "token" }, "Token (OMA_API_TOKEN); kept until this tab is closed");
  return asked("This needs a token", [why, label, field], "Use it", () => field.value.trim() || null);
}

function asked(title, content, yes, answer) {
  return new Promise((resolve) => {
    const done = (value) => {
      box.close();
      box.remove();
      resolve(value);
    };
    const box = element(
      "dialog",
      {
        class: "question",
        "aria-labelledby": "question-title",
        on: {
          cancel: (event) => (event.preventDefault(), done(null)),
          keydown: (event) => {
            event.stopPropagation();
            if (event.key === "Enter" && event.target.tagName === "INPUT") done(answer());
          },
        },
      },
      element("h2", { id: "question-title" }, title),
      ...content,
      element(
        "div",
        { class: "answers" },
        element("button", { type: "button", on: { click: () => done(null) } }, "Cancel"),
        element("button", { type: "button", class: "main", on: { click: () => done(answer()) } }, yes),
      ),
    );
    document.body.append(box);
    box.showModal();
    (box.querySelector("input") ?? box.querySelector("button.main")).focus();
  });
}
