/** The words of the page in its language, as the server has put them there. */

const given = document.getElementById("words").dataset;

/** @type {Readonly<Record<string, string>>} */
export const words = Object.freeze(JSON.parse(given.words));

/**
 * So many of something: `counted(2, "new")` is "2 new reviews".
 *
 * @param {number} number
 * @param {string} name of two words, `name_one` and `name_other`
 */
export function counted(number, name) {
  return words[`${name}_${number === 1 ? "one" : "other"}`].replace("{n}", number);
}

/**
 * A reason of the API in the language of the page; nothing if there are no words for it.
 *
 * @param {string} reason
 */
export function inOurWords(reason) {
  const known = reason.replace(/U\+[0-9A-F]+/, "U+…").replace(/\d+ bytes/, "… bytes");
  return JSON.parse(given.reasons)[known] ?? (document.documentElement.lang === "en" ? reason : "");
}
