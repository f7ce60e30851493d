/** The sign of life of a page: whether it is live, and how many read it. */

import { counted, words } from "./words.js";

// To those who hear the page, a stream that is opened anew at once is no news.
const LASTING = 5_000;

export class Sign {
  #state = document.getElementById("sign");
  #viewers = document.getElementById("viewers");
  #heard = document.getElementById("heard");
  #said = "live";
  #saying;
  #number = 0;

  /** @param {"connecting" | "live" | "reconnecting" | "polling" | "offline" | "unknown"} state */
  showState(state) {
    this.#state.textContent = words[state];
    this.#state.dataset.state = state;
    this.#state.hidden = false;
    this.#draw();
    clearTimeout(this.#saying);
    if (state !== this.#said) this.#saying = setTimeout(() => this.#say(state), LASTING);
  }

  /** @param {number} number of those who read the page now, this one included */
  showViewers(number) {
    this.#number = number;
    this.#draw();
  }

  #say(state) {
    this.#said = state;
    this.#heard.textContent = words[state];
  }

  #draw() {
    // Who is not live does not know how many there are now.
    this.#viewers.hidden = this.#number < 2 || this.#state.dataset.state !== "live";
    this.#viewers.textContent = counted(this.#number, "reading");
  }
}
