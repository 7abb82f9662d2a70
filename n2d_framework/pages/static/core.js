// What all parts share: the data, small helpers, colours that follow the theme.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

// An element; texts are only ever set as text.
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function select(label, values, names, change, chosen = values[0]) {
  const options = values.map((value, i) =>
    el("option", { value: String(value), selected: value === chosen }, String(names[i])));
  const made = el("select", { onchange: () => change(made.value) }, ...options);
  return el("label", {}, `${label} `, made);
}

function number(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) && Math.abs(value) >= 1) return value.toLocaleString("en");
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(3);
}

function duration(seconds) {
  if (seconds === null) return "–";
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

// A name that breaks where it reads well.
function name(text) {
  const parts = text.split(/(?<=[(,/])/);
  return parts.flatMap((part, i) => (i ? [el("wbr"), part] : [part]));
}

// A CSS variable as the colour it stands for now.
const probe = el("span", { hidden: true });
document.body.append(probe);
function colour(variable) {
  probe.style.color = `var(${variable})`;
  return getComputedStyle(probe).color;
}

const themeListeners = [];
function startTheme() {
  const button = $("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const signs = { "": "◐", light: "☀", dark: "☾" };
  const words = { "": "as the system", light: "light", dark: "dark" };
  let chosen = "";
  button.addEventListener("click", () => {
    const opposite = system.matches ? "light" : "dark";
    const same = system.matches ? "dark" : "light";
    chosen = { "": opposite, [opposite]: same, [same]: "" }[chosen];
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    button.setAttribute("aria-label", `Colours: ${words[chosen]}`);
    button.firstElementChild.textContent = signs[chosen];
    themeListeners.forEach((listener) => listener());
  });
  system.addEventListener("change", () => themeListeners.forEach((listener) => listener()));
}
