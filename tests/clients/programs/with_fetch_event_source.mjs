// fetch-event-source comes back after an error by itself, and after an end if `onclose` throws.
//
//   with_fetch_event_source.mjs ADDRESS

// It is made for pages: what it asks of one is little.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const { fetchEventSource } = (await import("@microsoft/fetch-event-source")).default;

await fetchEventSource(process.argv[2], {
  onmessage: (event) => console.log(`data: ${event.data}`),
  onclose() {
    throw new Error("the stream ended");
  },
});
