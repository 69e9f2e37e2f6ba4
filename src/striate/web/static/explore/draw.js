// Arrays as images.

import { make, number } from "./dom.js";

const NEGATIVE = [36, 80, 196];
const POSITIVE = [196, 38, 44];

/** Return the color of a value: gray from black to white if none is negative, else blue – white – red. */
export function color(value, low, high) {
  if (low >= 0) {
    const gray = Math.round(255 * Math.max(0, Math.min(1, high > 0 ? value / high : 0)));
    return [gray, gray, gray];
  }
  const share = Math.max(-1, Math.min(1, value / (Math.max(-low, high) || 1)));
  const end = share < 0 ? NEGATIVE : POSITIVE;
  return end.map((part) => Math.round(255 + (part - 255) * Math.abs(share)));
}

export const css = (rgb) => `rgb(${rgb.join(",")})`;

/** Return black or white, whichever has more contrast to a color (WCAG 2: relative luminance). */
export function ink(rgb) {
  const [r, g, b] = rgb.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

function paint(height, width, pixel, properties) {
  const canvas = make("canvas", { width, height, class: "pixels", ...properties });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) image.data.set(pixel(y, x), 4 * (y * width + x));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A canvas with pixels (H, W, 1 or 3); numbers that are not bytes are scaled to their range. */
export function imageCanvas({ shape: [height, width, channels], values }, properties = {}) {
  const bytes = values instanceof Uint8Array;
  let low = 0, high = 255;
  if (!bytes) for (const value of values) [low, high] = [Math.min(low, value), Math.max(high === 255 ? value : high, value)];
  const level = (index) => (bytes ? values[index] : (255 * (values[index] - low)) / (high - low || 1));
  return paint(height, width, (y, x) => {
    const at = (y * width + x) * channels;
    return channels >= 3 ? [level(at), level(at + 1), level(at + 2), 255] : [level(at), level(at), level(at), 255];
  }, properties);
}

/** A canvas with one map. `value(y, x)` gives its numbers. */
export function mapCanvas(height, width, value, low, high, properties = {}) {
  const shades = palette(low, high);
  return paint(height, width, (y, x) => shades(value(y, x)), properties);
}

let known = {}; // the palette of the last maps: those of a layer have the same range

/** Return a function from numbers to [r, g, b, 255], with 255 levels on each side of 0. */
function palette(low, high) {
  if (known.low === low && known.high === high) return known.shades;
  const end = (low < 0 ? Math.max(-low, high) : high) || 1;
  const colors = Array.from({ length: 511 }, (_, level) => [...color((end * (level - 255)) / 255, low, high), 255]);
  const shades = (value) => colors[255 + Math.round(255 * Math.max(-1, Math.min(1, value / end)))] ?? colors[255];
  known = { low, high, shades };
  return shades;
}

const CLEAR = [0, 0, 0, 0];

/** One canvas with `count` maps of the same size side by side. `value(part, y, x)` gives their numbers. */
export function sheetCanvas(count, height, width, value, low, high) {
  const across = Math.ceil(Math.sqrt(count));
  const scale = Math.ceil(6 / width); // pixels of a number, so that the gaps of one pixel are narrow
  const [stepY, stepX] = [scale * height + 1, scale * width + 1];
  const shades = palette(low, high);
  return paint(Math.ceil(count / across) * stepY - 1, across * stepX - 1, (y, x) => {
    const part = Math.floor(y / stepY) * across + Math.floor(x / stepX);
    const [row, column] = [Math.floor((y % stepY) / scale), Math.floor((x % stepX) / scale)];
    return part < count && row < height && column < width ? shades(value(part, row, column)) : CLEAR;
  });
}

/** A canvas over an image: transparent where the value is 0. */
export function overlayCanvas({ shape: [height, width], values }, properties = {}) {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return paint(height, width, (y, x) => {
    const share = values[y * width + x] / (largest || 1);
    return [...(share < 0 ? [70, 130, 255] : [255, 60, 50]), Math.round(225 * Math.abs(share))];
  }, properties);
}

/** The scale of the colors. */
export function scaleBar(low, high) {
  const end = low < 0 ? Math.max(-low, high) : high;
  const start = low < 0 ? -end : 0;
  const bar = mapCanvas(1, 101, (_, x) => start + ((end - start) * x) / 100, low, high, { "aria-hidden": true });
  return make("div", { class: "scale" }, make("span", {}, number(start)), bar, make("span", {}, number(end)));
}

/** Return where in a canvas with `height` rows and `width` columns an event was. */
export function place(event, height, width) {
  const box = event.currentTarget.getBoundingClientRect();
  const clip = (share, size) => Math.max(0, Math.min(size - 1, Math.floor(share * size)));
  return [
    clip((event.clientY - box.top) / box.height, height),
    clip((event.clientX - box.left) / box.width, width),
  ];
}
