// Calls of the API, with the token where one is asked for.

import { askToken } from "./dialog.js";

const KEPT = "oma-token";
let asking = null;
let skewMs = 0;

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Return the headers that a call carries. */
export function headers() {
  const token = sessionStorage.getItem(KEPT);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Return the server's time now, in ms: the browser's clock may be wrong, ages must not be. */
export function now() {
  return Date.now() + skewMs;
}

/** Take the server's clock from a reply; it tells whole seconds, so less than two are no difference. */
export function noteClock(reply) {
  const told = Date.parse(reply.headers.get("date") ?? "");
  if (Number.isNaN(told)) return;
  const differenceMs = told + 500 - Date.now();
  skewMs = Math.abs(differenceMs) < 2000 ? 0 : differenceMs;
}

/** Ask for the token, once for all calls that need it; return whether one was given. */
export async function renewToken(detail) {
  asking ??= askToken(detail).finally(() => (asking = null));
  const token = await asking;
  if (token) sessionStorage.setItem(KEPT, token);
  return Boolean(token);
}

/** Return the JSON that a GET brings. Throws Refused, or TypeError where there is no connection. */
export const read = (path) => call("GET", path);

/** Return the JSON that a POST brings. Throws as `read` does. */
export const send = (path) => call("POST", path);

/** Return the path of a job, or of something of it. */
export function jobPath(jobId, rest = "") {
  return `/api/v1/progress/${encodeURIComponent(jobId)}${rest}`;
}

async function call(method, path) {
  for (;;) {
    const sent = headers();
    const reply = await fetch(path, { method, headers: { Accept: "application/json", ...sent } });
    noteClock(reply);
    if (reply.ok) return reply.json();
    const detail = await detailOf(reply);
    const needsToken = reply.status === 401 || (reply.status === 403 && method === "POST");
    const isNewer = headers().Authorization !== sent.Authorization;
    if (needsToken && (isNewer || (await renewToken(detail)))) continue;
    throw new Refused(reply.status, detail);
  }
}

/** Return what a reply says was wrong. */
export async function detailOf(reply) {
  try {
    return (await reply.json()).detail ?? `HTTP ${reply.status}`;
  } catch {
    return `HTTP ${reply.status}`;
  }
}
