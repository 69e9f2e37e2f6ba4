// A search among the images, which the server does in the background: progress, stop, result.

import { follow } from "./api.js";
import { make, text } from "./dom.js";

const AT_ONCE = 3e9; // multiply-adds of a search that begins without being asked for

/**
 * A box in which a search runs and shows its result. `path()` is what the server is asked, `show(result)` makes the
 * content of the box, `images` is the number of images. Return the box, and a function that searches again.
 */
export function searchBox({ model, images, path, show, signal }) {
  const box = make("div", { "aria-live": "polite" });
  let searching = new AbortController();
  signal.addEventListener("abort", () => searching.abort());
  async function search() {
    searching.abort();
    searching = new AbortController();
    const own = searching.signal;
    const bar = make("progress", { max: 1, value: 0, "aria-label": text("searching") });
    const stop = make("button", { type: "button", class: "small", click: () => (searching.abort(), offer()) }, text("stop"));
    box.replaceChildren(make("div", { class: "row" }, make("span", { class: "soft" }, text("searching")), bar, stop));
    try {
      let result = null;
      for await (const line of follow(path(), { signal: own })) {
        if (line.total) bar.value = line.done / line.total;
        result = line;
      }
      const content = await show(result);
      if (!own.aborted) box.replaceChildren(...content);
    } catch (error) {
      if (!own.aborted) box.replaceChildren(make("p", { class: "error" }, error.message), button());
    }
  }
  const button = () => make("button", { type: "button", click: search }, text("search"));
  const offer = () => box.replaceChildren(button());
  if (model.multiply_adds * images <= AT_ONCE) search();
  else offer();
  return { box, search };
}
