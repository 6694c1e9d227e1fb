// A task run and its output: what it was given, why it ran, what has changed since, what came of it.

import { chip, fill, find, formatBytes, formatMoment, formatSeconds, go, h, linkTo, plural } from "dom";
import { groupOf } from "model";
import { showOutput } from "output";
import { offerChanges } from "status";
import { ask, isLive } from "source";

const WHY = {
  missing: "its target was not there", stale: "its output was stale", there: "its target was there", made_meanwhile: "another made its target meanwhile",
  unchanged: "what it takes came out as it was", accepted: "its output was accepted", restored: "an accept was taken back", forced: "it was to be made again",
  shared: "its output was among those that are shared", in_memory: "its data are held in memory", not_saved: "nothing is saved in this mode",
};

/// So many names are listed.
const MOST = 12;

let shownFor = null;
addEventListener("pipex-changed", () => { shownFor = null; });

export async function showTask(run, name) {
  const detail = find("detail");
  const task = name && run?.find(name.startsWith("#") ? Number(name.slice(1)) : name);
  const target = task ? task.target : name;
  detail.hidden = !name;
  if (!name) { shownFor = null; return; }
  const key = JSON.stringify([run?.id, name, task?.state, task?.attempts.length]);
  if (shownFor === key) return;
  shownFor = key;
  const [facts, logged] = await Promise.all([
    target && isLive ? ask("target", { target }).catch((error) => ({ error })) : null,
    task ? ask("logged", { run: run.id, target: target ?? task.name }).catch(() => null) : null,
  ]);
  if (shownFor !== key) return;
  const close = h("button", { type: "button", onclick: () => go({ task: "" }), "aria-label": "close", title: "close (Esc)" }, "×");
  fill(detail,
    h("div", { class: "row" }, h("h2", {}, task?.name ?? name), close),
    task && drawTask(run, task),
    ...section("Logged", drawLog(task ? logged : facts?.details?.logged)),
    facts?.why && drawFacts(facts, showOutput(target)),
    facts?.error && !task && h("p", { class: "error" }, facts.error.message));
}

function drawTask(run, task) {
  const group = groupOf(task, run);
  const known = run.functions[task.function];
  const rows = [
    ["state", chip(group, task.state)], ["task", `${known.module}::${known.name} (${known.file}:${known.line})`],
    ["target", task.target], ["why", task.why && (WHY[task.why] ?? task.why)],
    ["began", task.attempts.length > 0 && `${formatSeconds(task.at)} after the run`], ["took", formatSeconds(task.elapsed)], ["size", formatBytes(task.bytes)],
  ];
  return [
    drawList(rows),
    task.error && h("pre", { class: "wrap error", tabindex: 0 }, task.error),
    ...section("Arguments", (task.given ?? []).length > 0 && drawList(task.given)),
    ...section("Attempts", task.attempts.length > 1 && h("ol", {}, task.attempts.map((attempt) =>
      h("li", {}, `${attempt.state} after ${formatSeconds(attempt.elapsed)} on ${attempt.worker}${attempt.error ? `: ${attempt.error}` : ""}`)))),
    ...(isLive || !task.target ? [] : section("What is there", showOutput(task.target))),
    ...(isLive ? [] : section("Made from", drawNames((task.inputs ?? []).map((input) => (typeof input === "number" ? run.tasks[input].target ?? `#${input}` : input))))),
  ].filter(Boolean);
}

function drawFacts({ details, why }, output) {
  const sentences = [why.last, why.now].filter(Boolean).map((text) => h("p", {}, text));
  const changes = why.changes.map((change) => [
    h("p", {}, change.was === null && change.is === null ? change.what : `${change.what}: ${change.was ?? "none"} → ${change.is ?? "none"}`),
    change.lines && drawDiff(change.lines),
  ]);
  const upstream = why.upstream.map(({ target, stale }) => h("li", {}, h("a", { href: linkTo({ task: target }) }, target), `: ${[stale].flat().join(", ")}`));
  return [
    ...section("How it stands", [chip(why.condition), ...sentences, ...offerChanges([details.target], [why.condition])]),
    ...section("What has changed since", changes.length > 0 && changes.flat().filter(Boolean)),
    ...section("Stale, of what it was made from", upstream.length > 0 && h("ul", { class: "names" }, upstream.slice(0, MOST))),
    ...section("What is there", [output, drawList([
      ["made", details.made && `${formatMoment(details.made)}, in ${formatSeconds(details.seconds)}`],
      ["run", details.run && h("a", { href: linkTo({ run: details.run }) }, details.run)], ["size", formatBytes(details.bytes)], ["type", details.type],
    ])]),
    ...section("Made from", drawNames(details.inputs)),
    ...section("Taken by", drawNames(details.outputs)),
  ];
}

const section = (title, content) => (content ? [h("h3", {}, title), ...[content].flat()] : []);

function drawList(rows) {
  const there = rows.filter(([, value]) => value);
  return there.length > 0 && h("dl", {}, there.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function drawNames(names) {
  if (!names.length) return null;
  const more = names.length > MOST && h("li", {}, `and ${names.length - MOST} more`);
  return h("ul", { class: "names" }, names.slice(0, MOST).map((name) => h("li", {}, h("a", { href: linkTo({ task: name }) }, name))), more);
}

function drawLog(lines) {
  if (!lines?.length) return null;
  const isOfOne = lines.every(({ attempt }) => attempt === lines[0].attempt);
  return h("pre", { class: "wrap log", tabindex: 0 }, lines.map(({ attempt, after, level, text, place, left_out: leftOut }) => [
    leftOut > 0 && h("span", { class: "facts" }, `(${plural(leftOut, "line")} left out)\n`),
    h("span", { class: "facts" }, `${isOfOne ? "" : `attempt ${attempt}, `}${formatSeconds(after) || "0 ms"} `),
    h("span", { class: level === "ERROR" ? "error" : "" }, level.padEnd(5)), ` ${text}`, place && h("span", { class: "facts" }, `  (${place})`), "\n",
  ]));
}

function drawDiff(text) {
  const kind = (line) => (line.startsWith("+") ? "new" : line.startsWith("-") ? "old" : "");
  return h("pre", { tabindex: 0 }, text.split("\n").map((line) => h("span", { class: kind(line) }, `${line}\n`)));
}
