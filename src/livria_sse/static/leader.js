/**
 * The leader: what the tab does that holds the stream for all tabs of a browser.
 *
 * It follows the books of all of them and tells them what the stream tells, of 50 at most; of the
 * others it asks at every heartbeat. It keeps no reviews: each tab knows where it stands, and asks
 * for itself if it lacks something.
 */

import { Audience } from "./audience.js";
import { parted } from "./positions.js";
import { Stream } from "./stream.js";

const MOST_BOOKS = 50;

export class Leader {
  #site;
  #tell;
  #stream;
  #state = "connecting";
  #audience = new Audience();
  #unknown = new Set(); // books that there are not
  #followed = new Map(); // of the stream: book → where it stands
  #surplus = new Map(); // the same of those for which there is no place on it
  #surplusState = "polling"; // of all those
  #told = new Set(); // the books of which it has told that they are followed
  #viewers = new Map(); // book → how many read it
  #reading = [];
  #settling = null;
  #isAsking = false;

  /**
   * @param {import("./site.js").Site} site
   * @param {(message: object) => void} tell tells all tabs, its own as well
   */
  constructor(site, tell) {
    this.#site = site;
    this.#tell = tell;
    this.#stream = new Stream(site.patience, {
      connect: () => this.#connect(),
      poll: () => this.#poll(),
      onEvent: (event, id) => this.#pass(event, id),
      onState: (state) => this.#say(state),
    });
  }

  /** What a tab says; `asks`: it wants to be answered. */
  hear(message) {
    this.#audience.hear(message);
    if (message.asks) {
      this.#beat();
      this.#askForUnknown(message.books);
    }
    this.#settleSoon();
  }

  look() {
    this.#stream.look();
  }

  /** Ends it. Answers that are on their way concern nobody any more. */
  close() {
    clearTimeout(this.#settling);
    this.#stream.close();
    this.#audience = new Audience();
    this.#tell = () => {};
  }

  // Which books.

  get #wanted() {
    return this.#audience.books.filter(([book]) => !this.#unknown.has(book));
  }

  #settleSoon() {
    const wanted = this.#wanted;
    if (this.#isFollowing(wanted)) return;
    const grows = wanted.some(([book]) => !this.#standing.has(book));
    if (this.#settling && !grows) return;
    clearTimeout(this.#settling);
    const { gather, shrink } = this.#site.patience;
    this.#settling = setTimeout(() => this.#settle(), grows ? gather : shrink);
  }

  #settle() {
    this.#settling = null;
    const wanted = this.#wanted;
    if (this.#isFollowing(wanted)) return;
    const stood = this.#standing;
    /** @type {[number, string][]} */
    const standing = wanted.map(([book, { position }]) => [book, stood.get(book) ?? position]);
    this.#surplus = new Map(standing.slice(MOST_BOOKS));
    this.#follow(new Map(standing.slice(0, MOST_BOOKS)), readingOf(wanted));
    if (this.#surplus.size) this.#beat();
    this.#askSurplus();
  }

  #follow(followed, reading) {
    const isSame =
      areSame(followed.keys(), this.#followed.keys()) && areSame(reading, this.#reading);
    this.#followed = followed;
    this.#reading = reading;
    if (isSame) return;
    this.#told = new Set([...this.#told].filter((book) => followed.has(book)));
    this.#viewers = new Map([...this.#viewers].filter(([book]) => followed.has(book)));
    if (followed.size) this.#stream.open();
    else this.#stream.close();
  }

  /** Where it stands in all books. */
  get #standing() {
    return new Map([...this.#followed, ...this.#surplus]);
  }

  #isFollowing(wanted) {
    const books = wanted.map(([book]) => book);
    return areSame(books, this.#standing.keys()) && areSame(readingOf(wanted), this.#reading);
  }

  #connect() {
    return this.#site.stream(this.#followed, this.#reading);
  }

  // What is told.

  #pass(event, id) {
    if (event.type === "stream.heartbeat") {
      this.#takeBeat(id);
      return;
    }
    if (event.type === "stream.viewers") this.#viewers.set(event.book, event.viewers);
    if (event.position) this.#followed.set(event.book, event.position);
    if (event.type === "stream.ready") this.#told.add(event.book);
    this.#tell({ kind: "event", event });
  }

  /** Between two heartbeats a stream may have moved on without a word: nothing was left to tell. */
  #takeBeat(id) {
    const positions = id ? parted(id) : []; // before the first id there is none
    if (positions.length === this.#followed.size) {
      [...this.#followed.keys()].forEach((book, at) => this.#followed.set(book, positions[at]));
    }
    this.#audience.expectAnswers();
    this.#beat({ exact: true });
    this.#settleSoon();
    this.#askSurplus();
  }

  #say(state) {
    if (state === this.#state) return;
    this.#state = state;
    if (state !== "live") this.#told.clear();
    this.#beat();
  }

  /** Says how it is, and where the stream stands. `exact`: it is not within a difference. */
  #beat({ exact = false } = {}) {
    const positions = new Map([...this.#followed].filter(([book]) => this.#told.has(book)));
    const surplus = new Map([...this.#surplus.keys()].map((book) => [book, this.#surplusState]));
    const told = { state: this.#state, positions, surplus, unknown: this.#unknown };
    const { silence } = this.#stream; // which is how long tabs wait for the next
    this.#tell({ kind: "beat", ...told, viewers: this.#viewers, silence, exact });
  }

  // What is asked for.

  /** Asks for what the stream would tell, and for what it would not. */
  async #poll() {
    await this.#ask([...this.#standing]);
  }

  async #askSurplus() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const state = await this.#ask([...this.#surplus]).then(
      () => "polling",
      () => "reconnecting", // at the next heartbeat
    );
    this.#isAsking = false;
    if (state === this.#surplusState) return;
    this.#surplusState = state;
    this.#beat();
  }

  /** A book may have come to be since: somebody has its page open again. */
  #askForUnknown(books) {
    const unknown = books.filter(({ book }) => this.#unknown.has(book));
    this.#ask(unknown.map(({ book, position }) => [book, position])).catch(() => {});
  }

  async #ask(standing) {
    for (let from = 0; from < standing.length; from += MOST_BOOKS) {
      await this.#askAtOnce(new Map(standing.slice(from, from + MOST_BOOKS)));
    }
  }

  async #askAtOnce(asked) {
    try {
      for (const difference of await this.#site.changesInAll(asked)) {
        this.#passOn(difference, asked.get(difference.book));
      }
    } catch (error) {
      if (!error.isUnknown) throw error;
      // One of them is, and the answer does not tell which.
      if (asked.size > 1) for (const one of asked) await this.#askAtOnce(new Map([one]));
      else this.#forget(...asked.keys());
    }
  }

  #passOn(difference, after) {
    const { book, position } = difference;
    for (const standing of [this.#followed, this.#surplus]) {
      if (standing.get(book) === after) standing.set(book, position);
    }
    this.#tell({ kind: "difference", book, after, difference });
    if (this.#unknown.delete(book)) this.#settleSoon();
  }

  /** There is no such book. */
  #forget(book) {
    if (this.#unknown.has(book)) return;
    this.#unknown.add(book);
    this.#beat();
    this.#settleSoon();
  }
}

/** The books on the stream that somebody reads, and does not only list. */
function readingOf(wanted) {
  return wanted.slice(0, MOST_BOOKS).filter(([, { reading }]) => reading).map(([book]) => book);
}

function areSame(books, others) {
  return String([...books]) === String([...others]);
}
