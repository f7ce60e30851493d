/** Deleting a review: it is gone at once, and for a while it can be had back. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { focusOn } from "./focus.js";
import { words } from "./words.js";

export class Deletion {
  #list;
  #stage;
  #count;
  #notice;
  #announcer;

  /** @param {{list: object, stage: object, count: object, notice: object, announcer: object}} parts */
  constructor({ list, stage, count, notice, announcer }) {
    this.#list = list;
    this.#stage = stage;
    this.#count = count;
    this.#notice = notice;
    this.#announcer = announcer;
    // Who leaves has not undone it. The request outlives the page.
    addEventListener("pagehide", () => notice.end());
  }

  /** Takes an item from the page; its review is deleted when it is too late to undo that. */
  begin(item) {
    const id = Number(item.dataset.id);
    item.querySelector(".failed")?.remove();
    this.#notice.show(words.deleted, {
      origin: item.nextElementSibling ?? item.previousElementSibling,
      onUndo: () => this.#undo(id),
      onEnd: () => this.#send(id),
    });
    this.#stage.now(() => {
      this.#list.setAside(item);
      this.#count.leave(id);
    });
    this.#announcer.say(words.deleted);
  }

  #undo(id) {
    this.#stage.now(() => {
      const item = this.#bringBack(id);
      if (!item) return;
      focusOn(item);
      this.#announcer.say(words.undone);
    });
  }

  async #send(id) {
    try {
      const { position } = await request("DELETE", `/api/reviews/${id}/`, { keepalive: true });
      this.#stage.soon(() => {
        this.#list.remove(id, position);
        this.#count.settle(id, position);
      });
    } catch (refusal) {
      this.#stage.soon(() => {
        if (refusal.status === 404) this.#count.settle(id); // somebody else was faster
        else this.#complain(this.#bringBack(id), refusal);
      });
    }
  }

  /** Says so where the review is again: at the foot of the window another may wait to be undone. */
  #complain(item, refusal) {
    if (!item) return;
    const said = item.querySelector(".failed") ?? document.createElement("p");
    said.className = "failed";
    said.role = "alert";
    item.append(said);
    complain(said, words.delete_failed, refusal);
  }

  /** @returns {HTMLElement | null} null if it was deleted for good meanwhile, elsewhere */
  #bringBack(id) {
    this.#count.settle(id);
    return this.#list.bringBack(id);
  }
}
