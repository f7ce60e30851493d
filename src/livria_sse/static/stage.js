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

export class Stage {
  #section;
  #list;
  #frame = new Frame((actions) => this.now(actions));
  #glides = [];
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLElement} section @param {HTMLElement} list in it, whose items move one by one */
  constructor(section, list) {
    this.#section = section;
    this.#list = list;
  }

  /** Does something in the next frame, together with all else until then. */
  soon(action) {
    this.#frame.soon(action);
  }

  /** Does something now that may move what is shown. */
  now(action) {
    if (document.hidden) {
      action();
      return;
    }
    const before = new Map(this.#blocks().map((block) => [block, block.getBoundingClientRect()]));
    for (const glide of this.#glides.splice(0)) glide.cancel();
    action();
    this.#hold(before);
    this.#glide(before);
  }

  #blocks() {
    const others = [...this.#section.children].filter((child) => child !== this.#list);
    return [...others, ...this.#list.children].filter((block) => !block.hidden);
  }

  /** Scrolls by as much as the first block in view was moved. */
  #hold(before) {
    const inView = this.#blocks()
      .filter((block) => before.get(block)?.bottom > 0)
      .sort((one, other) => before.get(one).top - before.get(other).top);
    if (!inView.length) return;
    const moved = inView[0].getBoundingClientRect().top - before.get(inView[0]).top;
    if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
  }

  #glide(before) {
    const moved = this.#blocks()
      .filter((block) => before.has(block))
      .map((block) => ({ block, from: before.get(block), to: block.getBoundingClientRect() }))
      .filter(({ from, to }) => Math.abs(from.top - to.top) >= 1 && (isInView(from) || isInView(to)));
    for (const { block, from, to } of moved) {
      const path = [{ transform: `translateY(${from.top - to.top}px)` }, { transform: "none" }];
      this.#glides.push(block.animate(path, this.#calm.matches ? JUMP : GLIDE));
    }
  }
}

function isInView({ top, bottom }) {
  return bottom > 0 && top < innerHeight;
}
