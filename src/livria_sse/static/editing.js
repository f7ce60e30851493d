/** Editing a review in its place. What was typed is kept until it is saved or cancelled. */

import { request } from "./api.js";
import { complain } from "./complaint.js";
import { Draft } from "./draft.js";
import { focusOn } from "./focus.js";
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
    form.querySelector("[data-action=cancel]").addEventListener("click", () => {
      this.#close(item, form, draft);
    });
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
      const review = await request("PATCH", `/api/reviews/${item.dataset.id}/`, {
        body: { content },
      });
      this.#stage.now(() => this.#list.upsert(review, review.position));
      this.#announcer.say(words.saved);
      if (form.elements.content.value === content) this.#close(item, form, draft);
    } catch (refusal) {
      this.#stage.now(() => complain(form.querySelector(".failed"), words.update_failed, refusal));
    } finally {
      form.ariaBusy = null;
    }
  }

  #close(item, form, draft) {
    draft.clear();
    this.#stage.now(() => {
      const hadFocus = form.contains(document.activeElement);
      form.remove();
      item.querySelector(".content").hidden = false;
      if (hadFocus) focusOn(item.querySelector("[data-action=edit]"));
      this.#list.letGo(item);
    });
    this.#onClose();
  }
}
