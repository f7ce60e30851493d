/** What went wrong, said beside what was tried. */

/**
 * Shows a sentence and the reason, which leads there if it is that one has to sign in.
 *
 * @param {HTMLElement} element with the role of an alert
 * @param {string} sentence
 * @param {import("./api.js").Refusal} refusal
 */
export function complain(element, sentence, refusal) {
  const { status, message } = refusal;
  element.replaceChildren(`${sentence} `, status === 401 ? wayToSignIn(message) : message);
  element.hidden = false;
}

function wayToSignIn(reason) {
  const link = document.createElement("a");
  link.href = `/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = reason;
  return link;
}
