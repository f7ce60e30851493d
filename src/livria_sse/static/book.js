/** The page of a book: live, and used in place. Without it, the same page works by links and forms. */

import { Announcer } from "./announcer.js";
import { Arrivals } from "./arrivals.js";
import { request } from "./api.js";
import { Count } from "./count.js";
import { Deletion } from "./deletion.js";
import { forgetDrafts } from "./draft.js";
import { Editing } from "./editing.js";
import { opensElsewhere } from "./keys.js";
import { ReviewList } from "./list.js";
import { watchReviews } from "./livria-reviews.js";
import { Notice } from "./notice.js";
import { Older } from "./older.js";
import { Sign } from "./sign.js";
import { Stage } from "./stage.js";
import { Writing } from "./writing.js";

const page = document.getElementById("book").dataset;
const list = new ReviewList(page);
const parts = {
  page,
  list,
  stage: new Stage(document.getElementById("reviews"), list.element),
  count: new Count(Number(page.count), page.position),
  notice: new Notice(),
  announcer: new Announcer(document.getElementById("said")),
};
const arrivals = new Arrivals(parts);
const editing = new Editing(parts, () => arrivals.settle());
const deletion = new Deletion(parts);
const sign = new Sign();

new Older(parts);
if (document.getElementById("write")) new Writing(parts);

list.element.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-action]");
  if (!link || opensElsewhere(event)) return;
  event.preventDefault();
  const item = link.closest(".review");
  if (link.dataset.action === "edit") editing.open(item);
  else deletion.begin(item);
});

document.querySelector("form[action='/sign-out/']")?.addEventListener("submit", forgetDrafts);

/** Shows the reviews of this page as they are now, given the book with its newest ones. */
async function refresh(book) {
  showCount(book.review_count, book.position);
  if (page.newest === "yes") {
    arrivals.replace(book.reviews, book.position, book.reviews.length < book.review_count);
    return;
  }
  const address = `/api/reviews/?book=${page.book}&before=${page.before}&limit=20`;
  const older = await request("GET", address).catch(() => null);
  if (older) arrivals.replace(older.reviews, older.position, older.next !== null);
}

function showCount(number, position) {
  parts.stage.soon(() => parts.count.show(number, position));
}

watchReviews({
  book: Number(page.book),
  position: page.position,
  onChange: (change) => arrivals.take(change),
  onSnapshot: refresh,
  onCount: showCount,
  onViewers: (number) => sign.showViewers(number),
  onState: (state) => sign.showState(state),
});
