/** The service, as a page asks it. */

import { joined } from "./positions.js";

/** The service has answered, and not with what was asked for. */
export class Refused extends Error {
  constructor(answer) {
    super(`${answer.url} answers ${answer.status}`);
    // In the service's own words: a proxy says 404, too, when there is nothing behind it.
    const told = answer.headers.get("Content-Type") ?? "";
    const isOurs = told.startsWith("application/problem+json");
    // Of a book that the query names it says 422; 404 is a server's that has no such address yet.
    const status = answer.url.includes("?") ? 422 : 404;
    /** Whether there is no such book: it is no use to ask again. */
    this.isUnknown = isOurs && answer.status === status;
  }
}

export class Site {
  #base;
  #credentials;

  /**
   * @param {string} base its origin; empty: that of the page
   * @param {RequestCredentials} credentials
   * @param {typeof import("./patience.js").PATIENCE} patience
   */
  constructor(base, credentials, patience) {
    this.#base = new URL(base || "/", location.href).origin;
    this.#credentials = credentials;
    this.patience = patience;
    /** What the tabs of a browser have in common that use it in the same way, and speak alike. */
    this.name = `livria-reviews 2 ${this.#base} ${credentials}`;
  }

  /** The document of a book. */
  book(id) {
    return this.#get(`/api/books/${id}/`);
  }

  /** What changed in a book after a position. */
  changes(book, after) {
    return this.#get(`/api/reviews/changes/?book=${book}&after=${encodeURIComponent(after)}`);
  }

  /** What changed in several books after where one stands in each, by id. */
  async changesInAll(positions) {
    const asked = `${booksOf(positions)}&after=${idOf(positions)}`;
    return (await this.#get(`/api/books/changes/?${asked}`)).books;
  }

  /** An EventSource that begins after these positions of books, by id. */
  stream(positions, reading) {
    const named = reading.map((book) => `&reading=${book}`).join("");
    const asked = `${booksOf(positions)}${named}&last_event_id=${idOf(positions)}`;
    return new EventSource(`${this.#base}/sse/books/?${asked}`, {
      withCredentials: this.#credentials === "include",
    });
  }

  async #get(address) {
    const answer = await fetch(this.#base + address, {
      credentials: this.#credentials,
      signal: AbortSignal.timeout(this.patience.request),
    });
    if (answer.ok) return answer.json();
    throw new Refused(answer);
  }
}

function booksOf(positions) {
  return [...positions.keys()].map((book) => `book=${book}`).join("&");
}

function idOf(positions) {
  return encodeURIComponent(joined([...positions.values()]));
}
