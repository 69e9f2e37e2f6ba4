// The network as a graph. Places come from the server.

import { imageCard } from "./images.js";
import { large, make, svg, text } from "./dom.js";

const BOX = { width: 292, height: 92, across: 26, down: 30, margin: 12 };
const SIZES = { title: "600 14px", kind: "11.5px" }; // as in explore.css

export async function showNetwork(state, path) {
  let graph = state.model.graph;
  const crumbs = [[text("whole"), "#/network"]];
  for (const [depth, index] of path.filter(Boolean).entries()) {
    const box = graph.nodes[index];
    if (!box?.subgraph) break;
    crumbs.push([box.name, `#/network/${path.slice(0, depth + 1).join("/")}`]);
    graph = box.subgraph;
  }
  const prefix = crumbs.length > 1 ? `${crumbs.at(-1)[0]}.` : "\n"; // of the names inside a block, which its title shows
  const inside = crumbs.length > 1 ? `${path.slice(0, crumbs.length - 1).join("/")}/` : "";
  const content = [make("h1", {}, text("network_title", { name: state.model.name })), make("p", { class: "soft" }, text("network_help"))];
  if (state.image !== null) content.push(await imageCard(state, state.image, [[`#/why/${state.image}`, "why_link"]]));
  if (crumbs.length > 1) {
    const links = crumbs.map(([name, href]) => make("li", {}, make("a", { href }, name)));
    content.push(make("nav", { "aria-label": text("path") }, make("ol", { class: "crumbs" }, ...links)));
  }
  content.push(make("div", { class: "graph" }, drawing(state, graph, inside, prefix)));
  return content;
}

function drawing(state, graph, inside, prefix) {
  const columns = graph.nodes.flatMap(({ position }) => [position[1]]).concat(graph.edges.flatMap(({ points }) => points.map(([, column]) => column)));
  const [first, last] = [Math.min(...columns), Math.max(...columns)];
  const stepX = BOX.width + BOX.across;
  const stepY = BOX.height + BOX.down;
  const middle = ([rank, column]) => [(column - first) * stepX + stepX / 2, rank * stepY + BOX.height / 2 + 4];
  const width = (last - first + 1) * stepX;
  const height = graph.ranks * stepY;
  const edges = graph.edges.map(({ source, target, points }) => {
    const [[x0, y0], [x1, y1]] = [middle(graph.nodes[source].position), middle(graph.nodes[target].position)];
    const stops = [[x0, y0 + BOX.height / 2], ...points.flatMap((point) => {
      const [x, y] = middle(point);
      return [[x, y - BOX.height / 2], [x, y + BOX.height / 2]];
    }), [x1, y1 - BOX.height / 2]];
    let line = `M${stops[0]}`;
    for (let index = 1; index < stops.length; index++) {
      const [[xa, ya], [xb, yb]] = [stops[index - 1], stops[index]];
      line += xa === xb ? `L${xb},${yb}` : `C${xa},${(ya + yb) / 2} ${xb},${(ya + yb) / 2} ${xb},${yb}`;
    }
    return svg("path", { d: line, class: "edge" });
  });
  const boxes = graph.nodes.map((box, index) => {
    const [x, y] = middle(box.position);
    return node(state, box, x - BOX.width / 2, y - BOX.height / 2, `${inside}${index}`, prefix);
  });
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group" }, ...edges, ...boxes);
}

function node(state, box, x, y, path, prefix) {
  const href = box.subgraph ? `#/network/${path}` : `#/layer/${state.image ?? "-"}/${box.nodes[0]}`;
  const name = box.name.startsWith(prefix) ? box.name.slice(prefix.length) : box.name;
  const title = box.repeats > 1 ? `${name} × ${box.repeats}` : name;
  const window = box.kernel ? ` ${box.kernel.join("×")}${box.strides.some((stride) => stride > 1) ? ` /${box.strides[0]}` : ""}` : "";
  const kind = box.subgraph ? text("block") : `${shortened(box.layer_classes[0])}${window}${box.layer_classes.slice(1).map((each) => ` + ${shortened(each)}`).join("")}`;
  const activation = !box.subgraph && box.activation && !box.layer_classes.some((each) => /Activation|ReLU/.test(each)) ? ` · ${box.activation}` : "";
  const cost = [];
  if (box.parameters) cost.push(text("parameters", { n: large(box.parameters) }));
  if (box.receptive_field) cost.push(text("field", { h: box.receptive_field[0], w: box.receptive_field[1] }));
  const work = box.multiply_adds ? text("cost", { n: large(box.multiply_adds) }) : "";
  const shape = box.shape.join("×");
  const room = BOX.width - 2 * BOX.margin;
  const line = (content, dy, name, width = room) => svg("text", { x: x + BOX.margin, y: y + dy, class: name }, fitted(content, name, width));
  return svg("a", { href, class: box.subgraph ? "box block" : box.kind === "outside" ? "box outside" : "box", "aria-label": `${title}: ${kind} ${shape}` },
    svg("title", {}, `${title}: ${kind}${activation}, ${shape}, ${[...cost, work].filter(Boolean).join(", ")}`),
    svg("rect", { x, y, width: BOX.width, height: BOX.height, rx: 10 }),
    line(title, 21, "title", room - BOX.margin - measured(shape, "kind")),
    svg("text", { x: x + BOX.width - BOX.margin, y: y + 21, class: "shape" }, shape),
    line(`${kind}${activation}`, 42, "kind"),
    line(cost.join(" · "), 62, "kind"),
    line(work, 81, "kind"));
}

const shortened = (kind) => kind.replace("BatchNormalization", "BatchNorm").replace("2D", "");

const pen = document.createElement("canvas").getContext("2d");

/** Return the width in pixels of a text in a box. */
function measured(content, name) {
  pen.font = `${SIZES[name]} ${getComputedStyle(document.documentElement).fontFamily}`;
  return pen.measureText(content).width;
}

/** Return a text, or as much of it as fits into so many pixels. */
function fitted(content, name, width) {
  if (measured(content, name) <= width) return content;
  const letters = [...content];
  while (letters.length && measured(`${letters.join("")}…`, name) > width) letters.pop();
  return `${letters.join("")}…`;
}
