/** The form for a new review: what is sent is shown at once, and comes back if it was refused. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { Draft } from "./draft.js";
import { submitByKeys } from "./keys.js";
import { words } from "./words.js";

/** @typedef {{content: string, key: string}} Attempt a text, and the key that makes it one review */

export class Writing {
  #form = document.getElementById("write");
  #failed = document.getElementById("failed");
  #field = this.#form.elements.content;
  #key = this.#form.elements.key;
  #page;
  #list;
  #stage;
  #count;
  #announcer;
  #draft;
  /** @type {Attempt[]} what is on its way, one after the other */
  #sent = [];
  /** @type {Attempt | null} what may or may not have got through: sent again, it has its old key */
  #lost = null;
  #turn = Promise.resolve();

  /** @param {{page: DOMStringMap, list: object, stage: object, count: object, announcer: object}} parts */
  constructor({ page, list, stage, count, announcer }) {
    this.#page = page;
    this.#list = list;
    this.#stage = stage;
    this.#count = count;
    this.#announcer = announcer;
    this.#draft = new Draft(page);
    this.#restore();
    this.#form.addEventListener("input", () => this.#draft.keep(this.#unsent()));
    submitByKeys(this.#form);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  #restore() {
    const kept = this.#draft.read();
    if (!kept || this.#field.value) return;
    this.#lost = kept.lost ?? null;
    this.#stage.now(() => (this.#field.value = kept.content));
  }

  #unsent() {
    return { content: this.#whole(), lost: this.#sent[0] ?? this.#lost };
  }

  /** What is on its way and what was typed since. */
  #whole() {
    return [...this.#sent.map(({ content }) => content), this.#field.value]
      .filter(Boolean)
      .join("\n\n");
  }

  #submit() {
    if (!this.#field.value.trim()) return;
    this.#stage.now(() => {
      this.#failed.hidden = true;
      const attempt = this.#take();
      const isShown = this.#page.newest === "yes";
      const pending = isShown ? this.#list.addPending(attempt.content) : null;
      this.#turn = this.#turn.then(() => this.#post(attempt, pending));
    });
  }

  /** Takes what was typed from the form: there is something new to type then. */
  #take() {
    const content = this.#field.value;
    const attempt = this.#lost?.content === content ? this.#lost : { content, key: this.#key.value };
    this.#sent.push(attempt);
    this.#lost = null;
    this.#field.value = "";
    this.#key.value = newKey();
    this.#draft.renew(this.#unsent());
    return attempt;
  }

  async #post(attempt, pending) {
    const body = { book: Number(this.#page.book), content: attempt.content };
    const headers = { "Idempotency-Key": attempt.key };
    try {
      const review = await request("POST", "/api/reviews/", { body, headers });
      await this.#stage.soon(() => {
        this.#list.upsert(review, review.position);
        this.#count.add(review.id, review.position);
        if (pending && this.#list.isPending(pending)) pending.remove();
      });
      this.#accepted(attempt, review);
    } catch (refusal) {
      await this.#stage.soon(() => {
        // The stream has brought it: only the answer was lost.
        if (pending && !this.#list.isPending(pending)) this.#accepted(attempt);
        else this.#refused(attempt, pending, refusal);
      });
    }
  }

  #accepted(attempt, review) {
    this.#forget(attempt);
    this.#draft.renew(this.#unsent());
    this.#announcer.say(words.posted);
    if (review && this.#page.newest !== "yes") {
      location.assign(`/books/${this.#page.book}/#review-${review.id}`);
    }
  }

  #refused(attempt, pending, refusal) {
    pending?.remove();
    this.#forget(attempt);
    this.#field.value = [attempt.content, this.#field.value].filter(Boolean).join("\n\n");
    this.#lost = attempt;
    this.#draft.renew(this.#unsent());
    complain(this.#failed, words.create_failed, refusal);
  }

  #forget(attempt) {
    this.#sent = this.#sent.filter((each) => each !== attempt);
  }
}

function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
