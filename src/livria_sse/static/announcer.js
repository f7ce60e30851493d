/** Tells those who do not see the page what happens on it: a sentence for many, never a text. */

import { counted } from "./words.js";

const GATHERED = 1_000;
const TYPING = 2_000;

export class Announcer {
  #region;
  #arrived = 0;
  #timer = null;
  #typed = 0;

  /** @param {HTMLElement} region that is polite, and not seen */
  constructor(region) {
    this.#region = region;
    addEventListener("input", () => (this.#typed = Date.now()));
  }

  /** Somebody's review has come. */
  arrived() {
    this.#arrived += 1;
    this.#timer ??= setTimeout(() => this.#summarise(), GATHERED);
  }

  /** @param {string} sentence about what the reader did */
  say(sentence) {
    this.#region.textContent = sentence;
  }

  /** Whoever types hears what they type; the rest can wait. */
  #summarise() {
    const isTyping = Date.now() - this.#typed < TYPING;
    this.#timer = isTyping ? setTimeout(() => this.#summarise(), TYPING) : null;
    if (isTyping) return;
    this.say(counted(this.#arrived, "new"));
    this.#arrived = 0;
  }
}
