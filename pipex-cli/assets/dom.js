// Elements and texts. Whatever a project names is text here: nothing is ever parsed as markup, and no address is made of it.

const SVG = "http://www.w3.org/2000/svg";

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...keep(children));
  return element;
}

/// What is not there is left out.
const keep = (children) => children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false && child !== "");

/// In place of what the element has.
export const fill = (element, ...children) => element.replaceChildren(...keep(children));

/// What has this text already is not laid out again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);
export const find = (id) => document.getElementById(id);

export function formatSeconds(seconds) {
  if (seconds === undefined || seconds === null) return "";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export function formatBytes(bytes) {
  if (!bytes) return "";
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), 4);
  return power === 0 ? `${bytes} B` : `${(bytes / 1000 ** power).toFixed(1)} ${["", "kB", "MB", "GB", "TB"][power]}`;
}

export function formatMoment(text) {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export const plural = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
export const chip = (name, text = name) => h("span", { class: `chip ${name}` }, text.replaceAll("_", " "));
/// Far from those before it, for as many functions as there are.
export const pickHue = (number) => (number * 137.508) % 360;

// What stands behind `#`: which run, view, function and task is shown. So it can be linked to.
export const route = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
export function linkTo(changes) {
  const next = Object.entries({ ...route(), ...changes }).filter(([, value]) => value);
  return `#${new URLSearchParams(next)}`;
}
export function go(changes) {
  const hash = linkTo(changes);
  if (hash !== location.hash) location.hash = hash;
}
