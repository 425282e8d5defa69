// The description of the API, as /openapi.json has it. All of it is set as text.

import { read } from "./api.js";
import { element, say } from "./element.js";
import { themed } from "./theme.js";

const SCHEMAS = "#/components/schemas/";
const EXAMPLES = { limit: "20", sort: "percent", observation: "stalled", since: "2026-01-01T00:00:00Z" };
const LIMITS = { minimum: "from", maximum: "to", minLength: "at least", maxLength: "at most" };

const at = (id) => document.getElementById(id);

/** Return the id of a call's section: of letters that need no escaping. */
function callId(method, path) {
  return `call-${method}-${path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "")}`;
}

/** Return what a schema allows, as text and links to other schemas. */
function kind(schema) {
  if (schema.$ref?.startsWith(SCHEMAS)) {
    const name = schema.$ref.slice(SCHEMAS.length);
    return [element("a", { href: `#schema-${name}` }, name)];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((one, place) => (place ? [" or ", ...kind(one)] : kind(one)));
  if (schema.enum) return [`one of ${schema.enum.join(", ")}`];
  if (schema.items && schema.items !== true) return ["list of ", ...kind(schema.items)];
  if (schema.type === "object" && schema.additionalProperties) return ["map of names to ", ...kind(schema.additionalProperties)];
  const bounds = Object.entries(LIMITS).filter(([name]) => name in schema).map(([name, word]) => `${word} ${schema[name]}`);
  const word = schema.format ?? schema.type ?? "any JSON";
  const unit = "minLength" in schema || "maxLength" in schema ? " characters" : "";
  return [bounds.length ? `${word}, ${bounds.join(" ")}${unit}` : word];
}

function table(label, heads, rows) {
  const cell = (content, place) =>
    place === 0
      ? element("th", { scope: "row", class: "mono" }, ...[content].flat())
      : element("td", {}, ...[content].flat());
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((row) => element("tr", {}, ...row.map(cell)));
  const made = element("table", { class: "fields" }, element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "scrolls", role: "region", "aria-label": label, tabindex: "0" }, made);
}

/** Return a call of curl that can be pasted into a shell. */
function example(method, path, operation, hasToken) {
  const wanted = operation.parameters.filter((one) => one.in === "query" && one.name in EXAMPLES).slice(0, 2);
  const query = wanted.map((one) => `${one.name}=${EXAMPLES[one.name]}`).join("&");
  const address = `${location.origin}${path.replace("{job_id}", "JOB")}${query ? `?${query}` : ""}`;
  const words = ["curl"];
  if ("text/event-stream" in (operation.responses["200"]?.content ?? {})) words.push("-N");
  if (method === "post") words.push("-X POST");
  if (hasToken && method === "post") words.push('-H "Authorization: Bearer $OMA_API_TOKEN"');
  return [...words, `'${address}'`].join(" ");
}

function answer([status, reply]) {
  const [type, content] = Object.entries(reply.content ?? {})[0] ?? ["no body", null];
  return [status, reply.description, type, content ? kind(content.schema) : ""];
}

function parameter(one) {
  const needed = one.required ? "path, percent-encoded" : "query";
  return [one.name, needed, kind(one.schema), one.description ?? "The id of a job."];
}

function call(method, path, operation, hasToken) {
  const id = callId(method, path);
  const label = `${method.toUpperCase()} ${path}`;
  const tone = method === "get" ? null : "warn";
  const badge = element("span", { class: "method", "data-tone": tone }, method.toUpperCase());
  const { parameters } = operation;
  return element(
    "article",
    { class: "call", id, "aria-labelledby": `${id}-title` },
    element("h3", { id: `${id}-title` }, badge, element("span", { class: "mono" }, path)),
    element("p", {}, `${operation.summary}.`),
    parameters.length ? element("h4", {}, "Parameters") : null,
    parameters.length ? table(`Parameters of ${label}`, ["Name", "Where", "Allowed", "What"], parameters.map(parameter)) : null,
    element("h4", {}, "Answers"),
    table(`Answers of ${label}`, ["Status", "Meaning", "Type", "Schema"], Object.entries(operation.responses).map(answer)),
    element("h4", {}, "Example"),
    element("pre", { class: "example mono", tabindex: "0", role: "region", "aria-label": `Example of ${label}` }, example(method, path, operation, hasToken)),
  );
}

function schema(name, described) {
  const id = `schema-${name}`;
  const needed = new Set(described.required ?? []);
  const rows = Object.entries(described.properties ?? {}).map(([field, one]) => [
    field,
    kind(one),
    needed.has(field) ? "always" : "where known",
  ]);
  return element(
    "article",
    { class: "schema", id, "aria-labelledby": `${id}-title` },
    element("h3", { id: `${id}-title`, class: "mono" }, name),
    element("p", {}, described.description ?? ""),
    table(`Fields of ${name}`, ["Field", "Allowed", "Present"], rows),
  );
}

function show(described) {
  say(at("about"), `${described.info.title} ${described.info.version}. ${described.info.description}`);
  const hasToken = "securitySchemes" in described.components;
  const contents = at("contents");
  for (const [path, methods] of Object.entries(described.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      at("calls").append(call(method, path, operation, hasToken));
      const link = { href: `#${callId(method, path)}`, class: "mono small", title: operation.summary };
      contents.append(element("a", link, `${method.toUpperCase()} ${path}`));
    }
  }
  for (const [name, one] of Object.entries(described.components.schemas)) {
    at("schemas").append(schema(name, one));
    contents.append(element("a", { href: `#schema-${name}`, class: "mono small" }, name));
  }
  const target = location.hash && at(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView(); // it was not there yet when the browser looked for it
}

themed(at("theme"));
try {
  show(await read("/openapi.json"));
} catch (error) {
  at("trouble").hidden = false;
  say(at("trouble"), `The description cannot be loaded: ${error.message}`);
}
