/** A bar at the foot of the window that says what was done, for a while, with a way back. */

import { focusOn } from "./focus.js";

const TICK = 1_000;
const SHOWN = 6;
// Whoever reads it, with the pointer on it or the keyboard in it, has so long in all.
const LONGEST = 30;

export class Notice {
  #bar = document.getElementById("notice");
  #text = this.#bar.querySelector("span");
  #button = this.#bar.querySelector("button");
  #timer = null;
  #onEnd = null;
  #origin = null;

  /**
   * @param {string} text
   * @param {{onUndo: () => void, onEnd: () => void, origin: HTMLElement | null}} ways one of the two
   *   is gone; from the origin a keyboard goes on that was in the notice when it ends.
   */
  show(text, { onUndo, onEnd, origin }) {
    this.end();
    this.#onEnd = onEnd;
    this.#origin = origin;
    this.#text.textContent = text;
    this.#button.onclick = () => {
      this.#hide();
      onUndo();
    };
    this.#bar.hidden = false;
    this.#button.focus({ preventScroll: true });
    this.#countDown();
  }

  /** Ends what is shown, as it ends by itself. */
  end() {
    const onEnd = this.#onEnd;
    this.#hide();
    onEnd?.();
  }

  #countDown() {
    let left = SHOWN;
    let longest = LONGEST;
    this.#timer = setInterval(() => {
      longest -= 1;
      if (!this.#bar.matches(":hover, :has(:focus-visible)")) left -= 1;
      if (left <= 0 || longest <= 0) this.end();
    }, TICK);
  }

  #hide() {
    clearInterval(this.#timer);
    this.#onEnd = null;
    if (this.#bar.contains(document.activeElement)) focusOn(this.#origin);
    this.#bar.hidden = true;
  }
}
