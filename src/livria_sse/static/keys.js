/** Keys that people know from elsewhere. */

/** Control or Command with Enter sends a form, as its button does. */
export function submitByKeys(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}
