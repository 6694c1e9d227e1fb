// The runs there are, and what the one that is shown has come to.

import { chip, fill, find, formatBytes, formatMoment, formatSeconds, h, linkTo, plural, route } from "dom";
import { GROUPS } from "model";

/// More than that are shown when they are asked for.
let shown = 100;

export function showRuns(overview) {
  find("root").textContent = overview.root;
  const { run } = route();
  const all = overview.runs.toReversed();
  const entries = all.slice(0, shown).map((entry) =>
    h("a", { href: linkTo({ run: entry.run, task: "", function: "", key: "", open: "" }), "aria-current": entry.run === run && "page" },
      h("span", { class: "row" }, h("strong", {}, entry.flow), chip(entry.state)),
      h("small", { class: "row" }, h("span", {}, formatMoment(entry.started)), h("span", {}, formatSeconds(entry.seconds)))));
  const more = all.length > shown && h("button", { type: "button", onclick: () => { shown *= 10; showRuns(overview); } }, `${all.length - shown} more`);
  fill(find("runs"), ...entries, ...(more ? [more] : []));
  if (!all.length) find("runs").append(h("p", { class: "note" }, "no run yet"));
}

export function showHead(run, entry) {
  const counts = run.counts();
  const { done, expected, seconds } = run.progress();
  const state = entry?.state ?? (run.isOver ? "ended" : "running");
  const segments = GROUPS.filter((group) => counts[group]).map((group) => {
    const segment = h("span", { class: group, title: `${group}: ${counts[group]}` });
    segment.style.width = `${(100 * counts[group]) / Math.max(expected, 1)}%`;
    return segment;
  });
  const parameters = (entry?.parameters ?? []).map(({ name, value }) => `${name}=${value}`).join(" ");
  const facts = [
    entry && formatMoment(entry.started), run.isOver ? `took ${formatSeconds(run.elapsed)}` : "goes on", entry?.mode,
    entry?.host && `${entry.program} ${entry.version ?? ""} on ${entry.host}, process ${entry.process}`, formatBytes(counts.bytes) && `${formatBytes(counts.bytes)} written`, parameters,
  ];
  const rest = seconds === null ? "" : `, about ${formatSeconds(seconds)} to go`;
  const told = GROUPS.filter((group) => counts[group]).map((group) => `${counts[group]} ${group}`).join(", ");
  fill(find("head"),
    h("div", { class: "row" }, h("h2", {}, entry?.flow ?? run.id), chip(state), h("small", { class: "facts" }, run.id)),
    h("div", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    h("div", { class: "progress", role: "progressbar", "aria-label": "task runs", "aria-valuemin": 0, "aria-valuemax": expected, "aria-valuenow": done }, segments),
    h("div", { class: "facts", id: "progress" }, `${done} of ${plural(expected, "task run")}${rest}${told && `: ${told}`}`));
}
