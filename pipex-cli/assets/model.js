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
    /// Those that go on.
    this.running = new Set();
    /// How often the task runs of one function took outputs of another, or files that no task run of this one made.
    this.edges = new Map();
    /// By task function, what the last complete run had.
    this.former = {};
    /// How often something has changed.
    this.changes = 0;
    this.head = null;
    this.critical = [];
    this.isOver = false;
    this.elapsed = null;
    /// The end of what was told of last, in seconds since the run started.
    this.until = 0;
  }

  apply(update) {
    this.changes += 1;
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
    if (task.state === "Running") this.running.add(task.n);
    else this.running.delete(task.n);
    this.until = Math.max(this.until, task.at);
    // What began has no end yet, and what ended ends something that began.
    if (update.elapsed > 0) {
      const { at, elapsed, state, attempt, error } = update;
      const worker = update.elsewhere ?? `worker ${update.worker}`;
      task.attempts = [...task.attempts, { at, elapsed, state, worker, attempt, error }];
      this.until = Math.max(this.until, at + elapsed);
    }
    for (const [parameter] of task.given ?? []) this.functions[task.function].parameters.add(parameter);
    this.tasks[update.n] = task;
    if (task.target !== undefined) this.byTarget.set(task.target, task.n);
    this.count(task, 1);
    if (update.inputs) this.link(task);
  }

  /// The task run of this run that has this number, or makes this target.
  find(input) {
    return this.tasks[typeof input === "number" ? input : this.byTarget.get(input)];
  }

  /// Counts from where its inputs are, in place of those that it had.
  link(task) {
    const add = (key, by) => {
      const count = (this.edges.get(key) ?? 0) + by;
      if (count) this.edges.set(key, count);
      else this.edges.delete(key);
    };
    task.links?.forEach((key) => add(key, -1));
    task.links = task.part ? [] : task.inputs.map((input) => nameEdge(this.find(input)?.function ?? FILES, task.function));
    task.links.forEach((key) => add(key, 1));
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
    this.changes += 1;
    for (const task of this.tasks) if (task) this.count(task, -1);
    this.isOver = true;
    // They are not what they were.
    for (const n of this.running) this.tasks[n] = { ...this.tasks[n] };
    for (const task of this.tasks) if (task) this.count(task, 1);
    this.elapsed = elapsed ?? this.until;
  }

  /// Takes what earlier runs tell of outputs that this one has not made.
  setEarlier({ outputs, tasks }) {
    this.changes += 1;
    this.former = tasks;
    const known = new Map(outputs.map((output) => [output.target, output]));
    for (const task of this.tasks) {
      const output = task && known.get(task.target);
      if (!output) continue;
      task.given ??= output.given;
      if (!task.inputs) {
        task.inputs = output.inputs;
        this.link(task);
      }
      task.search = null;
      for (const [parameter] of task.given ?? []) this.functions[task.function].parameters.add(parameter);
    }
  }

  counts() {
    const all = newCounts();
    for (const { counts } of this.functions.filter(Boolean)) for (const name of Object.keys(all)) all[name] += counts[name];
    return all;
  }

  /// How many seconds it has taken by now.
  seconds() {
    if (this.isOver || !this.head) return this.elapsed ?? this.until;
    return Math.max(this.until, (Date.now() - Date.parse(this.head.started)) / 1_000 || 0);
  }

  /// How many task runs there will be, as far as the last complete run tells, and for how many seconds the rest will take: what
  /// is not done, by what it took before, at the pace of what is.
  progress() {
    const counts = this.counts();
    const done = countEnded(counts);
    if (this.isOver) return { done, expected: counts.total, seconds: null };
    const mean = (name) => this.former[name]?.mean ?? 0;
    const known = new Map(Object.keys(this.former).map((name) => [name, [0, 0]]));
    for (const { name, counts: own } of this.functions.filter(Boolean)) {
      const [total, ended] = known.get(name) ?? [0, 0];
      known.set(name, [total + own.total, ended + countEnded(own)]);
    }
    let [expected, was, left] = [0, 0, 0];
    for (const [name, [begun, ended]] of known) {
      const total = Math.max(begun, this.former[name]?.count ?? 0);
      expected += total;
      was += ended * mean(name);
      left += (total - ended) * mean(name);
    }
    const now = this.seconds();
    for (const n of this.running) {
      const { at, function: number } = this.tasks[n];
      const { name } = this.functions[number];
      const begun = Math.min(now - at, mean(name));
      was += begun;
      left -= begun;
    }
    return { done, expected, seconds: was > 0 ? (Math.max(left, 0) * now) / was : null };
  }
}

const countEnded = (counts) => counts.completed + counts.cached + counts.failed + counts.skipped;

/// The name of what leads from one box of a graph to another.
export const nameEdge = (from, to) => JSON.stringify([String(from), String(to)]);

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
