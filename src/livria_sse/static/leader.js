/**
 * The leader: what the tab does that holds the stream for all tabs of a browser.
 *
 * It follows the books of all of them, at most 50, and tells them what the stream tells. It keeps
 * no reviews: each tab knows where it stands, and asks for itself if it lacks something.
 */

import { distance, furthest, parted } from "./positions.js";
import { Stream } from "./stream.js";

const MOST_BOOKS = 50;
/** A tab that has left so many heartbeats unanswered is frozen, or gone. */
const MOST_UNANSWERED = 2;

export class Leader {
  #site;
  #tell;
  #stream;
  #state = "connecting";
  #tabs = new Map(); // id → { books, unanswered }
  #unknown = new Set(); // books that there are not
  #followed = new Map(); // of the stream: book → where it stands
  #told = new Set(); // the books of which it has told that they are followed
  #viewers = new Map(); // book → how many read it
  #reading = [];
  #turn = 0;
  #settling = null;

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

  /** What a tab says: which books it reads and where it stands in them, or that it leaves. */
  hear({ kind, from, books, asks }) {
    if (kind === "leave") this.#tabs.delete(from);
    else this.#tabs.set(from, { books, unanswered: 0 });
    if (asks) this.#beat();
    this.#settleSoon();
  }

  look() {
    this.#stream.look();
  }

  close() {
    clearTimeout(this.#settling);
    this.#stream.close();
  }

  // Which books.

  #wanted() {
    const wanted = new Map();
    for (const { books } of this.#tabs.values()) {
      for (const { book, position, reading } of books) {
        if (this.#unknown.has(book)) continue;
        const known = wanted.get(book);
        wanted.set(book, {
          position: known ? furthest(known.position, position) : position,
          reading: reading || Boolean(known?.reading),
        });
      }
    }
    const inOrder = [...wanted].sort(([a, one], [b, other]) => other.reading - one.reading || a - b);
    return new Map(inOrder.slice(0, MOST_BOOKS));
  }

  #settleSoon() {
    const wanted = this.#wanted();
    if (this.#isFollowing(wanted)) return;
    const grows = [...wanted.keys()].some((book) => !this.#followed.has(book));
    if (this.#settling && !grows) return;
    clearTimeout(this.#settling);
    const { gather, shrink } = this.#site.patience;
    this.#settling = setTimeout(() => this.#settle(), grows ? gather : shrink);
  }

  #settle() {
    this.#settling = null;
    const wanted = this.#wanted();
    if (this.#isFollowing(wanted)) return;
    const stood = this.#followed;
    this.#followed = new Map();
    for (const [book, { position }] of wanted) {
      this.#followed.set(book, stood.get(book) ?? position);
    }
    this.#reading = readingOf(wanted);
    this.#told = new Set([...this.#told].filter((book) => wanted.has(book)));
    this.#viewers = new Map([...this.#viewers].filter(([book]) => wanted.has(book)));
    if (wanted.size) this.#stream.open();
    else this.#stream.close();
  }

  #isFollowing(wanted) {
    const books = (map) => [...map.keys()].join();
    return books(wanted) === books(this.#followed) && String(readingOf(wanted)) === String(this.#reading);
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
    for (const [tab, known] of this.#tabs) {
      if (known.unanswered++ > MOST_UNANSWERED) this.#tabs.delete(tab);
    }
    this.#beat({ exact: true });
    this.#settleSoon();
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
    this.#tell({ kind: "beat", state: this.#state, positions, viewers: this.#viewers, exact });
  }

  /** Asks for what the stream does not tell: of books that are read, and of one other in turn. */
  async #poll() {
    const listed = [...this.#followed.keys()].filter((book) => !this.#reading.includes(book));
    const other = listed[this.#turn++ % listed.length];
    for (const book of [...this.#reading, other]) {
      if (this.#followed.has(book)) await this.#ask(book);
    }
  }

  async #ask(book) {
    const after = this.#followed.get(book);
    try {
      const difference = await this.#site.changes(book, after);
      if (this.#followed.get(book) === after) this.#followed.set(book, difference.position);
      this.#tell({ kind: "difference", book, after, difference });
    } catch (error) {
      if (!error.isUnknown) throw error;
      this.#unknown.add(book);
      this.#settleSoon();
    }
  }
}

function readingOf(wanted) {
  return [...wanted].filter(([, { reading }]) => reading).map(([book]) => book);
}
