// From the outputs of the network to an answer, as in `striate.workflows.predict`.

// `model` is page.json, `outputs` are numbers, and `isUnknown` is what the detector says; undefined if there is none.
export function describeOutputs(model, outputs, isUnknown) {
  if (model.task === "regression") return describeNumbers(model, outputs, isUnknown);
  const shares = model.form === "probabilities" ? outputs : softmax(outputs);
  const order = model.classes.map((_, k) => k).sort((a, b) => shares[b] - shares[a] || a - b);
  const best = shares[order[0]];
  const answer = {
    unknown: isUnknown ?? best < model.threshold,
    probabilities: Object.fromEntries(order.map((k) => [model.classes[k], shares[k]])),
  };
  if (model.task === "classification") return { label: model.classes[order[0]], probability: best, ...answer };
  return { labels: order.filter((k) => shares[k] >= model.thresholds[k]).map((k) => model.classes[k]), ...answer };
}

function describeNumbers({ classes, half_widths: widths }, outputs, isUnknown) {
  const ends = (k) => [outputs[k] - widths[k], outputs[k] + widths[k]].map(sixDigits);
  const intervals = widths.map((_, k) => [classes[k], ends(k)]);
  return {
    values: Object.fromEntries(classes.map((name, k) => [name, sixDigits(outputs[k])])),
    intervals: Object.fromEntries(intervals),
    unknown: isUnknown ?? false,
  };
}

// The significant digits of a float32.
const sixDigits = (value) => Number(value.toPrecision(6));

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - largest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
