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
/// What has happened waits until then to be drawn.
let rest = 0;
let timer = null;

/// Draws once, however much has happened since: at once if nothing was drawn for a while, else twice a second, and so seldom that
/// it takes a twentieth of the time at most. A page that is not seen is not drawn.
function schedule() {
  timer ??= setTimeout(() => requestAnimationFrame(() => { timer = null; render(); }), rest - performance.now());
}

/// Draws what somebody is waiting for.
function render() {
  const began = performance.now();
  draw();
  const now = performance.now();
  if (run?.tasks.length) rest = now + Math.max(500, 20 * (now - began));
}

function draw() {
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
    drawHead();
    VIEWS[view].show(run);
    if (run.tasks.length || run.isOver) document.body.dataset.drawn ??= String(Math.round(performance.now()));
  }
  document.body.dataset.tasks = String(run?.tasks.length ?? 0);
  showTask(run, route().task);
}

const drawHead = () => showHead(run, overview.runs.find((entry) => entry.run === run.id));
// How long it will still take goes by the clock, too.
setInterval(() => { if (run && !run.isOver && !document.hidden) drawHead(); }, 5_000);

/// Follows the run that the address names, else the last.
function choose() {
  const wanted = route().run ?? reportedRun ?? overview.runs.findLast((entry) => entry.mode !== "do_nothing")?.run;
  if (wanted === run?.id && run) return;
  stop();
  rest = 0;
  run = wanted ? new Run(wanted) : null;
  const own = run;
  stop = follow(wanted, {
    updates(updates) {
      updates.forEach((update) => own?.apply(update));
      schedule();
      // When what has happened is drawn, and not before.
      requestAnimationFrame(() => setTimeout(() => loadEarlier(own)));
    },
    runs: takeRuns,
    over() {
      own?.end();
      // Nothing more comes that it could wait for.
      requestAnimationFrame(render);
      loadEarlier(own);
      loadRuns();
    },
    connection(text) { find("connection").textContent = text; },
  });
  showRuns(overview);
  schedule();
}

/// What earlier runs tell: of one that takes some seconds, when it does, and of its outputs, once some were there already; of
/// all outputs when it is over. It takes its time, which the run may need.
async function loadEarlier(of) {
  const isLong = of?.isOver || of?.seconds() > 2;
  if (!isLong) return;
  const outputs = of.isOver || of.counts().cached > 0 || "";
  const asked = `${of.isOver} ${outputs}`;
  if (of.asked === asked) return;
  of.asked = asked;
  const { program = "", flow } = of.head ?? {};
  const earlier = await ask("earlier", { run: of.id, program, ...(flow && { flow }), ...(outputs && { outputs }) }).catch(() => null);
  if (earlier) {
    of.setEarlier(earlier);
    schedule();
  }
}

let loading = null;

/// Once at a time; once more, if it was called meanwhile.
async function loadRuns() {
  if (loading) {
    loading.again = true;
    return;
  }
  loading = {};
  overview = await ask("runs").catch(() => overview);
  const { again } = loading;
  loading = null;
  showOverview();
  if (again) await loadRuns();
}

/// Runs have begun or ended. Of those that have begun, nothing needs to be asked.
function takeRuns({ count, live }) {
  const goesOn = new Set(live.map((entry) => entry.run));
  const known = new Set(overview.runs.map((entry) => entry.run));
  overview.runs.push(...live.filter((entry) => !known.has(entry.run)));
  const hasEnded = (entry) => entry.state === "running" && !goesOn.has(entry.run);
  if (overview.runs.length !== count || overview.runs.some(hasEnded)) loadRuns();
  else showOverview();
}

function showOverview() {
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
    // What was typed stays, which browsers may clear.
    event.preventDefault();
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
addEventListener("hashchange", () => { choose(); showRuns(overview); render(); });
addEventListener("keydown", press);
addEventListener("pipex-changed", loadRuns);
if (!isLive) document.body.dataset.report = "";


await loadRuns();
