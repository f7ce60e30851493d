/** What somebody has typed and not sent: kept in their browser, for a book and a person. */

const PREFIX = "livria-draft";

export class Draft {
  #name;
  /** @type {string | null} as this tab has written or read it; another tab may have since */
  #own = null;

  /** @param {DOMStringMap} page @param {string | number} [review] that is edited, if one is */
  constructor(page, review = "new") {
    this.#name = [PREFIX, page.user, page.book, review].join(":");
  }

  /** Whether anything is kept. */
  get exists() {
    return this.#stored() !== null;
  }

  /** @returns {object | null} what was kept */
  read() {
    this.#own = this.#stored();
    return attempt(() => JSON.parse(this.#own));
  }

  /** @param {{content: string}} typed just now, with whatever belongs to it */
  keep(typed) {
    if (!typed.content) return this.clear();
    this.#own = JSON.stringify(typed);
    attempt(() => localStorage.setItem(this.#name, this.#own));
  }

  /** The same when nothing was typed: what was, in another tab, stays. */
  renew(typed) {
    const stored = this.#stored();
    if (stored === null || stored === this.#own) this.keep(typed);
  }

  /** Forgets it, unless it is another tab's. */
  clear() {
    if (this.#stored() === this.#own) this.forget();
  }

  /** Forgets it, whosever it is: nobody can use it any more. */
  forget() {
    attempt(() => localStorage.removeItem(this.#name));
  }

  #stored() {
    return attempt(() => localStorage.getItem(this.#name));
  }
}

/** Who signs out leaves nothing behind for the next person at the machine. */
export function forgetDrafts() {
  const drafts = attempt(() => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)));
  for (const name of drafts ?? []) attempt(() => localStorage.removeItem(name));
}

/** A browser may keep nothing, or have no room: then a draft is as lasting as the page. */
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
