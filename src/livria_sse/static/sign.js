/** The sign of life of a page: whether it is live, and how many read it. */

import { counted, words } from "./words.js";

export class Sign {
  #state = document.getElementById("sign");
  #viewers = document.getElementById("viewers");
  #number = 0;

  /** @param {"connecting" | "live" | "reconnecting" | "polling" | "offline"} state */
  showState(state) {
    this.#state.textContent = words[state];
    this.#state.dataset.state = state;
    this.#state.hidden = false;
    this.#draw();
  }

  /** @param {number} number of those who read the page now, this one included */
  showViewers(number) {
    this.#number = number;
    this.#draw();
  }

  #draw() {
    // Who is not live does not know how many there are now.
    this.#viewers.hidden = this.#number < 2 || this.#state.dataset.state !== "live";
    this.#viewers.textContent = counted(this.#number, "reading");
  }
}
