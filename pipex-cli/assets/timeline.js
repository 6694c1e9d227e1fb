// Which worker did what when.

import { fill, formatSeconds, go, h, pickHue, plural } from "dom";

const [LANE, LEFT, TOP] = [24, 110, 22];

export class TimelineView {
  constructor() {
    this.bar = h("div", { class: "bar" });
    this.canvas = h("canvas", {
      role: "img", tabindex: 0, onwheel: (event) => this.wheel(event), onpointermove: (event) => this.move(event), onkeydown: (event) => this.press(event),
      onclick: (event) => { const bar = this.find(event); if (bar) go({ task: bar.task.target ?? `#${bar.task.n}` }); },
    });
    this.frame = h("div", { class: "scroll" }, this.canvas);
    this.elements = [this.bar, this.frame];
    this.told = h("span", { class: "facts" });
    [this.start, this.span] = [0, null];
    new ResizeObserver(() => this.run && this.draw()).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.run && this.draw());
  }

  show(run) {
    if (this.run !== run) [this.start, this.span] = [0, null];
    const shown = JSON.stringify([run.id, run.changes]);
    if (this.shown === shown) return;
    Object.assign(this, { run, shown });
    this.end = Math.max(run.elapsed ?? run.until, run.until, 1e-6);
    this.place();
    this.critical = new Set(run.critical);
    const path = run.critical;
    const seconds = path.reduce((sum, n) => sum + (run.tasks[n]?.attempts ?? []).reduce((all, attempt) => all + attempt.elapsed, 0), 0);
    fill(this.bar,
      h("span", {}, plural(this.lanes.length, "worker")),
      path.length > 0 && h("span", { id: "critical" }, `critical path: ${plural(path.length, "task run")}, ${formatSeconds(seconds)}`),
      h("button", { type: "button", onclick: () => this.zoom(0.5) }, "closer"), h("button", { type: "button", onclick: () => this.zoom(2) }, "further"),
      h("button", { type: "button", onclick: () => { [this.start, this.span] = [0, null]; this.draw(); } }, "all"), this.told);
    this.canvas.setAttribute("aria-label", `timeline: ${plural(this.bars.length, "attempt")} on ${plural(this.lanes.length, "worker")} in ${formatSeconds(this.end)}`);
    this.draw();
  }

  /// A lane for each worker; one more wherever it did two things at a time.
  place() {
    this.bars = [];
    for (const task of this.run.tasks) {
      if (task && !task.part) for (const attempt of task.attempts) this.bars.push({ task, ...attempt });
    }
    this.bars.sort((a, b) => a.at - b.at);
    const lanes = new Map();
    for (const bar of this.bars) {
      const own = lanes.get(bar.worker) ?? lanes.set(bar.worker, []).get(bar.worker);
      let free = own.findIndex((lane) => lane.until <= bar.at + 1e-9);
      if (free < 0) free = own.push({ worker: bar.worker, until: 0 }) - 1;
      own[free].until = bar.at + bar.elapsed;
      bar.lane = own[free];
    }
    this.lanes = [...lanes.entries()].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true })).flatMap(([, own]) => own);
    this.lanes.forEach((lane, row) => { lane.row = row; });
  }

  draw() {
    const { clientWidth, clientHeight } = this.frame;
    const height = Math.max(TOP + this.lanes.length * LANE + 8, clientHeight - 4);
    const ratio = devicePixelRatio;
    Object.assign(this.canvas, { width: clientWidth * ratio, height: height * ratio });
    this.canvas.style.height = `${height}px`;
    const style = getComputedStyle(document.body);
    const color = (name) => style.getPropertyValue(name);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    const span = this.span ?? this.end;
    this.scale = (clientWidth - LEFT - 10) / span;
    context.fillStyle = color("--faint");
    for (const lane of this.lanes) context.fillText(lane.worker, 12, TOP + lane.row * LANE + 16);
    const step = 10 ** Math.floor(Math.log10(span / 4));
    for (let at = Math.ceil(this.start / step) * step; at <= this.start + span; at += step * Math.ceil(span / step / 8)) {
      context.fillText(formatSeconds(at) || "0", LEFT + (at - this.start) * this.scale, 14);
      context.fillRect(LEFT + (at - this.start) * this.scale, TOP - 4, 1, 4);
    }
    const light = style.getPropertyValue("--bar");
    context.beginPath();
    context.rect(LEFT, 0, clientWidth - LEFT, height);
    context.clip();
    // Those on the critical path last, so that none is hidden.
    for (const isCritical of [false, true]) {
      for (const bar of this.bars) {
        if (this.critical.has(bar.task.n) !== isCritical) continue;
        const [x, width] = [LEFT + (bar.at - this.start) * this.scale, Math.max(bar.elapsed * this.scale, 0.7)];
        if (x + width < LEFT || x > clientWidth) continue;
        const y = TOP + bar.lane.row * LANE + 3;
        context.fillStyle = `hsl(${pickHue(bar.task.function)} 55% ${light})`;
        context.fillRect(x, y, width, LANE - 6);
        if (bar.error || isCritical) {
          context.strokeStyle = color(isCritical ? "--ink" : "--critical");
          context.lineWidth = 2;
          context.strokeRect(x + 1, y + 1, Math.max(width - 2, 1), LANE - 8);
        }
      }
    }
  }

  find({ offsetX, offsetY }) {
    const at = this.start + (offsetX - LEFT) / this.scale;
    const near = 3 / this.scale;
    const row = Math.floor((offsetY - TOP) / LANE);
    return this.bars.findLast((bar) => bar.lane.row === row && bar.at - near <= at && at <= bar.at + bar.elapsed + near);
  }

  move(event) {
    const bar = this.find(event);
    this.told.textContent = bar ? `${bar.task.name}: ${formatSeconds(bar.elapsed)}, ${bar.state}` : "";
  }

  zoom(by, at = this.start + (this.span ?? this.end) / 2) {
    const span = Math.min((this.span ?? this.end) * by, this.end);
    this.start = Math.max(0, Math.min(at - (at - this.start) * by, this.end - span));
    this.span = span;
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.start + (event.offsetX - LEFT) / this.scale);
  }

  press(event) {
    const span = this.span ?? this.end;
    if (event.key === "+") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.start = Math.max(0, Math.min(this.start + (event.key === "ArrowLeft" ? -0.2 : 0.2) * span, this.end - span));
      this.draw();
    } else return;
    event.preventDefault();
  }
}
