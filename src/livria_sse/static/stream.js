/**
 * The stream: an EventSource that is kept open, whatever happens to it.
 *
 * EventSource gives up for good when a proxy answers with an error, does not notice a connection
 * that died in silence, and has no word for a proxy that holds everything back. All that is mended
 * here, and in one way: it is closed, and another is opened from the last position.
 */

import { about, pauseAfter, seenAfter, silenceAfter } from "./patience.js";

const EVENTS = [
  "review.created",
  "review.updated",
  "review.deleted",
  "stream.ready",
  "stream.reset",
  "stream.heartbeat",
  "stream.viewers",
];

export class Stream {
  #patience;
  #listener;
  #source = null;
  #failures = 0;
  #heard = 0; // when, by the clock: it goes on while the machine sleeps
  /** @type {number} how long it may be silent when somebody looks */
  #seen;
  #isAnswered = true; // false: it was opened, and nothing has come
  #polling = null; // what stands for the present polling
  #waiting;
  #reopening;

  /**
   * @param {typeof import("./patience.js").PATIENCE} patience
   * @param {object} listener
   * @param {() => EventSource} listener.connect opens one from where the listener stands
   * @param {(event: object, id: string) => void} listener.onEvent
   * @param {(state: "live" | "reconnecting" | "polling") => void} listener.onState
   * @param {() => Promise<void>} listener.poll asks for what the stream would tell
   */
  constructor(patience, listener) {
    this.#patience = patience;
    this.#listener = listener;
    /** @type {number} how long it may be silent */
    this.silence = patience.silence;
    this.#seen = patience.seen;
  }

  /** Opens it, or opens it anew. */
  open() {
    this.#drop();
    // It may be another server, of another interval.
    this.silence = this.#patience.silence;
    this.#seen = this.#patience.seen;
    this.#listen(this.#listener.connect());
    if (this.#polling) this.#wait(this.#patience.again, () => this.open());
    else if (this.#isAnswered) this.#wait(this.#patience.first, () => this.#resort());
    this.#isAnswered = false;
  }

  close() {
    this.#drop();
    clearTimeout(this.#waiting);
    this.#polling = null;
    this.#isAnswered = true;
  }

  /** Somebody looks: a stream that seems dead is not waited for any longer. */
  look() {
    const silence = Math.abs(Date.now() - this.#heard); // clocks may be set back, too
    if (this.#isAnswered && this.#source && silence > this.#seen) this.#reopen();
  }

  #listen(source) {
    this.#source = source;
    for (const type of EVENTS) {
      source.addEventListener(type, (event) => this.#hear(JSON.parse(event.data), event.lastEventId));
    }
    source.addEventListener("stream.busy", () => this.#yield());
    source.addEventListener("error", () => this.#fail());
  }

  #hear(event, id) {
    this.#heed();
    if (event.interval) this.#expect(event.interval);
    this.#wait(this.silence, () => this.#reopen());
    if (event.type === "stream.ready") {
      this.#failures = 0;
      this.#listener.onState("live");
    }
    this.#listener.onEvent(event, id);
  }

  /** Heartbeats are so many seconds apart. */
  #expect(interval) {
    this.silence = silenceAfter(interval, this.#patience);
    this.#seen = seenAfter(interval, this.#patience);
  }

  /** Something came: nobody holds it back. */
  #heed() {
    this.#heard = Date.now();
    this.#isAnswered = true;
    this.#polling = null;
    clearTimeout(this.#waiting);
  }

  /** The server has no place, and is not to be asked for anything else meanwhile. */
  #yield() {
    this.#heed();
    this.#reopenAfter(about(this.#patience.busy));
  }

  #fail() {
    // EventSource does not say with what it was refused. Asking in another way, one learns it.
    if (this.#source.readyState === EventSource.CLOSED) this.#listener.poll().catch(() => {});
    this.#reopenAfter(pauseAfter(this.#failures++, this.#patience));
  }

  #reopenAfter(pause) {
    this.#drop();
    if (!this.#polling) this.#listener.onState("reconnecting");
    this.#reopening = setTimeout(() => this.open(), pause);
  }

  #reopen() {
    this.#listener.onState("reconnecting");
    this.open();
  }

  #resort() {
    this.#polling = {};
    this.#poll(this.#polling);
    this.#wait(this.#patience.again, () => this.open());
  }

  async #poll(polling) {
    const worked = await this.#listener.poll().then(
      () => true,
      () => false,
    );
    if (this.#polling !== polling) return;
    this.#listener.onState(worked ? "polling" : "reconnecting");
    setTimeout(() => this.#polling === polling && this.#poll(polling), about(this.#patience.poll));
  }

  #wait(milliseconds, then) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(then, milliseconds);
  }

  #drop() {
    clearTimeout(this.#reopening);
    this.#source?.close();
    this.#source = null;
  }
}
