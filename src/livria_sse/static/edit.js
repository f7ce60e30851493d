/** An edit: the form in the place of a review's text, and what is kept of it until it ends. */

import { Draft } from "./draft.js";

export class Edit {
  #shown; // the element with the text as it is
  #field;
  #revised;
  #draft;
  /** @type {string} the text that is edited; once it is another, that is shown above the form */
  #base;
  #sent = null; // what is being saved

  /** @param {HTMLElement} item @param {DOMStringMap} page */
  constructor(item, page) {
    this.item = item;
    this.form = document.getElementById("edit-template").content.firstElementChild.cloneNode(true);
    this.#shown = item.querySelector(".content");
    this.#field = this.form.elements.content;
    this.#revised = this.form.querySelector(".revised");
    this.#draft = new Draft(page, item.dataset.id);
    const kept = this.#draft.read();
    this.#base = kept?.base ?? this.#shown.textContent;
    this.#field.value = kept?.content ?? this.#base;
    this.form.addEventListener("input", () => this.#keep());
    this.form.addEventListener("revised", ({ detail: before }) => this.#follow(before));
  }

  get text() {
    return this.#field.value;
  }

  /** Whether nothing would be lost by its end. */
  get isUntouched() {
    return this.text === this.#shown.textContent;
  }

  begin() {
    this.#shown.after(this.form);
    this.#compare();
  }

  focus() {
    this.#field.focus();
  }

  /** @returns {string | null} what is to be saved; null: something is being saved already */
  send() {
    if (this.#sent !== null) return null;
    this.form.ariaBusy = "true";
    this.#sent = this.text;
    return this.#sent;
  }

  /** It is saved, or it was refused. */
  settle({ isSaved }) {
    if (isSaved) this.#base = this.#shown.textContent;
    this.#sent = null;
    this.form.ariaBusy = null;
    this.#compare();
  }

  end() {
    this.#draft.clear();
    this.form.remove();
    this.#shown.hidden = false;
  }

  #keep() {
    if (this.isUntouched) this.#draft.clear();
    else this.#draft.keep({ content: this.text, base: this.#base });
  }

  /** The text was changed by somebody else, in another tab, or by what is being saved. */
  #follow(before) {
    if (this.text === before) this.#field.value = this.#base = this.#shown.textContent;
    this.#compare();
  }

  #compare() {
    const text = this.#shown.textContent;
    const isExpected = text === this.#base || text === this.#sent?.trim();
    this.#shown.hidden = isExpected;
    this.#revised.hidden = isExpected;
  }
}
