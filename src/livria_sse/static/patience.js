/** How long things are waited for, in milliseconds. */

export const PATIENCE = Object.freeze({
  first: 5_000, // for the first event of a stream, before the difference is asked for instead
  silence: 65_000, // before a stream is dead: enough for the longest interval of heartbeats
  seen: 35_000, // the same when somebody looks again: more than the longest interval
  poll: 5_000, // between two differences that are asked for
  again: 60_000, // before a stream that was held back is tried again
  busy: 20_000, // before a server is asked again that serves as many streams as it can
  pause: 2_000, // after the first failure; doubled after each
  longest: 30_000, // the longest of those
  request: 10_000, // for an answer
  hidden: 60_000, // before a page that nobody sees leaves
  answer: 3_000, // for the tab that holds the stream to answer another
  spread: 2_000, // before tabs that nobody sees ask for what they lack, so as not to ask together
  gather: 50, // for the other tabs to say what they read
  shrink: 2_000, // before a stream is opened anew that tells of more books than are open
});

/**
 * How long to pause after so many failures: any time up to a longest one that doubles ("full
 * jitter"), so that those who failed together do not come back together.
 */
export function pauseAfter(failures, { pause, longest }) {
  return Math.random() * Math.min(longest, pause * 2 ** failures);
}

/** How long a stream may be silent on which heartbeats are so many seconds apart. */
export function silenceAfter(interval, { silence }) {
  return Math.min(silence, 2_000 * interval + 5_000);
}

/** The same when somebody looks again, and would be told something that is no longer so. */
export function seenAfter(interval, { seen }) {
  return Math.min(seen, 1_000 * interval + 5_000);
}

/** About as long as that, so that nobody keeps step. */
export function about(milliseconds) {
  return milliseconds * (0.75 + Math.random() / 2);
}
