/** Requests to the API, and its refusals in the language of the page. */

import { inOurWords, words } from "./words.js";

/** Why a request failed, in words for the reader. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status of the answer; 0 if there was none */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks the API; the document it answers, with the `position` at which that holds.
 *
 * @param {string} method
 * @param {string} address
 * @param {{body?: object, headers?: Record<string, string>, keepalive?: boolean}} [sent]
 *   With `keepalive` the request outlives the page.
 * @returns {Promise<object>}
 * @throws {Refusal}
 */
export async function request(method, address, { body, headers = {}, keepalive = false } = {}) {
  const json = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(address, {
    method,
    headers: { ...json, ...headers },
    body: body && JSON.stringify(body),
    keepalive,
  }).catch(() => null);
  const document = await documentOf(answer);
  if (!answer?.ok || !document) throw refusal(answer, document);
  document.position ??= answer.headers.get("Livria-Position");
  return document;
}

/** A proxy that has no server to ask answers with a page of its own: that is no document. */
async function documentOf(answer) {
  if (answer?.status === 204) return {};
  return answer?.json().catch(() => null) ?? null;
}

function refusal(answer, document) {
  if (!document?.errors) return new Refusal(words.unreachable, answer?.status ?? 0);
  const reasons = Object.values(document.errors).flat();
  const said = reasons.length ? reasons : [document.detail];
  return new Refusal(said.map(inOurWords).join(" "), answer.status);
}
