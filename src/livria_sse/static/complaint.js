/** What went wrong, said beside what was tried. */

import { words } from "./words.js";

/**
 * Shows a sentence and the reason; who is not signed in any more gets the way to do so.
 *
 * @param {HTMLElement} element with the role of an alert
 * @param {string} sentence
 * @param {import("./api.js").Refusal} refusal
 */
export function complain(element, sentence, refusal) {
  element.textContent = `${sentence} ${refusal.message} `;
  if (refusal.status === 401) element.append(wayToSignIn());
  element.hidden = false;
}

function wayToSignIn() {
  const link = document.createElement("a");
  link.href = `/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = words.sign_in;
  return link;
}
