/** Instants as people say them; the same words as the server's. */

import { words } from "./words.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const REFRESHED = MINUTE / 2;

/** @param {string} timestamp as RFC 3339 has it, in UTC */
export function howLongAgo(timestamp) {
  const age = Date.now() - Date.parse(timestamp);
  if (age < MINUTE) return words.just_now;
  if (age < HOUR) return words.minutes.replace("{n}", Math.floor(age / MINUTE));
  if (age < DAY) return words.hours.replace("{n}", Math.floor(age / HOUR));
  if (age < 30 * DAY) return words.days.replace("{n}", Math.floor(age / DAY));
  return timestamp.slice(0, 10);
}

/** Lets the times in an element go on, also after a sleep. */
export function keepTimes(element) {
  const refresh = () => {
    for (const time of element.querySelectorAll("time[datetime]")) {
      time.textContent = howLongAgo(time.dateTime);
    }
  };
  setInterval(refresh, REFRESHED);
  addEventListener("visibilitychange", refresh);
  addEventListener("pageshow", refresh);
}
