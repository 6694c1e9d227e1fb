// How all outputs stand, and what can be done about it.

import { chip, fill, find, formatBytes, go, h, plural, route } from "dom";
import { ask, canWrite, change } from "source";
import { VirtualList } from "tasks";

const CONDITIONS = [
  "fresh", "stale", "outdated", "failed", "not_ready", "cancelled", "missing", "not_saved", "not_needed", "orphaned", "foreign", "unknown", "running",
];

export class StatusView {
  constructor() {
    this.top = h("div", { class: "table", tabindex: 0, role: "group", "aria-label": "task functions" });
    this.bar = h("div", { class: "bar" });
    this.list = new VirtualList("outputs", draw, (output) => go({ task: output.target }), (output) => route().task === output.target);
    this.elements = [this.top, this.bar, this.list.element];
    addEventListener("pipex-changed", () => this.load());
  }

  async load() {
    try {
      this.status = await ask("status");
    } catch (error) {
      fill(this.bar, h("p", { class: "error" }, error.message));
      return;
    }
    this.update();
  }

  /// It is that of all runs, and changes only if it is asked for again.
  show() {
    const { function: name, condition, task } = route();
    const shown = JSON.stringify([name, condition, task, find("search").value]);
    if (!this.status) this.load();
    else if (this.shown !== shown) this.update();
    this.shown = shown;
  }

  update() {
    const { functions, outputs } = this.status;
    const columns = CONDITIONS.filter((name) => functions.some((row) => row[name]));
    const { function: name, condition } = route();
    fill(this.top, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "task"), columns.map((column) => h("th", { scope: "col", class: "number" }, column.replaceAll("_", " "))), h("th", { scope: "col", class: "number" }, "size"))),
      h("tbody", {}, functions.map((row) => h("tr", {}, h("td", {}, choice(row.task, { function: row.task, condition: "" })),
        columns.map((column) => h("td", { class: "number" }, row[column] ? choice(row[column], { function: row.task, condition: column }) : "-")),
        h("td", { class: "number" }, formatBytes(row.bytes)))))));
    const words = find("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = outputs.filter((output) => (!name || output.task === name) && (!condition || output.condition === condition)
      && words.every((word) => word.startsWith("state:") ? output.condition.startsWith(word.slice(6)) : `${output.target} ${output.task}`.toLowerCase().includes(word.replace("function:", ""))));
    fill(this.bar, h("span", { id: "outputs" }, plural(shown.length, "output")),
      (name || condition) && h("button", { type: "button", onclick: () => go({ function: "", condition: "" }) }, `only ${[name, condition].filter(Boolean).join(", ")}: show all`),
      ...(shown.length > 0 ? offerChanges(shown.map((output) => output.target), shown.map((output) => output.condition)) : []));
    this.list.set(shown);
  }
}

const choice = (text, changes) => h("button", { type: "button", onclick: () => go(changes) }, text);

function draw(output) {
  const why = output.condition === "stale" ? [output.stale].flat().join(", ") : output.because ?? output.problem ?? "";
  return [chip(output.condition), h("span", {}, output.task), h("span", {}, output.target), h("span", {}, why), h("span", { class: "number" }, formatBytes(output.bytes))];
}

/// Buttons for these outputs, if the page may change anything.
export function offerChanges(targets, conditions) {
  if (!canWrite) return [];
  const button = (text, act) => h("button", { type: "button", onclick: act }, text);
  return [h("div", { class: "buttons" },
    button("run again next time", () => confirmRemoval(targets, false)),
    button("… and what was made from it", () => confirmRemoval(targets, true)),
    conditions.includes("stale") && button("accept as it is", () => confirm("Accept", "Today's code, arguments and inputs are taken for what made:", targets, () => change("accept", { targets }))))];
}

/// What would be removed is asked first: the command decides that.
async function confirmRemoval(targets, downstream) {
  try {
    const plan = await change("remove", { targets, downstream, dry_run: true });
    const left = plan.left.map(([target, why]) => `${target}: ${why}`);
    confirm("Remove", `${plural(plan.targets.length, "output")}, ${formatBytes(plan.bytes) || "0 B"}, will be removed, so that the next run makes what it needs of them:`,
      plan.targets, () => change("remove", { targets, downstream }), left);
  } catch (error) {
    tell(error.message);
  }
}

function confirm(action, text, names, act, left = []) {
  const few = (all) => h("ul", {}, all.slice(0, 100).map((name) => h("li", {}, name)), all.length > 100 && h("li", {}, `and ${all.length - 100} more`));
  const run = async () => {
    try {
      await act();
      find("dialog").close();
    } catch (error) {
      tell(error.message);
    }
    dispatchEvent(new Event("pipex-changed"));
  };
  open(h("h2", { id: "dialog-title" }, action), h("p", {}, text), few(names), left.length > 0 && h("p", {}, "left alone:"), left.length > 0 && few(left),
    h("div", { class: "buttons" }, h("button", { type: "button", id: "confirm", disabled: !names.length, onclick: run }, action), closer()));
}

const closer = () => h("button", { type: "button", onclick: () => find("dialog").close() }, "close");
export function tell(text) {
  open(h("h2", { id: "dialog-title" }, "pipex"), h("p", {}, text), closer());
}

export function open(...content) {
  const dialog = find("dialog");
  fill(dialog, ...content.filter(Boolean));
  if (!dialog.open) dialog.showModal();
}
