/**
 * A reader: one book as a page follows it, and the position up to which the page has been told.
 *
 * What the leader tells is the difference from where the *stream* stood. A reader is in step if
 * it has heard all of it since both stood at the same position; then, whatever comes next is what
 * it lacks. One that is not takes the very next change, passes over what it has, and asks for
 * the difference from its own position in every other case. So it is the same whether a tab is
 * new, was frozen, or has lost its leader.
 */

import { pauseAfter } from "./patience.js";
import { distance } from "./positions.js";

/** More that waits is dropped; the gap shows, and is asked for. */
const MOST_WAITING = 500;

export class Reader {
  #site;
  #listener;
  #onStand;
  #state = "";
  #wasLive = false;
  #viewers;
  #isJoined = false;
  #isInStep = false;
  #isAsking = false;
  #waiting = []; // messages that came while it asked
  /** @type {(value?: any) => void} ends its present pause */
  #wake = () => {};

  /**
   * @param {import("./site.js").Site} site
   * @param {{book: number, position?: string, reading: boolean}} where
   * @param {object} listener the callbacks of `watchReviews`
   * @param {() => void} onStand its position, which was not known, is known
   */
  constructor(site, { book, position, reading }, listener, onStand) {
    this.#site = site;
    this.book = book;
    this.position = position;
    this.reading = reading;
    this.#listener = listener;
    this.#onStand = onStand;
  }

  join() {
    this.#isJoined = true;
    this.#isInStep = false;
    this.#show(this.#wasLive ? "reconnecting" : "connecting");
    if (!this.position) this.#ask();
  }

  /** Somebody looks, or the browser is online again: what it asks for in vain, it asks for now. */
  look() {
    this.#wake();
  }

  leave() {
    this.#isJoined = false;
    this.#waiting = [];
    this.#wake();
  }

  goOffline() {
    this.leave();
    this.#show("offline");
  }

  loseStep() {
    this.#isInStep = false;
  }

  /** Hears what the leader tells all tabs. */
  hear(message) {
    if (message.kind === "beat") this.#hearBeat(message);
    if ((message.event ?? message).book !== this.book) return;
    if (this.#isAsking) this.#keep(message);
    else this.#take(message);
  }

  #hearBeat({ state, positions, surplus, unknown, viewers, exact }) {
    const isUnknown = unknown.has(this.book) || (this.#state === "unknown" && !this.position);
    if (isUnknown) {
      this.#show("unknown");
      return;
    }
    const position = positions.get(this.book);
    if (viewers.has(this.book)) this.#showViewers(viewers.get(this.book));
    // A new leader connects; as long as it has not failed, nothing is lost.
    if (state === "live" && surplus.has(this.book)) this.#show(surplus.get(this.book));
    else if (state === "live" ? position : state !== "connecting") this.#show(state);
    if (!position || this.#isAsking) return;
    // The stream has moved on without a word: nothing was left to tell.
    if (exact && this.#isInStep && distance(this.position, position) > 0) this.position = position;
    this.#compare(position, exact);
  }

  #keep(message) {
    this.#waiting.push(message);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
  }

  #take({ kind, event, after, difference }) {
    if (kind === "difference") this.#takeDifference(after, difference);
    else if (event.type === "stream.ready") this.#begin(event);
    else if (event.type === "stream.reset") this.#ask();
    else if (event.type === "stream.viewers") this.#showViewers(event.viewers);
    else this.#takeChange(event);
  }

  #begin({ mode, position, review_count }) {
    this.#show("live");
    if (mode === "reset") return; // which follows
    if (position === this.position) this.#call("onCount", review_count, position);
    this.#compare(position, true);
  }

  /** Compares its position with the stream's; `exact`: that is not within a difference. */
  #compare(position, exact) {
    const ahead = distance(this.position, position);
    if (ahead === 0) this.#isInStep ||= exact;
    else if (ahead < 0) this.#isInStep = false;
    else this.#ask();
  }

  #takeChange(change) {
    const ahead = distance(this.position, change.position);
    if (ahead <= 0) return;
    if (ahead === 1 || (ahead > 1 && this.#isInStep)) this.#deliver(change);
    else this.#ask();
  }

  #takeDifference(after, difference) {
    if (!difference.reset && after === this.position) this.#apply(difference);
    else if (difference.reset || !(distance(this.position, difference.position) <= 0)) this.#ask();
  }

  #deliver(change) {
    this.position = change.position;
    this.#call("onChange", change);
  }

  #apply({ changes, position, review_count }) {
    this.#isInStep = false;
    for (const change of changes) this.#deliver(change);
    this.position = position;
    if (!changes.length) this.#call("onCount", review_count, position);
  }

  /** Asks for what it lacks until it has it. What is told meanwhile waits. */
  async #ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#isInStep = false;
    if (document.hidden) await this.#pause(Math.random() * this.#site.patience.spread);
    for (let failures = 0; this.#isJoined; failures++) {
      try {
        await this.#catchUp();
        break;
      } catch (error) {
        if (error.isUnknown) {
          this.#show("unknown");
          break;
        }
        if (!this.#isJoined) break;
        if (!this.position) this.#show("reconnecting"); // of this book, no leader knows yet
        await this.#pause(pauseAfter(failures, this.#site.patience));
      }
    }
    this.#isAsking = false;
    while (this.#waiting.length && !this.#isAsking) this.#take(this.#waiting.shift());
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  async #catchUp() {
    const stood = this.position;
    if (stood) {
      const difference = await this.#site.changes(this.book, stood);
      if (!this.#isJoined) return; // nobody wants to know any more
      if (!difference.reset) {
        this.#apply(difference);
        return;
      }
    }
    const book = await this.#site.book(this.book);
    if (!this.#isJoined) return;
    this.position = book.position;
    this.#call("onSnapshot", book);
    if (!stood) this.#onStand();
  }

  #show(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#wasLive ||= state === "live";
    this.#call("onState", state);
  }

  #showViewers(viewers) {
    if (viewers === this.#viewers) return;
    this.#viewers = viewers;
    this.#call("onViewers", viewers);
  }

  /** An error of the page's is the page's: it must not stop what follows. */
  #call(name, ...told) {
    try {
      this.#listener[name]?.(...told);
    } catch (error) {
      reportError(error);
    }
  }
}
