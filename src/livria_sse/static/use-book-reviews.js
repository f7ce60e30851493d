/**
 * The reviews of a book in a Vue 3 component, live.
 *
 *     const { book, state } = useBookReviews(() => route.params.id, { base: "http://localhost:8000" });
 *
 * `book` is the document of `GET /api/books/{id}/`, kept as it would be answered now: `reviews`
 * newest first, `review_count`. Like that answer, it begins with the newest reviews only; `older`
 * adds those below them.
 */

import { getCurrentInstance, onActivated, onDeactivated, ref, toValue, watch } from "vue";
import { watchReviews } from "./livria-reviews.js";
import { distance } from "./positions.js";

/**
 * @typedef {import("./livria-reviews.js").State} State
 * @typedef {import("./livria-reviews.js").Review} Review
 * @typedef {{ id: number, title: string, author: string, description: string, cover: string,
 *   reviews: Review[], review_count: number, position: string }} Book
 */

/**
 * Follows a book for as long as the component is on the page.
 *
 * @param {import("vue").MaybeRefOrGetter<number | string | undefined>} bookId may change
 * @param {{ base?: string, credentials?: "same-origin" | "include" }} [options] where the service is,
 *   if it is another origin, and whether cookies go there
 * @returns {{
 *   book: import("vue").Ref<Book | null>,
 *   viewers: import("vue").Ref<number | null>,
 *   state: import("vue").Ref<State>,
 *   hasOlder: import("vue").Ref<boolean>,
 *   older: () => Promise<void>,
 *   refresh: () => Promise<void>,
 * }} `book` is null until it is here; `viewers`, until the service has told. `refresh` is for who
 *   has written while the state is not live, and would wait for the stream; it never fails.
 */
export function useBookReviews(bookId, { base = "", credentials = "same-origin" } = {}) {
  const book = ref(null);
  const viewers = ref(null);
  /** @type {import("vue").Ref<State>} */
  const state = ref("connecting");
  const hasOlder = ref(false);
  const onPage = useOnPage();
  // What changes while older reviews are on their way may be newer than they are.
  let meanwhile = null;

  function show(document) {
    meanwhile = null;
    book.value = document;
    hasOlder.value = document.reviews.length < document.review_count;
  }

  function take(change) {
    if (!isNewer(change, book.value)) return; // `refresh` was quicker
    meanwhile?.push(change);
    apply(book.value, change, hasOlder.value);
  }

  function count(number, position) {
    if (book.value && !isNewer(book.value, { position })) book.value.review_count = number;
  }

  function follow(id) {
    const known = book.value?.id === id;
    if (!known) meanwhile = book.value = viewers.value = null;
    return watchReviews({
      book: id,
      position: known ? book.value.position : undefined,
      base,
      credentials,
      onSnapshot: show,
      onChange: take,
      onCount: count,
      onViewers: (number) => (viewers.value = number),
      onState: (word) => (state.value = word),
    });
  }

  async function get(address) {
    const answer = await fetch(`${base}/api/${address}`, { credentials });
    if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
    return answer.json();
  }

  async function refresh() {
    if (!book.value) return; // it is on its way, and will be new
    const { id, position } = book.value;
    try {
      const difference = await get(`reviews/changes/?book=${id}&after=${position}`);
      const document = difference.reset ? await get(`books/${id}/`) : null;
      if (book.value?.id !== id) return;
      if (!document) difference.changes.forEach(take);
      else if (isNewer(document, book.value)) show(document);
    } catch {
      // The stream will bring it.
    }
  }

  async function older() {
    if (meanwhile || !book.value) return;
    const changes = (meanwhile = []);
    try {
      const page = await get(`reviews/?${pageBelow(book.value)}`);
      if (meanwhile !== changes) return; // it is another book, or the same fetched anew
      book.value.reviews.push(...page.reviews);
      hasOlder.value = page.next !== null;
      const newer = changes.filter((change) => isNewer(change, page));
      for (const change of newer) apply(book.value, change, hasOlder.value);
    } finally {
      if (meanwhile === changes) meanwhile = null;
    }
  }

  watch(
    () => (onPage.value && Number(toValue(bookId))) || null,
    (id, _, onCleanup) => {
      if (id === null) return;
      const watching = follow(id);
      onCleanup(() => watching.close());
    },
    { immediate: true },
  );
  return { book, viewers, state, hasOlder, older, refresh };
}

/** Whether the component is on the page; under KeepAlive it may wait behind another. */
function useOnPage() {
  const onPage = ref(true);
  if (getCurrentInstance()) {
    onActivated(() => (onPage.value = true));
    onDeactivated(() => (onPage.value = false));
  }
  return onPage;
}

/** Takes a book to the position of a change. */
function apply(book, { type, position, review_count, review, review_id }, hasOlder) {
  const id = review?.id ?? review_id;
  const others = book.reviews.filter((other) => other.id !== id);
  const isShown = others.length < book.reviews.length;
  if (review && (isShown || belongs(review, type, others, hasOlder))) {
    const below = others.findIndex((other) => other.id < id);
    others.splice(below < 0 ? others.length : below, 0, review);
  }
  Object.assign(book, { reviews: others, review_count, position });
}

/** Whether a review that is not shown should be; older ones are not, until they are asked for. */
function belongs(review, type, others, hasOlder) {
  if (!hasOlder) return true;
  return others.length ? review.id > others.at(-1).id : type === "review.created";
}

/** Which page of reviews comes below those of a book. */
function pageBelow({ id, reviews }) {
  return reviews.length ? `book=${id}&before=${reviews.at(-1).id}` : `book=${id}`;
}

/** Whether something stands at a later position than another; what is of another life does. */
function isNewer({ position }, other) {
  return !(distance(other.position, position) <= 0);
}
