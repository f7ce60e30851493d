/** Reviews that have come while the reader was elsewhere, and the button that tells of them. */

import { counted } from "./words.js";

export class Pill {
  #button;
  // By id, in the order in which they came.
  #held = new Map();

  /** @param {HTMLButtonElement} button @param {() => void} onPress */
  constructor(button, onPress) {
    this.#button = button;
    button.addEventListener("click", onPress);
  }

  get size() {
    return this.#held.size;
  }

  has(id) {
    return this.#held.has(id);
  }

  /** Keeps a review, or its newer text. */
  hold(review, position) {
    this.#held.set(review.id, { review, position });
    this.#draw();
  }

  drop(id) {
    if (this.#held.delete(id)) this.#draw();
  }

  /** @returns {{review: object, position: string}[]} all of them; none is held any more */
  take() {
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#draw();
    return held;
  }

  #draw() {
    this.#button.hidden = !this.#held.size;
    this.#button.textContent = counted(this.#held.size, "new");
  }
}
