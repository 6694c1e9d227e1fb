// The page: what of it is shown, and when.

import { fill, find, go, h, route } from "dom";
import { GraphView } from "graph";
import { Run } from "model";
import { showHead, showRuns } from "runs";
import { StatusView, open } from "status";
import { showTask } from "task";
import { TasksView } from "tasks";
import { TimelineView } from "timeline";
import { ask, follow, isLive, reportedRun } from "source";

const VIEWS = { graph: new GraphView(), tasks: new TasksView(), timeline: new TimelineView(), status: new StatusView() };
let overview = { runs: [], root: "" };
let run = null;
let stop = () => {};
let shownView = null;
let frame = null;

/// Draws once, however much has happened since.
function schedule() {
  frame ??= requestAnimationFrame(() => { frame = null; render(); });
}

function render() {
  const view = VIEWS[route().view] ? route().view : "graph";
  if (shownView !== view) {
    shownView = view;
    fill(find("view"), ...VIEWS[view].elements);
    find("view").setAttribute("aria-labelledby", `tab-${view}`);
  }
  for (const tab of find("tabs").children) {
    const isShown = tab.id === `tab-${view}`;
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
  }
  if (run) {
    showHead(run, overview.runs.find((entry) => entry.run === run.id));
    VIEWS[view].show(run);
    if (run.tasks.length || run.isOver) document.body.dataset.drawn ??= String(Math.round(performance.now()));
  }
  document.body.dataset.tasks = String(run?.tasks.length ?? 0);
  showTask(run, route().task);
}

/// Follows the run that the address names, else the last.
function choose() {
  const wanted = route().run ?? reportedRun ?? overview.runs.findLast((entry) => entry.mode !== "do_nothing")?.run;
  if (wanted === run?.id && run) return schedule();
  stop();
  run = wanted ? new Run(wanted) : null;
  const own = run;
  stop = follow(wanted, {
    updates(updates) {
      updates.forEach((update) => own?.apply(update));
      schedule();
      // When what has happened is drawn, and not before.
      requestAnimationFrame(() => setTimeout(() => loadFormer(own)));
    },
    runs: loadRuns,
    over() {
      own?.end();
      schedule();
      loadFormer(own);
    },
    connection(text) { find("connection").textContent = text; },
  });
  showRuns(overview);
  schedule();
}

/// Once, and once more when the run is over: then it tells of all outputs.
async function loadFormer(of) {
  if (!of || of.asked === of.isOver) return;
  of.asked = of.isOver;
  const former = await ask("former", { run: of.id }).catch(() => null);
  if (former) {
    of.setFormer(former);
    schedule();
  }
}

async function loadRuns() {
  overview = await ask("runs").catch(() => overview);
  // Until somebody chooses one, it is the last.
  if (!route().run || !run) choose();
  showRuns(overview);
  schedule();
}

const KEYS = [["/", "filter"], ["1 to 4", "graph, tasks, timeline, status"], ["j, k, arrows", "through a list"], ["[ and ]", "the run after, the run before"], ["Esc", "close the output, or leave the filter"], ["+, -, arrows", "in the timeline"]];
const showKeys = () => open(h("h2", { id: "dialog-title" }, "Keys"), h("dl", {}, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
  h("button", { type: "button", onclick: () => find("dialog").close() }, "close"));

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog").open) return;
  const isTyping = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (isTyping) event.target.blur();
    else go({ task: "" });
  }
  if (isTyping) return;
  const names = Object.keys(VIEWS);
  if (event.key === "/") find("search").focus();
  else if (event.key === "?") showKeys();
  else if (names[Number(event.key) - 1]) go({ view: names[Number(event.key) - 1] });
  else if (event.key === "j" || event.key === "k") find("view").querySelector(".list")?.focus();
  else if (event.key === "[" || event.key === "]") {
    const at = overview.runs.findIndex((entry) => entry.run === run?.id) + (event.key === "[" ? 1 : -1);
    if (overview.runs[at]) go({ run: overview.runs[at].run, task: "" });
  } else return;
  event.preventDefault();
}

for (const name of Object.keys(VIEWS)) {
  find("tabs").append(h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "view", onclick: () => go({ view: name }) }, name));
}
find("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...find("tabs").children];
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});
find("search").addEventListener("input", () => { render(); });
find("help").addEventListener("click", showKeys);
addEventListener("hashchange", () => { choose(); showRuns(overview); });
addEventListener("keydown", press);
addEventListener("pipex-changed", loadRuns);
if (!isLive) document.body.dataset.report = "";


await loadRuns();
