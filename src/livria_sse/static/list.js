/** The list of reviews on a page: kept by id, newest first. Text only ever goes into textContent. */

import { Draft } from "./draft.js";
import { focusOn } from "./focus.js";
import { howLongAgo, keepTimes } from "./times.js";
import { words } from "./words.js";

// Who stays for days does not collect all that was written meanwhile; older ones come when asked for.
const LONGEST = 400;

export class ReviewList {
  #list = document.getElementById("list");
  #template = document.getElementById("review-template");
  #older = document.getElementById("older");
  #page;
  // The newest seq that was applied to each review, also of deleted ones: an answer that comes late
  // must not bring back what the stream has already changed.
  #applied = new Map();
  // Items that are not shown for now, by id: their deletion can still be undone.
  #aside = new Map();

  /** @param {DOMStringMap} page */
  constructor(page) {
    this.#page = page;
    keepTimes(this.#list);
    const markAll = () => this.items.forEach((item) => this.markDraft(item));
    markAll();
    addEventListener("storage", markAll); // another tab has kept or forgotten one
  }

  get element() {
    return this.#list;
  }

  /** The items that have an id, from the top. */
  get items() {
    return [...this.#list.querySelectorAll("[data-id]")];
  }

  /** The lowest id that is shown, 0 if there is none; older reviews are asked for from here. */
  get oldest() {
    return Number(this.items.at(-1)?.dataset.id ?? 0);
  }

  get #newest() {
    return Number(this.#top?.dataset.id ?? 0);
  }

  /** The first item that has an id. */
  get #top() {
    return this.#list.querySelector("[data-id]");
  }

  /** Whether it would come above all that is shown. */
  isNewcomer(id) {
    return !this.find(id) && id > this.#newest;
  }

  find(id) {
    return this.#aside.get(Number(id)) ?? this.#list.querySelector(`[data-id="${Number(id)}"]`);
  }

  isMine(review) {
    return String(review.user.id) === this.#page.user;
  }

  /** Puts a review where it belongs, or its new text where it is. */
  upsert(review, position, { older = false } = {}) {
    const shown = this.find(review.id);
    // What is not shown leaves no trace: it comes with the older reviews as it reads then.
    if (!shown && !older && !this.#belongsHere(review.id)) return;
    if (!this.#isNews(review.id, position)) return;
    const item = shown ?? this.#pendingOf(review) ?? this.#create();
    this.#fill(item, review);
    if (!shown) this.#place(item);
  }

  /** Takes a review away; one whose text is being edited stays until that ends. */
  remove(id, position) {
    const item = this.find(id);
    if (!this.#isNews(id, position) || !item) return;
    this.#aside.delete(Number(id));
    new Draft(this.#page, id).forget();
    if (item.querySelector("form")) item.dataset.gone = "yes";
    else this.#drop(item);
  }

  /** Shows just these reviews, read at a position: what else was shown is gone, or older. */
  replace(reviews, position, hasOlder) {
    this.#applied.clear();
    this.#older.hidden = !hasOlder;
    const kept = new Set(reviews.map((review) => review.id));
    for (const item of this.items) {
      if (!kept.has(Number(item.dataset.id)) && !item.querySelector("form")) this.#drop(item);
    }
    for (const review of reviews) this.upsert(review, position, { older: true });
  }

  /** Says at a review whether an edit of it was begun and neither saved nor cancelled. */
  markDraft(item) {
    if (!item.querySelector("[data-action=edit]")) return; // it is somebody else's
    item.querySelector(".draft").hidden = !new Draft(this.#page, item.dataset.id).exists;
  }

  /** Ends the edit of a review: it is shown again, unless it was deleted meanwhile. */
  letGo(item) {
    if (item.dataset.gone) this.#drop(item);
  }

  /** Drops what is far below the window, if there is too much of it. */
  trim() {
    if (this.#list.childElementCount <= LONGEST) return;
    const extra = this.items.slice(LONGEST).filter((item) => isFarBelow(item) && !item.querySelector("form"));
    if (!extra.length) return;
    for (const item of extra) {
      this.#applied.delete(Number(item.dataset.id));
      item.remove();
    }
    this.#older.hidden = false;
  }

  // A review of one's own, before it is known to be accepted.

  /** @returns {HTMLElement} an item that waits for its review */
  addPending(content) {
    const item = this.#create();
    item.classList.add("pending");
    item.ariaBusy = "true";
    item.dataset.text = normal(content);
    item.querySelector(".username").textContent = this.#page.username;
    item.querySelector("time").textContent = words.sending;
    item.querySelector(".content").textContent = content.trim();
    this.#list.prepend(item);
    return item;
  }

  /** Whether it still waits. */
  isPending(item) {
    return item.isConnected && item.classList.contains("pending");
  }

  /** The stream may bring a review before its answer is here: it is known by its text. */
  #pendingOf(review) {
    const waiting = this.isMine(review) ? [...this.#list.querySelectorAll(".pending")] : [];
    return waiting.findLast((item) => item.dataset.text === normal(review.content));
  }

  // A review that is not shown while its deletion can be undone.

  setAside(item) {
    this.#aside.set(Number(item.dataset.id), item);
    this.#drop(item);
  }

  /** @returns {HTMLElement | null} the item, in its place again; null if it is gone meanwhile */
  bringBack(id) {
    const item = this.#aside.get(Number(id));
    if (!item) return null;
    this.#aside.delete(Number(id));
    this.#place(item);
    return item;
  }

  #isNews(id, position) {
    const seq = Number(position.split("-")[1]);
    if (seq <= (this.#applied.get(id) ?? -1)) return false;
    this.#applied.set(id, seq);
    return true;
  }

  #belongsHere(id) {
    if (id > this.#newest) return this.#page.newest === "yes";
    return id > this.oldest || this.#older.hidden;
  }

  #place(item) {
    item.remove();
    let below = this.#top;
    while (below && Number(below.dataset.id) > Number(item.dataset.id)) {
      below = below.nextElementSibling;
    }
    this.#list.insertBefore(item, below);
  }

  /** Removes an item; a keyboard that was in it goes on from the next one. */
  #drop(item) {
    const next = item.nextElementSibling ?? item.previousElementSibling;
    const hadFocus = item.contains(document.activeElement);
    item.remove();
    if (hadFocus) focusOn(next);
  }

  #create() {
    const item = this.#template.content.firstElementChild.cloneNode(true);
    item.classList.add("arriving");
    return item;
  }

  #fill(item, review) {
    if (!item.dataset.id) this.#name(item, review);
    const shown = item.querySelector(".content");
    const before = shown.textContent;
    shown.textContent = review.content;
    item.querySelector(".edited").hidden = review.updated_at === review.created_at;
    item.querySelector("form")?.dispatchEvent(new CustomEvent("revised", { detail: before }));
  }

  #name(item, review) {
    if (item.classList.contains("pending")) item.classList.remove("pending", "arriving");
    item.ariaBusy = null;
    item.id = `review-${review.id}`;
    item.dataset.id = review.id;
    item.querySelector(".username").textContent = review.user.username;
    const time = item.querySelector("time");
    time.dateTime = review.created_at;
    time.textContent = howLongAgo(review.created_at);
    const actions = item.querySelector(".actions");
    if (this.#page.staff !== "yes" && !this.isMine(review)) actions.remove();
    for (const link of actions.querySelectorAll("a")) {
      link.href = `/books/${this.#page.book}/?${link.dataset.action}=${review.id}#${item.id}`;
    }
    this.markDraft(item);
  }
}

/** Whether a reader would have to scroll for long to see it. */
function isFarBelow(item) {
  return item.getBoundingClientRect().top > 2 * innerHeight;
}

/** A text as the server keeps it. */
function normal(content) {
  return content.replace(/\r\n?/g, "\n").normalize("NFC").trim();
}
