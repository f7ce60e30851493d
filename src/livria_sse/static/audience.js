/** The audience: the tabs of a browser, and the books that they read. */

import { furthest } from "./positions.js";

/** A tab that has left so many heartbeats unanswered is frozen, or gone. */
const MOST_UNANSWERED = 2;

export class Audience {
  #tabs = new Map(); // id → { books, unanswered }

  /** What a tab says: which books it reads and where it stands in them, or that it leaves. */
  hear({ kind, from, books }) {
    if (kind === "leave") this.#tabs.delete(from);
    else this.#tabs.set(from, { books, unanswered: 0 });
  }

  /** They are about to be told of a heartbeat, which each of them answers. */
  expectAnswers() {
    for (const [tab, known] of this.#tabs) {
      if (known.unanswered++ > MOST_UNANSWERED) this.#tabs.delete(tab);
    }
  }

  /**
   * The books that somebody has open: in each, where who is furthest stands, and whether anybody
   * reads it and does not only list it; those that are read come first.
   *
   * @returns {[number, {position: string, reading: boolean}][]}
   */
  get books() {
    const open = new Map();
    for (const { books } of this.#tabs.values()) {
      for (const { book, position, reading } of books) {
        const known = open.get(book);
        open.set(book, {
          position: known ? furthest(known.position, position) : position,
          reading: reading || Boolean(known?.reading),
        });
      }
    }
    return [...open].sort(([a, one], [b, other]) => other.reading - one.reading || a - b);
  }
}
