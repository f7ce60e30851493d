/** Keys that people know from elsewhere. */

/** Whether a click on a link asks for another tab or window, which is the browser's to open. */
export function opensElsewhere({ ctrlKey, metaKey, shiftKey }) {
  return ctrlKey || metaKey || shiftKey;
}

/** Control or Command with Enter sends a form, as its button does. */
export function submitByKeys(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}
