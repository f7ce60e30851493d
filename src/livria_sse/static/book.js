/** Makes the page of a book live: follows its stream, and posts, edits and deletes in place. */

import { ReviewList } from "./list.js";
import { watchReviews } from "./livria-reviews.js";

const page = document.getElementById("book").dataset;
const words = document.getElementById("words").dataset;
const sign = document.getElementById("sign");
const failed = document.getElementById("failed");
const older = document.getElementById("older");
const writing = document.getElementById("write");
const list = new ReviewList(page, words);
// What the key of the form was last sent with: another text is another review.
let attempted = null;

// Following.

function showCount(number) {
  const form = number === 1 ? words.countOne : words.countOther;
  document.getElementById("count").textContent = form.replace("{n}", number);
  document.getElementById("empty").hidden = number > 0;
}

function apply(change) {
  if (change.type === "review.deleted") list.remove(change.review_id, change.position);
  else list.upsert(change.review, change.position);
  showCount(change.review_count);
}

/** Shows a book, and exactly that. */
function showBook(book) {
  list.clear();
  for (const review of book.reviews) list.upsert(review, book.position, { older: true });
  older.hidden = book.reviews.length >= book.review_count;
  showCount(book.review_count);
}

function showState(isLive) {
  sign.hidden = false;
  sign.textContent = isLive ? words.live : words.reconnecting;
  sign.classList.toggle("reconnecting", !isLive);
}

watchReviews({
  book: page.book,
  position: page.position,
  onChange: apply,
  onCount: showCount,
  onSnapshot: showBook,
  onState: (state) => state === "connecting" || showState(state === "live"),
});

// Writing.

async function request(method, address, body, headers = {}) {
  const answer = await fetch(address, {
    method,
    headers: body ? { "Content-Type": "application/json", ...headers } : headers,
    body: body && JSON.stringify(body),
  });
  const document = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) {
    const reasons = Object.values(document.errors).flat();
    throw new Error((reasons.length ? reasons : [document.detail]).map(inOurWords).join(" "));
  }
  document.position ??= answer.headers.get("Livria-Position");
  return document;
}

/** A reason of the API in the language of the page; nothing if there are no words for it. */
function inOurWords(reason) {
  return JSON.parse(words.reasons)[reason] ?? (words.language === "en" ? reason : "");
}

/** Does something that may fail, and says so in the page. Buttons rest meanwhile. */
async function attempt(button, sentence, action) {
  failed.hidden = true;
  if (button) button.disabled = true;
  try {
    await action();
  } catch (error) {
    failed.textContent = `${sentence} ${error.message}`;
    failed.hidden = false;
  } finally {
    if (button) button.disabled = false;
  }
}

writing?.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(writing.querySelector("button"), words.createFailed, async () => {
    const { content, key } = writing.elements;
    if (attempted !== null && attempted !== content.value) key.value = newKey();
    attempted = content.value;
    const body = { book: Number(page.book), content: content.value };
    const review = await request("POST", "/api/reviews/", body, { "Idempotency-Key": key.value });
    // The stream may have shown the review before its answer is here, and the next one is begun.
    if (content.value === body.content) content.value = "";
    key.value = newKey();
    attempted = null;
    list.upsert(review, review.position);
  });
});

function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

function edit(item) {
  if (item.querySelector("form")) return;
  const content = item.querySelector(".content");
  const form = document.getElementById("edit-template").content.firstElementChild.cloneNode(true);
  form.elements.content.value = content.textContent;
  const close = () => {
    form.remove();
    content.hidden = false;
  };
  form.querySelector("[data-action=cancel]").addEventListener("click", close);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form.querySelector("button"), words.updateFailed, async () => {
      const address = `/api/reviews/${item.dataset.id}/`;
      const body = { content: form.elements.content.value };
      const review = await request("PATCH", address, body);
      list.upsert(review, review.position);
      if (form.elements.content.value === body.content) close();
    });
  });
  content.hidden = true;
  content.after(form);
  form.elements.content.focus();
}

function remove(item) {
  if (!confirm(words.deleteQuestion)) return;
  attempt(null, words.deleteFailed, async () => {
    const { position } = await request("DELETE", `/api/reviews/${item.dataset.id}/`);
    list.remove(Number(item.dataset.id), position);
  });
}

document.getElementById("list").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-action]");
  if (!link) return;
  event.preventDefault();
  (link.dataset.action === "edit" ? edit : remove)(link.closest(".review"));
});

older.addEventListener("click", (event) => {
  event.preventDefault();
  attempt(null, "", async () => {
    const before = list.oldest ? `&before=${list.oldest}` : "";
    const address = `/api/reviews/?book=${page.book}${before}&limit=20`;
    const { reviews, next, position } = await request("GET", address);
    for (const review of reviews) list.upsert(review, position, { older: true });
    older.hidden = !next;
  });
});
