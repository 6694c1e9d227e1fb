// A run: what its journal has said by now, line by line.

export const GROUPS = ["running", "completed", "cached", "failed", "skipped", "waiting"];

/// The box of files that no task run of this one made.
export const FILES = "files";

const GROUP_OF = {
  Running: "running", Completed: "completed", Cached: "cached", Failed: "failed", Crashed: "failed", TimedOut: "failed",
  NotReady: "skipped", Cancelled: "skipped",
};

/// What a task run counts as.
export function groupOf(task, run) {
  // What was running when its process was killed has no other end.
  if (task.state === "Running" && run.isOver) return "failed";
  return GROUP_OF[task.state] ?? "waiting";
}

export class Run {
  constructor(id) {
    this.id = id;
    this.functions = [];
    this.tasks = [];
    this.byTarget = new Map();
    this.former = null;
    this.head = null;
    this.critical = [];
    this.isOver = false;
    this.elapsed = null;
    this.began = performance.now();
    /// The end of what was told of last, in seconds since the run started.
    this.until = 0;
  }

  apply(update) {
    if (update.kind === "run") this.head = update.head;
    else if (update.kind === "function") this.functions[update.number] = { ...update, parameters: new Set(), counts: newCounts() };
    else if (update.kind === "task") this.applyTask(update);
    else if (update.kind === "critical") this.critical = update.path;
    else if (update.kind === "over") this.end(update.elapsed);
  }

  applyTask(update) {
    const known = this.tasks[update.n];
    const counts = this.functions[update.function]?.counts;
    if (!counts) return;
    if (known) this.count(known, -1);
    const task = { attempts: [], ...known, ...update, search: null };
    // What began has no end yet, and what ended ends something that began.
    if (update.elapsed > 0) {
      const { at, elapsed, state, attempt, error } = update;
      const worker = update.elsewhere ?? `worker ${update.worker}`;
      task.attempts = [...task.attempts, { at, elapsed, state, worker, attempt, error }];
      this.until = Math.max(this.until, at + elapsed);
    }
    for (const [parameter] of task.given ?? []) this.functions[task.function].parameters.add(parameter);
    this.tasks[update.n] = task;
    if (task.target !== undefined) this.byTarget.set(task.target, task);
    this.count(task, 1);
  }

  count(task, by) {
    if (task.part) return;
    const { counts } = this.functions[task.function];
    counts[groupOf(task, this)] += by;
    counts.total += by;
    counts.bytes += by * (task.bytes ?? 0);
    counts.seconds += by * task.attempts.reduce((sum, attempt) => sum + attempt.elapsed, 0);
  }

  end(elapsed) {
    if (this.isOver) return;
    for (const task of this.tasks) if (task) this.count(task, -1);
    this.isOver = true;
    for (const task of this.tasks) if (task) this.count(task, 1);
    this.elapsed = elapsed ?? this.until;
  }

  /// Takes what earlier runs tell of outputs that this one has not made.
  setFormer(former) {
    this.former = former;
    const outputs = new Map(former.outputs.map((output) => [output.target, output]));
    for (const task of this.tasks) {
      const output = task && outputs.get(task.target);
      if (!output) continue;
      task.given ??= output.given;
      task.inputs ??= output.inputs;
      task.search = null;
      for (const [parameter] of task.given ?? []) this.functions[task.function].parameters.add(parameter);
    }
  }

  /// How many task runs of one function took outputs of another, or files that no task run of this one made.
  edges(groupNode = (task) => String(task.function)) {
    const edges = new Map();
    for (const task of this.tasks) {
      if (!task || task.part) continue;
      for (const input of task.inputs ?? []) {
        const from = typeof input === "number" ? this.tasks[input] : this.byTarget.get(input);
        const key = JSON.stringify([from ? groupNode(from) : FILES, groupNode(task)]);
        edges.set(key, (edges.get(key) ?? 0) + 1);
      }
    }
    return edges;
  }

  counts() {
    const all = newCounts();
    for (const { counts } of this.functions.filter(Boolean)) for (const name of Object.keys(all)) all[name] += counts[name];
    return all;
  }

  /// How many task runs there will be, as far as the last complete run tells, and for how many seconds the rest will take: what
  /// such task runs took before, on as many workers as there are.
  progress() {
    const counts = this.counts();
    const done = counts.completed + counts.cached + counts.failed + counts.skipped;
    const expected = Math.max(counts.total, this.isOver ? 0 : this.former?.tasks ?? 0);
    if (this.isOver || !done) return { done, expected, seconds: null };
    const workers = new Set(this.tasks.flatMap((task) => task?.attempts ?? []).map(({ worker }) => worker)).size || 1;
    let [known, seconds] = [counts.completed, counts.seconds];
    for (const [count, sum] of Object.values(this.former?.seconds ?? {})) [known, seconds] = [known + count, seconds + sum];
    const rest = known && expected > done ? (((expected - done) * seconds) / known / workers) : null;
    return { done, expected, seconds: rest };
  }
}

function newCounts() {
  return { ...Object.fromEntries(GROUPS.map((group) => [group, 0])), total: 0, seconds: 0, bytes: 0 };
}

/// A question such as `function:clean state:failed EWR`: all of its words have to hold.
export function buildFilter(run, text, functionName, key) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const only = (prefix) => words.filter((word) => word.startsWith(prefix)).map((word) => word.slice(prefix.length));
  const [functions, states] = [only("function:"), only("state:")];
  const rest = words.filter((word) => !/^(function|state):/.test(word));
  const [parameter, value] = key ? splitKey(key) : [];
  return (task) => {
    const name = run.functions[task.function].name;
    if (functionName && name !== functionName) return false;
    if (functions.length && !functions.every((word) => name.toLowerCase().includes(word))) return false;
    if (states.length && !states.every((word) => groupOf(task, run).startsWith(word) || task.state.toLowerCase() === word)) return false;
    if (parameter && !(task.given ?? []).some((given) => given[0] === parameter && given[1] === value)) return false;
    if (!rest.length) return true;
    task.search ??= [task.name, task.target, task.error, ...(task.given ?? []).flat()].join("\n").toLowerCase();
    return rest.every((word) => task.search.includes(word));
  };
}

/// `station="EWR"`.
export const splitKey = (key) => [key.slice(0, key.indexOf("=")), key.slice(key.indexOf("=") + 1)];
