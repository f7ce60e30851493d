/** What somebody has typed and not sent: kept in their browser, for a book and a person. */

const PREFIX = "livria-draft";

export class Draft {
  #name;

  /** @param {DOMStringMap} page @param {string | number} [review] that is edited, if one is */
  constructor(page, review = "new") {
    this.#name = [PREFIX, page.user, page.book, review].join(":");
  }

  /** @returns {object | null} what was kept */
  read() {
    return attempt(() => JSON.parse(localStorage.getItem(this.#name)));
  }

  /** @param {{content: string}} typed with whatever belongs to it */
  keep(typed) {
    if (!typed.content) this.clear();
    else attempt(() => localStorage.setItem(this.#name, JSON.stringify(typed)));
  }

  clear() {
    attempt(() => localStorage.removeItem(this.#name));
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
