/** The home page: live, in the order of the books that it came with. */

import { forgetDrafts } from "./draft.js";
import { Frame } from "./frame.js";
import { watchReviews } from "./livria-reviews.js";
import { ShelfBook } from "./shelf.js";
import { Sign } from "./sign.js";

const WORST_LAST = ["unknown", "live", "polling", "connecting", "reconnecting", "offline"];

const frame = new Frame();
const sign = new Sign();
const states = new Map();

/** One sign for all books: that of the one that is followed worst. */
function showState(book, state) {
  states.set(book, state);
  sign.showState(WORST_LAST.findLast((each) => [...states.values()].includes(each)));
}

for (const item of document.querySelectorAll("#shelf > li")) {
  const book = new ShelfBook(item);
  watchReviews({
    book: book.id,
    position: book.position,
    reading: false,
    onChange: (change) => frame.soon(() => book.apply(change)),
    onSnapshot: (found) => frame.soon(() => book.replace(found)),
    onCount: (number) => frame.soon(() => book.showCount(number)),
    onState: (state) => showState(book.id, state),
  });
}

document.querySelector("form[action='/sign-out/']")?.addEventListener("submit", forgetDrafts);
