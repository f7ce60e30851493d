/** The link to older reviews, which adds them below. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { focusOn } from "./focus.js";
import { opensElsewhere } from "./keys.js";

const LIMIT = 20;

export class Older {
  #link = document.getElementById("older");
  #page;
  #list;
  #stage;

  /** @param {{page: DOMStringMap, list: object, stage: object}} parts */
  constructor({ page, list, stage }) {
    this.#page = page;
    this.#list = list;
    this.#stage = stage;
    this.#link.addEventListener("click", (event) => {
      if (opensElsewhere(event)) return;
      event.preventDefault();
      this.#add().catch((refusal) => this.#complain(refusal));
    });
  }

  async #add() {
    const before = this.#list.oldest ? `&before=${this.#list.oldest}` : "";
    const address = `/api/reviews/?book=${this.#page.book}${before}&limit=${LIMIT}`;
    const { reviews, next, position } = await request("GET", address);
    await this.#stage.soon(() => {
      for (const review of reviews) this.#list.upsert(review, position, { older: true });
      this.#link.hidden = !next;
      this.#link.href = `/books/${this.#page.book}/?before=${this.#list.oldest}#reviews`;
    });
    if (reviews.length) focusOn(this.#list.find(reviews[0].id));
  }

  #complain(refusal) {
    this.#stage.soon(() => complain(document.getElementById("older-failed"), "", refusal));
  }
}
