// The package eventsource comes back by itself, as a browser's does.
//
//   with_eventsource.mjs ADDRESS

import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
for (const type of ["review.created", "review.updated", "review.deleted"]) {
  source.addEventListener(type, (event) => console.log(`data: ${event.data}`));
}
