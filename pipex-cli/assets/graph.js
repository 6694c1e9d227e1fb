// What was made from what in a run: a box for each task function, or for each value of one of its parameters.

import * as dagre from "dagre";
import { fill, formatSeconds, go, h, linkTo, route, s, setText } from "dom";
import { FILES, GROUPS, groupOf, nameEdge } from "model";

const [WIDTH, BOX] = [190, 54];
/// More boxes than that of one task function nobody can look at.
const MOST = 40;

export class GraphView {
  constructor() {
    this.bar = h("div", { class: "bar" });
    this.frame = h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "graph" });
    this.elements = [this.bar, this.frame];
  }

  show(run) {
    const { nodes, edges } = this.fold(run);
    const shape = JSON.stringify([run.id, [...nodes.keys()], [...edges.keys()]]);
    // Where boxes are changes only if there are others; what is in them, whenever something has happened.
    if (shape !== this.shape) {
      this.shape = shape;
      this.draw(nodes, edges);
    }
    for (const [id, node] of nodes) this.update(id, node);
    for (const [key, label] of this.labels) setText(label, edges.get(key) > 1 ? String(edges.get(key)) : "");
    this.showBar(run);
  }

  /// The boxes, how many task runs of each are in which state, and what was taken from where.
  fold(run) {
    const { open = "" } = route();
    if (!open) {
      const box = ({ name, counts }) => ({ name, label: name, key: "", counts, total: counts.total });
      const there = run.functions.filter((known) => known?.counts.total > 0);
      return { nodes: new Map(there.map((known) => [String(known.number), box(known)])), edges: run.edges };
    }
    const opened = JSON.stringify([run.id, run.changes, open]);
    if (this.opened !== opened) Object.assign(this, { opened, folded: this.openBy(run, ...open.split(":")) });
    return this.folded;
  }

  /// The same with a box for each value of a parameter.
  openBy(run, opened, parameter) {
    const nodes = new Map();
    const nodeOf = new Map();
    for (const task of run.tasks) {
      if (!task || task.part) continue;
      const { name } = run.functions[task.function];
      let id = String(task.function);
      let label = name;
      if (name === opened) {
        const value = (task.given ?? []).find((given) => given[0] === parameter)?.[1] ?? "?";
        const other = `${id} ${value}`;
        const isOneMore = !nodes.has(other) && [...nodes.values()].filter((node) => node.name === name).length >= MOST;
        [id, label] = isOneMore ? [`${id} `, `${name}: others`] : [other, `${parameter}=${value}`];
        nodes.get(id) ?? nodes.set(id, { name, label, key: isOneMore ? "" : `${parameter}=${value}`, counts: {}, total: 0 });
      }
      nodeOf.set(task.n, id);
      const node = nodes.get(id) ?? { name, label, key: "", counts: {}, total: 0 };
      nodes.set(id, node);
      const group = groupOf(task, run);
      node.counts[group] = (node.counts[group] ?? 0) + 1;
      node.total += 1;
    }
    const edges = new Map();
    for (const task of run.tasks) {
      if (!task || task.part) continue;
      for (const input of task.inputs ?? []) {
        const from = run.find(input);
        const key = nameEdge(from ? nodeOf.get(from.n) ?? from.function : FILES, nodeOf.get(task.n));
        edges.set(key, (edges.get(key) ?? 0) + 1);
      }
    }
    return { nodes, edges };
  }

  /// dagre places the boxes: layers, as Sugiyama, Tagawa and Toda (1981) have them.
  draw(nodes, edges) {
    [this.labels, this.boxes] = [new Map(), new Map()];
    const graph = new dagre.Graph();
    graph.setGraph({ rankdir: nodes.size > 30 ? "LR" : "TB", nodesep: 24, ranksep: 44, marginx: 16, marginy: 16 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const id of nodes.keys()) graph.setNode(id, { width: WIDTH, height: BOX });
    for (const key of edges.keys()) {
      const [from, to] = JSON.parse(key);
      if (from === FILES) graph.setNode(FILES, { width: 70, height: 28 });
      if (from !== to) graph.setEdge(from, to);
    }
    if (!nodes.size) return fill(this.frame);
    dagre.layout(graph);
    const { width = 0, height = 0 } = graph.graph();
    const svg = s("svg", { class: "graph", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "task functions" },
      s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0 0L8 4L0 8z" }))));
    // Where there is little too little room, it is drawn smaller, as far as it can still be read.
    svg.style.minWidth = `${0.8 * width}px`;
    for (const { v, w } of graph.edges()) {
      const { points } = graph.edge(v, w);
      const middle = points[Math.floor(points.length / 2)];
      const label = s("text", { class: "small", x: middle.x + 4, y: middle.y + 3 });
      svg.append(s("path", { d: points.map(({ x, y }, at) => `${at ? "L" : "M"}${x} ${y}`).join(""), "marker-end": "url(#arrow)" }), label);
      this.labels.set(nameEdge(v, w), label);
    }
    for (const id of graph.nodes()) {
      const { x, y, width: across, height: down } = graph.node(id);
      const place = { x: x - across / 2, y: y - down / 2, width: across, height: down, rx: 6 };
      const node = nodes.get(id);
      if (!node) {
        svg.append(s("g", {}, s("rect", { class: "box", ...place }), s("text", { x, y: y + 5, "text-anchor": "middle" }, "files")));
        continue;
      }
      const title = s("text", { x: place.x + 10, y: place.y + 19 });
      const told = s("text", { class: "small", x: place.x + 10, y: place.y + 34 });
      const parts = s("g", {});
      const open = () => go({ function: node.name, key: node.key });
      const box = s("g", {
        class: "node", tabindex: 0, role: "button", onclick: open,
        onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } },
      }, s("rect", { class: "box", ...place }), parts, title, told);
      svg.append(box);
      this.boxes.set(id, { box, title, told, parts, place });
    }
    fill(this.frame, svg);
  }

  update(id, node) {
    const drawn = this.boxes.get(id);
    const { box, title, told, parts, place } = drawn;
    const counts = GROUPS.filter((group) => node.counts[group]);
    const states = counts.map((group) => `${node.counts[group]} ${group}`).join(", ");
    const { function: name, key } = route();
    box.classList.toggle("selected", name === node.name && (key ?? "") === node.key);
    if (drawn.states === states) return;
    drawn.states = states;
    title.textContent = `${node.label.length > 24 ? `${node.label.slice(0, 23)}…` : node.label} `;
    told.textContent = states.length > 32 ? `${states.slice(0, 31)}…` : states;
    let x = place.x + 6;
    fill(parts, ...counts.map((group) => {
      const width = ((place.width - 12) * node.counts[group]) / node.total;
      const part = s("rect", { class: group, x, y: place.y + 41, width, height: 7 });
      x += width;
      return part;
    }));
  }

  showBar(run) {
    const { function: name, key, open } = route();
    const chosen = run.functions.find((known) => known?.name === name);
    const bar = JSON.stringify([run.id, name, key, open, chosen?.counts.seconds, chosen?.parameters.size]);
    if (this.shownBar === bar) return;
    this.shownBar = bar;
    if (!chosen) {
      fill(this.bar, h("span", { class: "facts" }, "a box for each task function: choose one"));
      return;
    }
    const isOpen = open?.startsWith(`${name}:`);
    fill(this.bar,
      h("strong", {}, key ? `${name}, ${key}` : name),
      h("span", { class: "facts" }, `${chosen.file}:${chosen.line} · ${formatSeconds(chosen.counts.seconds)} in all`),
      h("a", { href: linkTo({ view: "tasks" }) }, "its task runs"),
      isOpen && h("a", { href: linkTo({ open: "", key: "" }) }, "fold"),
      [...chosen.parameters].map((parameter) => h("a", { href: linkTo({ open: `${name}:${parameter}`, key: "" }) }, `open by ${parameter}`)));
  }
}
