// What an output has.

import { fill, formatBytes, h, plural } from "dom";
import { ask, isLive, pictureOf } from "source";

const cell = (value) => (value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/// An element that shows it when it is there.
export function showOutput(target) {
  const element = h("div", { class: "output" }, h("p", { class: "note" }, "…"));
  const load = async (offset) => {
    try {
      fill(element, ...draw(target, await ask("content", { target, offset }), load));
    } catch (error) {
      fill(element, h("p", { class: "error" }, error.message));
    }
  };
  load(0);
  return element;
}

function draw(target, preview, load) {
  const note = (text) => [h("p", { class: "note" }, text)];
  switch (preview?.kind) {
    case "table": return drawTable(preview, load);
    case "text": return [h("pre", { class: "wrap", tabindex: 0 }, preview.text), preview.more > 0 && h("p", { class: "note" }, `and ${formatBytes(preview.more)} more`)];
    case "picture": return [h("img", { class: "picture", src: preview.data ?? pictureOf(target), alt: `the picture ${target}` })];
    case "files": return [h("ul", { class: "names" }, preview.names.map((name) => h("li", {}, name)))];
    case "bytes": return note(`${formatBytes(preview.bytes)} that only the program can read`);
    case "large": return note(`${formatBytes(preview.bytes)}, which is too much for ${isLive ? "a page" : "a report"}: pipex show`);
    default: return note(isLive ? "nothing is there" : "it is not in this report");
  }
}

function drawTable({ columns, rows, offset, total }, load) {
  const isNumber = columns.map((_, column) => rows.every((row) => row[column] === null || typeof row[column] === "number" || (row[column] !== "" && !Number.isNaN(Number(row[column])))));
  const aligned = (column) => ({ class: isNumber[column] ? "number" : "" });
  const table = h("div", { class: "table", tabindex: 0, role: "group", "aria-label": "rows" }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((name, column) => h("th", { scope: "col", ...aligned(column) }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, column) => h("td", aligned(column), cell(value))))))));
  const end = offset + rows.length;
  const page = (to, text, isThere) => h("button", { type: "button", disabled: !isThere, onclick: () => load(to) }, text);
  const of = total === null ? "more" : plural(total, "row");
  const pages = isLive && [page(Math.max(offset - 100, 0), "before", offset > 0), page(end, "next", total === null || end < total)];
  return [table, h("div", { class: "buttons" }, h("span", { class: "facts" }, `${Math.min(offset + 1, end)} to ${end} of ${of}`), pages)];
}
