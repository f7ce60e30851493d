/**
 * The part of a page that changes by itself. What is first in view stays where it is, and what has
 * to move glides there: nothing jumps under the eyes of a reader.
 *
 * Browsers hold a page by themselves, but not all do, none does at its top, and none says how far
 * it went; in this part of the page they leave it to us (`overflow-anchor` in the style sheet).
 */

import { Frame } from "./frame.js";

const GLIDE = { duration: 200, easing: "ease-out" };
// One frame of the old place is left: a jump, for those who do not want to see things move.
const JUMP = { duration: 1 };

const INNER = "form > *, .review > *, .actions";

export class Stage {
  #section;
  #list;
  #glides = [];
  #frame = new Frame(
    (actions) => this.now(actions),
    () => this.#isAtRest(),
  );
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLElement} section @param {HTMLElement} list in it, whose items move one by one */
  constructor(section, list) {
    this.#section = section;
    this.#list = list;
  }

  /**
   * Does something in the next frame in which all is at rest, with all else until then.
   *
   * @returns {Promise<*>} what comes of it
   */
  soon(action) {
    return new Promise((done) => this.#frame.soon(() => done(action())));
  }

  /** Does something at once, as the reader wishes. */
  now(action) {
    if (document.hidden) {
      action();
      return;
    }
    const seen = this.#places();
    for (const glide of this.#glides.splice(0)) glide.cancel();
    const before = this.#places();
    action();
    this.#hold(before);
    this.#glide(seen);
  }

  /** @returns {Map<Element, DOMRect>} */
  #places() {
    return new Map(this.#parts().map((part) => [part, part.getBoundingClientRect()]));
  }

  /** Whether the last frame, too, was at rest: what moves from there on moves from where it was. */
  #isAtRest() {
    const wasAtRest = this.#glides.length === 0;
    this.#glides = this.#glides.filter((glide) => glide.playState === "running");
    return wasAtRest;
  }

  /** What can move: the blocks of the section, the items of the list, and what is in them. */
  #parts() {
    const inner = this.#section.querySelectorAll(INNER);
    return [...this.#section.children, ...this.#list.children, ...inner];
  }

  /** Scrolls by as much as the first block in view was moved. */
  #hold(before) {
    const blocks = [...this.#section.children, ...this.#list.children];
    const inView = blocks
      .filter((block) => block !== this.#list && isShown(block) && before.get(block)?.bottom > 0)
      .sort((one, other) => before.get(one).top - before.get(other).top);
    if (!inView.length) return;
    const moved = inView[0].getBoundingClientRect().top - before.get(inView[0]).top;
    if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
  }

  #glide(seen) {
    const ways = new Map();
    for (const part of this.#parts().filter((each) => seen.has(each) && isShown(each))) {
      const [from, to] = [seen.get(part), part.getBoundingClientRect()];
      const isSeen = from.height > 0 && (this.#isInView(part, from) || this.#isInView(part, to));
      ways.set(part, isSeen ? from.top - to.top : 0);
    }
    for (const [part, way] of ways) {
      const own = way - carried(part, ways);
      if (Math.abs(own) < 0.5) continue;
      const path = [{ transform: `translateY(${own}px)` }, { transform: "none" }];
      this.#glides.push(part.animate(path, this.#calm.matches ? JUMP : GLIDE));
    }
  }

  /** Of the list only its top can move: the rest of it are its items. */
  #isInView(part, { top, bottom }) {
    return (part === this.#list ? top : bottom) > 0 && top < innerHeight;
  }
}

/** How far a part is moved by what it is in. */
function carried(part, ways) {
  let outer = part.parentElement;
  while (outer && !ways.has(outer)) outer = outer.parentElement;
  return outer ? ways.get(outer) : 0;
}

function isShown(block) {
  return block.isConnected && !block.hidden;
}
