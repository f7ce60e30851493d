/** Positions: `<epoch>-<seq>`, as `k7q2m-42`. Those of another epoch cannot be compared. */

/** How many changes lie between two positions; NaN if that cannot be said. */
export function distance(from, to) {
  const [epoch, seq] = from.split("-");
  const [otherEpoch, otherSeq] = to.split("-");
  return epoch === otherEpoch ? otherSeq - seq : NaN;
}

/** The further of two positions; the second if they cannot be compared. */
export function furthest(one, other) {
  return distance(one, other) < 0 ? one : other;
}

/** One id for the positions of several books: `<epoch>-<seq>.<seq>`; `x` is of another epoch. */
export function joined(positions) {
  const epoch = positions.at(-1).split("-")[0];
  const seqs = positions.map((position) => {
    const [its, seq] = position.split("-");
    return its === epoch ? seq : "x";
  });
  return `${epoch}-${seqs.join(".")}`;
}

/** The positions that such an id is made of. */
export function parted(id) {
  const [epoch, seqs] = id.split("-");
  return seqs.split(".").map((seq) => `${epoch}-${seq}`);
}
