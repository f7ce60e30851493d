/** Editing a review in its place. What was typed is kept until it is saved or cancelled. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { Draft } from "./draft.js";
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
    const content = item.querySelector(".content");
    const form = document.getElementById("edit-template").content.firstElementChild.cloneNode(true);
    const draft = new Draft(this.#page, item.dataset.id);
    const field = form.elements.content;
    field.value = draft.read()?.content ?? content.textContent;
    form.addEventListener("input", () => draft.keep({ content: field.value }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(item, form, draft);
    });
    const cancel = () => this.#stage.now(() => this.#close(item, form, draft));
    form.querySelector("[data-action=cancel]").addEventListener("click", cancel);
    form.addEventListener("keydown", ({ key }) => {
      // What was typed is not lost by a key.
      if (key === "Escape" && field.value === content.textContent) cancel();
    });
    submitByKeys(form);
    this.#stage.now(() => {
      content.hidden = true;
      content.after(form);
    });
    field.focus();
  }

  async #save(item, form, draft) {
    const content = form.elements.content.value;
    if (form.ariaBusy) return;
    form.ariaBusy = "true";
    try {
      const address = `/api/reviews/${item.dataset.id}/`;
      const review = await request("PATCH", address, { body: { content } });
      await this.#stage.soon(() => {
        this.#list.upsert(review, review.position);
        if (form.elements.content.value === content) this.#close(item, form, draft);
      });
      this.#announcer.say(words.saved);
    } catch (refusal) {
      const failed = form.querySelector(".failed");
      this.#stage.soon(() => complain(failed, words.update_failed, refusal));
    } finally {
      form.ariaBusy = null;
    }
  }

  #close(item, form, draft) {
    draft.clear();
    const hadFocus = form.contains(document.activeElement);
    form.remove();
    item.querySelector(".content").hidden = false;
    this.#list.markDraft(item);
    if (hadFocus) focusOn(item.querySelector("[data-action=edit]"));
    this.#list.letGo(item);
    this.#onClose();
  }
}
