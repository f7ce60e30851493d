/** The list of reviews on a page: kept by id, newest first. Text only ever goes into textContent. */

import { howLongAgo } from "./times.js";

export class ReviewList {
  #list = document.getElementById("list");
  #template = document.getElementById("review-template");
  #older = document.getElementById("older");
  #words;
  #page;
  // The newest seq that was applied to each review, also of deleted ones: an answer that comes late
  // must not bring back what the stream has already changed.
  #applied = new Map();

  /** @param {DOMStringMap} page @param {DOMStringMap} words */
  constructor(page, words) {
    this.#page = page;
    this.#words = words;
    setInterval(() => this.#refreshTimes(), 30_000);
  }

  /** Puts a review where it belongs, or its new text where it is. */
  upsert(review, position, { older = false } = {}) {
    let item = this.find(review.id);
    // What is not shown leaves no trace: it comes with the older reviews as it reads then.
    if (!item && !older && !this.#belongsHere(review.id)) return;
    if (!this.#isNews(review.id, position)) return;
    if (!item) {
      item = this.#create(review);
      this.#list.insertBefore(item, this.#firstBelow(review.id));
    }
    item.querySelector(".content").textContent = review.content;
    item.querySelector(".edited").hidden = review.updated_at === review.created_at;
  }

  remove(id, position) {
    if (!this.#isNews(id, position)) return;
    this.find(id)?.remove();
  }

  clear() {
    this.#applied.clear();
    this.#list.replaceChildren();
  }

  find(id) {
    return this.#list.querySelector(`[data-id="${Number(id)}"]`);
  }

  /** The lowest id that is shown, 0 if there is none; older reviews are asked for from here. */
  get oldest() {
    return Number(this.#list.lastElementChild?.dataset.id ?? 0);
  }

  #isNews(id, position) {
    const seq = Number(position.split("-")[1]);
    if (seq <= (this.#applied.get(id) ?? -1)) return false;
    this.#applied.set(id, seq);
    return true;
  }

  #belongsHere(id) {
    const newest = Number(this.#list.firstElementChild?.dataset.id ?? 0);
    if (id > newest) return this.#page.newest === "yes";
    return id > this.oldest || this.#older.hidden;
  }

  #firstBelow(id) {
    return [...this.#list.children].find((item) => Number(item.dataset.id) < id) ?? null;
  }

  #create(review) {
    const item = this.#template.content.firstElementChild.cloneNode(true);
    const mine = this.#page.staff === "yes" || String(review.user.id) === this.#page.user;
    item.id = `review-${review.id}`;
    item.dataset.id = review.id;
    item.querySelector(".username").textContent = review.user.username;
    const time = item.querySelector("time");
    time.dateTime = review.created_at;
    time.textContent = howLongAgo(review.created_at, this.#words);
    const actions = item.querySelector(".actions");
    if (!mine) actions.remove();
    for (const link of mine ? actions.querySelectorAll("a") : []) {
      link.href = `/books/${this.#page.book}/?${link.dataset.action}=${review.id}#${item.id}`;
    }
    return item;
  }

  #refreshTimes() {
    for (const time of this.#list.querySelectorAll("time")) {
      time.textContent = howLongAgo(time.dateTime, this.#words);
    }
  }
}
