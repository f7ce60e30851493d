/** What comes from the stream, brought to the list: at once, or when the reader is there to see. */

import { focusOn } from "./focus.js";
import { Pill } from "./pill.js";

// The pill covers so much of the page's top, in CSS pixels.
const COVERED = 56;

export class Arrivals {
  #page;
  #list;
  #stage;
  #count;
  #announcer;
  #pill = new Pill(document.getElementById("pill"), () => this.#show());

  /** @param {{page: DOMStringMap, list: object, stage: object, count: object, announcer: object}} parts */
  constructor({ page, list, stage, count, announcer }) {
    this.#page = page;
    this.#list = list;
    this.#stage = stage;
    this.#count = count;
    this.#announcer = announcer;
    addEventListener("scroll", () => this.settle(), { passive: true });
  }

  /** Applies a change in the next frame. */
  take(change) {
    this.#stage.soon(() => this.#apply(change));
  }

  /** Shows just these reviews, fetched anew: what has come before is in them, or is no more. */
  replace(reviews, position, hasOlder) {
    this.#stage.soon(() => {
      this.#pill.take();
      this.#list.replace(reviews, position, hasOlder);
    });
  }

  /** Shows what waits, if nothing is in the way any more. Asked at every scroll, it is quick. */
  settle() {
    if (!this.#pill.size || this.#isInTheWay()) return;
    this.#stage.soon(() => this.#isInTheWay() || this.#release());
  }

  /** Shows what waits, whatever is in the way. */
  #release() {
    for (const { review, position } of this.#pill.take()) this.#list.upsert(review, position);
    this.#list.trim();
  }

  #apply({ type, review, review_id, position, review_count }) {
    this.#count.show(review_count, position);
    if (type === "review.deleted") {
      this.#pill.drop(review_id);
      this.#list.remove(review_id, position);
      this.#count.settle(review_id);
      return;
    }
    const isNew = type === "review.created" && this.#list.isNewcomer(review.id);
    if (isNew && !this.#list.isMine(review)) this.#announcer.arrived();
    if (this.#pill.has(review.id) || (isNew && this.#mustWait(review))) {
      this.#pill.hold(review, position);
    } else {
      this.#list.upsert(review, position);
      this.#list.trim();
    }
  }

  #mustWait(review) {
    if (this.#page.newest !== "yes") return true;
    return !this.#list.isMine(review) && (this.#pill.size > 0 || this.#isInTheWay());
  }

  /** A reader who is further down would be moved, and so would a form in the list. */
  #isInTheWay() {
    const { element } = this.#list;
    return element.getBoundingClientRect().top < COVERED || element.querySelector("form") !== null;
  }

  #show() {
    if (this.#page.newest !== "yes") {
      location.assign(`/books/${this.#page.book}/#reviews`);
      return;
    }
    this.#stage.now(() => this.#release());
    const newest = this.#list.element.firstElementChild;
    newest.scrollIntoView({ block: "start" });
    focusOn(newest);
  }
}
