// Lists of which only what is seen is in the page, however long they are.

import { chip, fill, find, formatBytes, formatSeconds, go, h, linkTo, plural, route } from "dom";
import { buildFilter, groupOf } from "model";

const HEIGHT = 28;

/// A list of things, each of which `draw` makes cells of; `choose` is told which one is meant.
export class VirtualList {
  constructor(label, draw, choose, isChosen) {
    Object.assign(this, { draw, choose, isChosen, items: [], at: 0, rows: [] });
    this.space = h("div", { class: "space", role: "presentation" });
    this.element = h("div", {
      class: "scroll list", role: "listbox", tabindex: 0, "aria-label": label, onscroll: () => this.schedule(), onkeydown: (event) => this.press(event),
    }, this.space);
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  set(items) {
    this.items = items;
    this.at = Math.min(this.at, Math.max(items.length - 1, 0));
    this.render();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; this.render(); });
  }

  render() {
    const { scrollTop, clientHeight } = this.element;
    this.space.style.height = `${this.items.length * HEIGHT}px`;
    const first = Math.max(Math.floor(scrollTop / HEIGHT) - 5, 0);
    const last = Math.min(Math.ceil((scrollTop + clientHeight) / HEIGHT) + 5, this.items.length);
    const before = new Map(this.rows.map((row) => [row.index, row]));
    this.rows = [];
    for (let index = first; index < last; index++) {
      const item = this.items[index];
      const isChosen = this.isChosen(item);
      const known = before.get(index);
      this.rows.push(known?.item === item && known.isChosen === isChosen ? known : { index, item, isChosen, element: this.drawRow(index, item, isChosen) });
    }
    if (this.rows.length !== before.size || this.rows.some((row) => before.get(row.index) !== row)) fill(this.space, ...this.rows.map((row) => row.element));
    if (this.count !== this.items.length) {
      this.count = this.items.length;
      this.rows.forEach((row) => row.element.setAttribute("aria-setsize", this.count));
    }
    const active = this.at >= first && this.at < last && `${this.element.ariaLabel}-${this.at}`;
    if (active) this.element.setAttribute("aria-activedescendant", active);
    else this.element.removeAttribute("aria-activedescendant");
  }

  drawRow(index, item, isChosen) {
    const row = h("div", {
      class: "item", role: "option", id: `${this.element.ariaLabel}-${index}`, "aria-selected": String(isChosen),
      "aria-setsize": this.items.length, "aria-posinset": index + 1, onclick: () => { this.at = index; this.choose(item); },
    }, this.draw(item));
    row.style.top = `${index * HEIGHT}px`;
    return row;
  }

  press(event) {
    const page = Math.max(Math.floor(this.element.clientHeight / HEIGHT) - 1, 1);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || !this.items.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.at = Math.max(0, Math.min(this.items.length - 1, this.at + step));
    const top = this.at * HEIGHT;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + HEIGHT > scrollTop + clientHeight) this.element.scrollTop = top + HEIGHT - clientHeight;
    this.choose(this.items[this.at]);
    this.render();
  }
}

/// The task runs of a run.
export class TasksView {
  constructor() {
    this.bar = h("div", { class: "bar", id: "task-bar" });
    this.list = new VirtualList("task runs", (task) => this.draw(task), (task) => go({ task: task.target ?? `#${task.n}` }),
      (task) => route().task === (task.target ?? `#${task.n}`));
    this.elements = [this.bar, this.list.element];
  }

  draw(task) {
    const group = groupOf(task, this.run);
    return [chip(group, group === "completed" || group === "cached" ? group : task.state), h("span", {}, this.run.functions[task.function].name),
      h("span", {}, task.name), h("span", { class: "number" }, formatSeconds(task.elapsed)), h("span", { class: "number" }, formatBytes(task.bytes))];
  }

  show(run) {
    this.run = run;
    const { function: name, key } = route();
    const filter = buildFilter(run, find("search").value, name, key);
    const tasks = run.tasks.filter((task) => task && !task.part && filter(task));
    const { order } = route();
    if (order === "longest") tasks.sort((a, b) => (b.elapsed ?? 0) - (a.elapsed ?? 0));
    else if (order === "name") tasks.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.list.set(tasks);
    const bar = JSON.stringify([tasks.length, name, key, order]);
    if (this.shownBar === bar) return;
    this.shownBar = bar;
    const orders = [["", "in their order"], ["longest", "longest first"], ["name", "by name"]];
    fill(this.bar,
      h("span", { id: "count" }, plural(tasks.length, "task run")),
      name && h("a", { href: linkTo({ function: "", key: "" }) }, `only ${name}${key ? `, ${key}` : ""}: show all`),
      h("label", {}, "order ", h("select", { onchange: (event) => go({ order: event.target.value }) },
        orders.map(([value, text]) => h("option", { value, selected: value === (order ?? "") }, text)))));
  }
}
