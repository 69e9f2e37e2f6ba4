// Elements, texts and numbers.

let texts = {};
export const language = {
  current: new URLSearchParams(location.hash.slice(1)).get("lang") ?? localStorage.getItem("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"),
  use(code) {
    this.current = code;
    localStorage.setItem("language", code);
  },
};

export function useTexts(given) {
  texts = given;
}

export const hasText = (name) => name in texts;

const FINALS = { "은(는)": ["은", "는"], "이(가)": ["이", "가"], "을(를)": ["을", "를"], "(으)로": ["으로", "로"] };
const DIGITS = [1, 1, 0, 1, 0, 0, 1, 1, 1, 0]; // whether the Korean name of a digit ends in a consonant
const RIEUL = 8;

/** Return a text of the page with its placeholders filled in, and Korean particles by the letter before them. */
export function text(name, values = {}) {
  const filled = texts[name][language.current].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  return filled.replace(/(.)(은\(는\)|이\(가\)|을\(를\)|\(으\)로)/g, (_, letter, particle) => {
    const code = letter.charCodeAt(0) - 0xac00;
    const final = code >= 0 && code < 11172 ? code % 28 : /\d/.test(letter) ? DIGITS[letter] : /[lmnr]/i.test(letter) ? 1 : 0;
    const toward = particle === "(으)로" && (final === RIEUL || /[178lr]/i.test(letter));
    return letter + FINALS[particle][final && !toward ? 0 : 1];
  });
}

/** Return the message of an answer in the language of the page. */
export const messageOf = ({ error, problem, korean }) => (language.current === "ko" && korean) || (error ?? problem ?? "");

/** Make an element. `properties` are attributes, and functions for events. */
export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Return a number with four significant digits, and a true minus sign. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const short = size && (size < 0.001 || size >= 100000) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return short.replace("-", "−");
}

/** Return a count in full. */
export const whole = (value) => value.toLocaleString("en-US");

/** Return a count: in full below 100,000, else with three significant digits and a unit. */
export function large(value) {
  if (value < 1e5) return whole(value);
  const [size, unit] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]].find(([limit]) => value >= limit);
  return `${Number((value / size).toPrecision(3))} ${unit}`;
}

/** Bars of the most probable classes. */
export function bars(classes, probabilities, shown = 5) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, shown);
  const rows = order.flatMap((index) => {
    const bar = make("span", { class: "bar share" });
    bar.style.width = percent(Math.max(0, Math.min(1, probabilities[index]))).replace(" ", "");
    return [make("span", {}, classes[index]), make("span", { class: "track" }, bar), make("span", {}, percent(probabilities[index]))];
  });
  return make("div", { class: "bars" }, ...rows);
}

export function select(label, options, chosen, change) {
  const list = make("select", { change: () => change(list.value) });
  for (const [value, shown] of options) list.append(make("option", { value, selected: String(value) === String(chosen) }, shown));
  return make("label", { class: "field" }, make("span", {}, label), list);
}
