/** A book on the shelf of the home page: how many reviews it has, and the newest of them in a line. */

import { request } from "./api.js";
import { counted } from "./words.js";

// When a review is deleted, everybody who shows it asks for the one before it: not all at once.
const SPREAD = 1_000;

export class ShelfBook {
  #item;
  #latest;

  /** @param {HTMLElement} item of the shelf */
  constructor(item) {
    this.#item = item;
    this.#latest = Number(item.dataset.latest);
  }

  get id() {
    return Number(this.#item.dataset.book);
  }

  get position() {
    return this.#item.dataset.position;
  }

  /** @param {object} change as the stream tells it */
  apply({ type, review, review_id, review_count }) {
    this.showCount(review_count);
    if (type === "review.created" ? review.id > this.#latest : review?.id === this.#latest) {
      this.#show(review);
    } else if (review_id === this.#latest) {
      this.#show(null);
      setTimeout(() => this.#askForLatest(), Math.random() * SPREAD);
    }
  }

  /** @param {{review_count: number, reviews: object[]}} book that was fetched anew */
  replace({ review_count, reviews }) {
    this.showCount(review_count);
    this.#show(reviews[0] ?? null);
  }

  /** @param {number} number */
  showCount(number) {
    const words = counted(number, "count");
    if (this.#part("count").textContent !== words) this.#redraw("count", words);
  }

  async #askForLatest() {
    const page = await request("GET", `/api/reviews/?book=${this.id}&limit=1`).catch(() => null);
    const latest = page?.reviews[0];
    if (latest && latest.id > this.#latest) this.#show(latest);
  }

  #show(review) {
    this.#latest = review?.id ?? 0;
    if (!review) this.#redraw("latest");
    else this.#redraw("latest", part("b", review.user.username), " ", part("span", review.content));
  }

  /** In a new element, as the old one would be seen to move. */
  #redraw(name, ...content) {
    const fresh = this.#part(name).cloneNode(false);
    fresh.append(...content);
    fresh.classList.add("fresh");
    this.#part(name).replaceWith(fresh);
  }

  #part(name) {
    return this.#item.querySelector(`.${name}`);
  }
}

function part(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
