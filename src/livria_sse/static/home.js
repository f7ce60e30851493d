/** The home page: live, in the order of the books that it came with. */

import { forgetDrafts } from "./draft.js";
import { Frame } from "./frame.js";
import { watchReviews } from "./livria-reviews.js";
import { ShelfBook } from "./shelf.js";
import { Sign } from "./sign.js";

const frame = new Frame();
const sign = new Sign();

for (const item of document.querySelectorAll("#shelf > li")) {
  const book = new ShelfBook(item);
  watchReviews({
    book: book.id,
    position: book.position,
    reading: false,
    onChange: (change) => frame.soon(() => book.apply(change)),
    onSnapshot: (found) => frame.soon(() => book.replace(found)),
    onCount: (number) => frame.soon(() => book.showCount(number)),
    onState: (state) => sign.showState(state),
  });
}

document.querySelector("form[action='/sign-out/']")?.addEventListener("submit", forgetDrafts);
