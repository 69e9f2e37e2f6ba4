// From an image to the pixels that the model takes, as in `striate.images`.

const PIXELS_AT_A_TIME = 1 << 20;
const MAX_LUMA_ON_WHITE = 224; // mean of the visible pixels, above which transparent ones become black
const FACTORS = [8, 4, 2, 1]; // by which images are reduced; the model does the rest

// Return the pixels of an image as {pixels, height, width}; null if all of them are transparent.
// `side` is the length that the shorter side keeps at least, if the image has it, and `channels` is 1 (gray) or 3.
export function readPixels(bitmap, side, channels) {
  const factor = FACTORS.find((k) => k === 1 || Math.min(bitmap.width, bitmap.height) >= k * side);
  const width = Math.ceil(bitmap.width / factor);
  const height = Math.ceil(bitmap.height / factor);
  const background = chooseBackground(bitmap);
  if (background === null) return null;
  const pixels = new Uint8Array(height * width * channels);
  const sums = new Uint32Array(width * channels);
  const counts = new Uint32Array(width);
  let end = 0; // of the rows in `pixels`
  for (const { data, top, rows } of strips(bitmap, factor)) {
    cover(data, background);
    for (let first = 0; first < rows; first += factor) {
      const last = Math.min(first + factor, rows);
      sums.fill(0);
      counts.fill(0);
      for (let row = first; row < last; row += 1) addRow(data, row * bitmap.width, bitmap.width, factor, sums, counts);
      const start = ((top + first) / factor) * width * channels;
      for (let k = 0; k < sums.length; k += 1) pixels[start + k] = sums[k] / counts[Math.floor(k / channels)] + 0.5;
      end = start + sums.length;
    }
  }
  console.assert(end === pixels.length);
  return { pixels, height, width };
}

// Add a row of RGBA pixels to the sums of blocks of `factor` pixels.
function addRow(data, start, length, factor, sums, counts) {
  const isGray = sums.length === counts.length;
  for (let x = 0; x < length; x += 1) {
    const source = 4 * (start + x);
    const block = Math.floor(x / factor);
    counts[block] += 1;
    if (isGray) {
      sums[block] += luma(data, source);
    } else {
      sums[3 * block] += data[source];
      sums[3 * block + 1] += data[source + 1];
      sums[3 * block + 2] += data[source + 2];
    }
  }
}

// ITU-R 601, rounded as Pillow does
const luma = (data, k) => (19595 * data[k] + 38470 * data[k + 1] + 7471 * data[k + 2] + 0x8000) >> 16;

// Yield the RGBA pixels of all rows, some at a time: browsers limit the size of a canvas.
function* strips(bitmap, factor) {
  const rows = factor * Math.max(1, Math.floor(PIXELS_AT_A_TIME / (bitmap.width * factor)));
  const canvas = new OffscreenCanvas(bitmap.width, Math.min(rows, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < bitmap.height; top += rows) {
    const height = Math.min(rows, bitmap.height - top);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, -top);
    yield { data: context.getImageData(0, 0, bitmap.width, height).data, top, rows: height };
  }
}

// Return the gray level behind transparent pixels: white, or black if the visible pixels are nearly white.
function chooseBackground(bitmap) {
  let visible = 0;
  let light = 0;
  for (const { data } of strips(bitmap, 1)) {
    for (let k = 0; k < data.length; k += 4) {
      visible += data[k + 3];
      light += luma(data, k) * data[k + 3];
    }
  }
  if (!visible) return null;
  const isOpaque = visible === 255 * bitmap.width * bitmap.height;
  return !isOpaque && light / visible > MAX_LUMA_ON_WHITE ? 0 : 255;
}

function cover(data, background) {
  for (let k = 0; k < data.length; k += 4) {
    const alpha = data[k + 3];
    if (alpha === 255) continue;
    for (let channel = k; channel < k + 3; channel += 1) {
      data[channel] = (data[channel] * alpha + background * (255 - alpha)) / 255 + 0.5;
    }
  }
}
