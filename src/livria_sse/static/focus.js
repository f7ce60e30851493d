/** Where the keyboard goes on when what it was in is gone. */

/**
 * Focuses an element without moving the page; if it is gone, too, the heading of the reviews.
 *
 * @param {HTMLElement | null | undefined} element
 */
export function focusOn(element) {
  const target = element?.isConnected ? element : document.getElementById("count");
  if (target.tabIndex < 0) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}
