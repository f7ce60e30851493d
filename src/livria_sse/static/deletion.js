/** Deleting a review: it is gone at once, and for a while it can be had back. */

import { request } from "./api.js";
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
      if (this.#bringBack(id)) this.#announcer.say(words.undone);
    });
  }

  async #send(id) {
    try {
      const { position } = await request("DELETE", `/api/reviews/${id}/`, { keepalive: true });
      this.#stage.soon(() => this.#list.remove(id, position));
    } catch (refusal) {
      if (refusal.status === 404) return; // somebody else was faster
      this.#stage.soon(() => this.#bringBack(id));
      this.#notice.show(`${words.delete_failed} ${refusal.message}`);
      this.#announcer.say(words.delete_failed);
    }
  }

  /** @returns {boolean} whether it is back; it may be deleted for good meanwhile, elsewhere */
  #bringBack(id) {
    const item = this.#list.bringBack(id);
    this.#count.settle(id);
    if (item) focusOn(item);
    return item !== null;
  }
}
