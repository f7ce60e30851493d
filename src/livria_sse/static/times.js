/** Instants as people say them; the same words as the server's. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {string} timestamp @param {DOMStringMap} words */
export function howLongAgo(timestamp, words) {
  const age = Date.now() - Date.parse(timestamp);
  if (age < MINUTE) return words.justNow;
  if (age < HOUR) return words.minutes.replace("{n}", Math.floor(age / MINUTE));
  if (age < DAY) return words.hours.replace("{n}", Math.floor(age / HOUR));
  if (age < 30 * DAY) return words.days.replace("{n}", Math.floor(age / DAY));
  return timestamp.slice(0, 10);
}
