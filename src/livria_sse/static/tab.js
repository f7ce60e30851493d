/**
 * A tab: the readers of one page, and its part among the tabs of the browser.
 *
 * The tabs elect a leader, by a lock, which holds the one stream for all and tells the others by a
 * channel. Where a browser has no locks or no channels, each tab is its own leader. A tab takes
 * part as long as it can be seen, or was until lately; to be frozen, put away, offline and closed
 * is all the same: it leaves, and when it is back it joins like a new one.
 */

import { Leader } from "./leader.js";

export class Tab {
  #site;
  #id = Math.random().toString(36).slice(2);
  #readers = new Set();
  #isJoined = false;
  #isOffline = !navigator.onLine;
  #isAway = false; // frozen, put away or closed, after which it is said to be hidden, too
  #channel = null;
  #candidacy = null; // to lead; aborted, it is withdrawn, or given up
  #leader = null; // if it is this tab
  #numbered = 0; // what it told as the leader
  #heard = {}; // the last message of a leader
  #silence; // how long a leader may say nothing
  #waiting;
  #sleeping;

  /** @param {import("./site.js").Site} site */
  constructor(site) {
    this.#site = site;
    this.#silence = site.patience.silence;
    const see = () => this.#see();
    const goAway = () => this.#goAway();
    const comeBack = () => this.#comeBack();
    addEventListener("pageshow", comeBack);
    addEventListener("pagehide", goAway);
    document.addEventListener("visibilitychange", see);
    document.addEventListener("resume", comeBack);
    document.addEventListener("freeze", goAway);
    addEventListener("online", see);
    addEventListener("offline", () => this.#goOffline());
  }

  add(reader) {
    this.#readers.add(reader);
    if (this.#isOffline) reader.goOffline();
    else if (this.#isJoined) reader.join();
    else this.#see();
    if (this.#isJoined) this.announce({ asks: true });
  }

  remove(reader) {
    reader.leave();
    this.#readers.delete(reader);
    if (this.#readers.size) this.announce();
    else this.#leave();
  }

  /** Says what it reads, and where it stands. `asks`: it wants to be answered. */
  announce({ asks = false } = {}) {
    if (!this.#isJoined) return;
    const standing = [...this.#readers].filter((reader) => reader.position);
    const books = standing.map(({ book, position, reading }) => ({ book, position, reading }));
    this.#post({ kind: "here", from: this.#id, books, asks });
  }

  // Coming and going.

  #see() {
    this.#isOffline &&= !navigator.onLine;
    clearTimeout(this.#sleeping);
    if (document.hidden) this.#sleeping = setTimeout(() => this.#leave(), this.#site.patience.hidden);
    for (const reader of this.#readers) reader.look();
    if (!this.#isJoined) this.#join();
    else if (this.#leader) this.#leader.look();
    else this.#greet();
  }

  #join() {
    if (this.#isOffline || this.#isAway || !this.#readers.size) return;
    this.#isJoined = true;
    for (const reader of this.#readers) reader.join();
    if (!navigator.locks || !globalThis.BroadcastChannel) {
      this.#lead();
      return;
    }
    this.#channel = new BroadcastChannel(this.#site.name);
    this.#channel.addEventListener("message", ({ data }) => this.#hear(data));
    this.#stand();
    this.#greet();
  }

  #leave() {
    if (!this.#isJoined) return;
    this.#post({ kind: "leave", from: this.#id });
    this.#isJoined = false;
    clearTimeout(this.#waiting);
    this.#resign();
    this.#candidacy?.abort();
    this.#channel?.close();
    this.#channel = null;
    for (const reader of this.#readers) reader.leave();
  }

  #goAway() {
    this.#isAway = true;
    this.#leave();
  }

  #comeBack() {
    this.#isAway = false;
    this.#see();
  }

  #goOffline() {
    this.#isOffline = true;
    this.#leave();
    for (const reader of this.#readers) reader.goOffline();
  }

  // The election.

  /** Leads as soon as nobody else does, or at once in place of one who does not answer. */
  #stand({ steal = false } = {}) {
    this.#candidacy?.abort();
    const candidacy = new AbortController();
    const { signal } = candidacy;
    this.#candidacy = candidacy;
    const held = () =>
      new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
        if (signal.aborted) resolve(); // it has left before it was elected
        else this.#lead();
      });
    navigator.locks.request(this.#site.name, steal ? { steal } : { signal }, held).catch((error) => {
      if (signal.aborted) return;
      if (error.name === "AbortError") this.#giveWay();
      else this.#lead(); // locks are forbidden here
    });
  }

  /** Another tab has taken its place. */
  #giveWay() {
    this.#resign();
    this.#stand();
    this.#greet();
  }

  #lead() {
    clearTimeout(this.#waiting);
    this.#leader = new Leader(this.#site, (message) => this.#tell(message));
    this.#tell({ kind: "lead" });
  }

  #resign() {
    this.#leader?.close();
    this.#leader = null;
  }

  /** Asks the leader for a sign of life. */
  #greet() {
    this.announce({ asks: true });
    this.#wait(this.#site.patience.answer, () => this.#stand({ steal: true }));
  }

  // What tabs say to each other.

  #tell(message) {
    const numbered = { ...message, from: this.#id, number: this.#numbered++ };
    this.#channel?.postMessage(numbered);
    this.#take(numbered);
  }

  #post(message) {
    if (this.#leader) this.#leader.hear(message);
    else this.#channel?.postMessage(message);
  }

  #hear(message) {
    if (message.kind === "here" || message.kind === "leave") {
      this.#leader?.hear(message);
    } else if (!this.#leader) {
      this.#silence = message.silence ?? this.#silence;
      this.#wait(this.#silence, () => this.#greet());
      this.#take(message);
    }
  }

  #take(message) {
    const { from, number } = this.#heard;
    this.#heard = message;
    const isNext = message.from === from && message.number === number + 1;
    if (!isNext) for (const reader of this.#readers) reader.loseStep();
    if (message.kind === "lead" || message.exact) this.announce();
    for (const reader of this.#readers) reader.hear(message);
    if (message.state === "reconnecting" && !navigator.onLine) {
      queueMicrotask(() => this.#goOffline());
    }
  }

  #wait(milliseconds, then) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(then, milliseconds);
  }
}
