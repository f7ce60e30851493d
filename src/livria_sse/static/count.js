/** How many reviews the book has, less those that are being deleted. */

import { counted } from "./words.js";

export class Count {
  #heading = document.getElementById("count");
  #empty = document.getElementById("empty");
  #number;
  #leaving = new Set();

  /** @param {number} number */
  constructor(number) {
    this.#number = number;
  }

  /** @param {number} number as the server counts */
  show(number) {
    this.#number = number;
    this.#draw();
  }

  /** @param {number} id of a review that is still counted */
  leave(id) {
    this.#leaving.add(id);
    this.#draw();
  }

  /** @param {number} id of a review that stays after all, or is counted no more */
  settle(id) {
    this.#leaving.delete(id);
    this.#draw();
  }

  #draw() {
    const number = Math.max(0, this.#number - this.#leaving.size);
    this.#heading.textContent = counted(number, "count");
    this.#empty.hidden = number > 0;
  }
}
