/** How many reviews the book has, with what this page did of which that number does not know yet. */

import { distance } from "./positions.js";
import { counted } from "./words.js";

export class Count {
  #heading = document.getElementById("count");
  #empty = document.getElementById("empty");
  #number;
  #position;
  // Until which position the number lacks a review that is shown, or has one that is not, by id.
  #ahead = new Map();
  #leaving = new Map(); // null: that is not known yet

  /** @param {number} number @param {string} position at which it holds */
  constructor(number, position) {
    this.#number = number;
    this.#position = position;
  }

  /** @param {number} number as the server counts @param {string} position at which it holds */
  show(number, position) {
    this.#number = number;
    this.#position = position;
    this.#draw();
  }

  /** @param {number} id of one's own review @param {string} position from which it is counted */
  add(id, position) {
    this.#ahead.set(id, position);
    this.#draw();
  }

  /** @param {number} id of a review that is shown no more */
  leave(id) {
    this.#leaving.set(id, null);
    this.#draw();
  }

  /**
   * @param {number} id of a review that stays after all, or is counted no more
   * @param {string} [position] from which that is so
   */
  settle(id, position = this.#position) {
    if (this.#leaving.has(id)) this.#leaving.set(id, position);
    this.#draw();
  }

  #draw() {
    for (const known of [this.#ahead, this.#leaving]) {
      for (const [id, position] of known) if (position && this.#reaches(position)) known.delete(id);
    }
    const number = Math.max(0, this.#number + this.#ahead.size - this.#leaving.size);
    this.#heading.textContent = counted(number, "count");
    this.#empty.hidden = number > 0;
  }

  /** Whether the number is of that position or later; what is of another life is. */
  #reaches(position) {
    return !(distance(this.#position, position) > 0);
  }
}
