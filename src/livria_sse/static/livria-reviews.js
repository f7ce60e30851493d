/**
 * Live reviews for any page: what the server tells of a book, whatever happens to the connection.
 *
 *     import { watchReviews } from "https://livria.example/static/livria-reviews.js";
 *
 *     const watch = watchReviews({ book: 10, position, onChange: (change) => … });
 *     watch.close();
 *
 * One browser holds one connection to the site, however many tabs and books are open.
 */

import { PATIENCE } from "./patience.js";
import { Reader } from "./reader.js";
import { Site } from "./site.js";
import { Tab } from "./tab.js";

/**
 * @typedef {"connecting" | "live" | "reconnecting" | "polling" | "offline" | "unknown"} State
 *   `unknown`: there is no such book
 * @typedef {{id: number, username: string}} User
 * @typedef {{id: number, book: number, user: User, content: string, created_at: string,
 *   updated_at: string}} Review
 * @typedef {object} Change a review that was created or updated, or the id of one that was deleted
 * @property {"review.created" | "review.updated" | "review.deleted"} type
 * @property {number} book
 * @property {string} position
 * @property {number} review_count
 * @property {Review} [review]
 * @property {number} [review_id]
 */

/** @type {Map<string, Tab>} the part of this page among the tabs, one for each service */
const tabs = new Map();

/**
 * Follows the reviews of a book until it is closed.
 *
 * @param {object} options
 * @param {number} options.book its id
 * @param {string} [options.position] where the page stands; without it, the book is fetched first
 * @param {string} [options.base] the origin of the service; by default that of the page
 * @param {"same-origin" | "include"} [options.credentials] `include` sends cookies to another origin
 * @param {boolean} [options.reading] false: the book is only listed, and this page no viewer of it
 * @param {(change: Change) => void} [options.onChange] each change once, in order; a review that is
 *   created or updated may be known or not: put it where it belongs by its id
 * @param {(book: object) => void} [options.onSnapshot] the document of `GET /api/books/{id}/`, to be
 *   shown instead of all that was
 * @param {(count: number, position: string) => void} [options.onCount] how many reviews there are at
 *   a position, where no change says it
 * @param {(viewers: number) => void} [options.onViewers] how many have this book's page open
 * @param {(state: State) => void} [options.onState] how it is
 * @param {Partial<typeof PATIENCE>} [options.patience] other times than usual, in milliseconds
 * @returns {{close(): void}}
 */
export function watchReviews({
  book,
  position,
  base = "",
  credentials = "same-origin",
  reading = true,
  patience = {},
  ...listener
}) {
  const site = new Site(base, credentials, { ...PATIENCE, ...patience });
  const tab = tabs.get(site.name) ?? new Tab(site);
  tabs.set(site.name, tab);
  const where = { book: Number(book), position, reading };
  const reader = new Reader(site, where, listener, () => tab.announce({ asks: true }));
  tab.add(reader);
  return { close: () => tab.remove(reader) };
}
