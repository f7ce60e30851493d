/** Editing a review in its place. What was typed is kept until it is saved or cancelled. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { Edit } from "./edit.js";
import { focusOn } from "./focus.js";
import { submitByKeys } from "./keys.js";
import { words } from "./words.js";

export class Editing {
  #page;
  #list;
  #stage;
  #announcer;
  #onClose;

  /** @param {{page: DOMStringMap, list: object, stage: object, announcer: object}} parts */
  constructor({ page, list, stage, announcer }, onClose) {
    this.#page = page;
    this.#list = list;
    this.#stage = stage;
    this.#announcer = announcer;
    this.#onClose = onClose;
  }

  /** Opens the form of an item, unless it is open. */
  open(item) {
    if (item.querySelector("form")) return;
    const edit = new Edit(item, this.#page);
    const { form } = edit;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(edit);
    });
    const cancel = () => this.#stage.now(() => this.#close(edit));
    form.querySelector("[data-action=cancel]").addEventListener("click", cancel);
    form.addEventListener("keydown", ({ key }) => {
      // What was typed is not lost by a key.
      if (key === "Escape" && edit.isUntouched) cancel();
    });
    submitByKeys(form);
    this.#stage.now(() => edit.begin());
    edit.focus();
  }

  async #save(edit) {
    const content = edit.send();
    if (content === null) return;
    try {
      const address = `/api/reviews/${edit.item.dataset.id}/`;
      const review = await request("PATCH", address, { body: { content } });
      await this.#stage.soon(() => {
        this.#list.upsert(review, review.position);
        edit.settle({ isSaved: true });
        if (edit.text === content) this.#close(edit);
      });
      this.#announcer.say(words.saved);
    } catch (refusal) {
      this.#stage.soon(() => {
        edit.settle({ isSaved: false });
        complain(edit.form.querySelector(".failed"), words.update_failed, refusal);
      });
    }
  }

  #close(edit) {
    const { item, form } = edit;
    const hadFocus = form.contains(document.activeElement);
    edit.end();
    this.#list.markDraft(item);
    if (hadFocus) focusOn(item.querySelector("[data-action=edit]"));
    this.#list.letGo(item);
    this.#onClose();
  }
}
