/** The next time that the page is drawn: what comes until then is done together. */

export class Frame {
  #draw;
  #isReady;
  #waiting = [];
  #request = null;

  /**
   * @param {(actions: () => void) => void} [draw] is given what is to be done
   * @param {() => boolean} [isReady] whether it can be done in this frame; else in a later one
   */
  constructor(draw = (actions) => actions(), isReady = () => true) {
    this.#draw = draw;
    this.#isReady = isReady;
    addEventListener("visibilitychange", () => this.#flush());
  }

  /** Does something in it, in the order in which it was asked for. */
  soon(action) {
    this.#waiting.push(action);
    // Who does not look gets no frames: what waits for one would pile up.
    if (document.hidden) this.#flush();
    else this.#request ??= requestAnimationFrame(() => this.#take());
  }

  #take() {
    this.#request = null;
    if (this.#isReady()) this.#flush();
    else this.#request = requestAnimationFrame(() => this.#take());
  }

  #flush() {
    cancelAnimationFrame(this.#request);
    this.#request = null;
    const actions = this.#waiting.splice(0);
    if (actions.length) this.#draw(() => actions.forEach((action) => action()));
  }
}
