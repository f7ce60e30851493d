/**
 * The stream of a book: an EventSource that is kept open, whatever happens to it.
 *
 * EventSource reconnects by itself and says where it was, but it gives up for good when a proxy
 * answers with an error, and it does not notice a connection that died in silence. Both are mended
 * here. A change may come that the page has seen, or of a review that it has not: upsert by id.
 */

const HEARTBEAT_LIMIT = 65_000; // twice the longest interval that a server can be set to
const LONGEST_PAUSE = 30_000;
const CHANGES = ["review.created", "review.updated", "review.deleted"];

export class Stream {
  #url;
  #position;
  #listener;
  #source = null;
  #reopening = null;
  #failures = 0;
  #heard = 0;

  /**
   * @param {string} url of the stream
   * @param {string} position from which it begins
   * @param {{onChange(change: object): void, onReset(): Promise<string>, onState(live: boolean): void}} listener
   *   `onReset` fetches the book again and resolves to the position of what it fetched.
   */
  constructor(url, position, listener) {
    this.#url = url;
    this.#position = position;
    this.#listener = listener;
    setInterval(() => this.#watch(), 5_000);
    addEventListener("offline", () => this.#lose());
    addEventListener("online", () => this.#reopen());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#reopen());
    addEventListener("visibilitychange", () => document.hidden || this.#watch());
    this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(`${this.#url}?last_event_id=${encodeURIComponent(this.#position)}`);
    this.#source = source;
    this.#heard = Date.now();
    source.addEventListener("stream.ready", (event) => {
      const ready = JSON.parse(event.data);
      if (ready.mode !== "reset") this.#failures = 0;
      this.#listener.onCount(ready.review_count);
      this.#hear(event);
      this.#listener.onState(true);
    });
    for (const type of CHANGES) {
      source.addEventListener(type, (event) => {
        this.#listener.onChange(JSON.parse(event.data));
        this.#hear(event);
      });
    }
    source.addEventListener("stream.heartbeat", (event) => this.#hear(event));
    source.addEventListener("stream.reset", () => this.#reset());
    source.addEventListener("error", () => {
      this.#listener.onState(false);
      if (source.readyState === EventSource.CLOSED) this.#reopenLater();
    });
  }

  #hear(event) {
    this.#heard = Date.now();
    this.#position = event.lastEventId || this.#position;
  }

  async #reset() {
    // Closed meanwhile: a change must not come between the old list and the new one.
    this.#lose();
    try {
      this.#position = await this.#listener.onReset();
      this.#open();
    } catch {
      this.#reopenLater();
    }
  }

  /** Offline, a connection stays open in silence; what comes after it is asked for again. */
  #lose() {
    this.#close();
    this.#listener.onState(false);
  }

  #watch() {
    const silent = Date.now() - this.#heard > HEARTBEAT_LIMIT;
    if (this.#source && silent) this.#reopen();
  }

  #reopen() {
    this.#listener.onState(false);
    this.#open();
  }

  #reopenLater() {
    this.#close();
    const longest = Math.min(LONGEST_PAUSE, 1_000 * 2 ** this.#failures++);
    this.#reopening = setTimeout(() => this.#open(), 250 + Math.random() * longest);
  }

  #close() {
    clearTimeout(this.#reopening);
    this.#source?.close();
    this.#source = null;
  }
}
