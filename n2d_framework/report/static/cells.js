// The chosen cell: its scores, its manifold, and the figures of its stages.
let current = null;

function startCells() {
  if (!D.pictured.length || !$("cell")) return;
  const values = [...D.pictured.keys()];
  const chooser = select("cell", values, values.map(cellName), (value) => showCell(Number(value)));
  chooser.className = "wide";
  const step = (by, text, label) => el("button", { type: "button", "aria-label": label, onclick: () =>
    showCell((Number(chooser.lastElementChild.value) + by + values.length) % values.length) }, text);
  $("cell-controls").append(chooser, step(-1, "‹", "The cell before"), step(1, "›", "The next cell"));
  themeListeners.push(() => current && current.draw());
  addEventListener("resize", () => current && current.draw());
  addEventListener("scroll", () => current && current.follow(), { passive: true });
  showCell(0);
}

function cellName(place) {
  const { method, seed, data, metric, value } = D.pictured[place];
  const where = D.names.data.length > 1 ? `${data}: ` : "";
  return `${where}${method}, seed ${seed} (${metric} ${number(value)})`;
}

function showCell(place, go = false) {
  const entry = D.pictured[place];
  $("cell-controls").querySelector("select").value = String(place);
  const scores = el("dl", { class: "scores" });
  const same = entry.scores.coverage === 1;
  for (const [name, value] of Object.entries(entry.scores))
    if (!same || !name.endsWith("_clustered")) scores.append(el("div", {}, el("dt", {}, name), el("dd", {}, number(value))));
  const main = el("div", { class: "manifold" });
  const figures = el("div", { class: "figures" });
  for (const key of entry.figures) figures.append(document.importNode($(`figure-${key}`).content, true));
  const problems = entry.problems.map((text) => el("p", { class: "absent" }, text));
  $("cell").replaceChildren(scores, main, figures, ...problems);
  TIP.hidden = true;
  const set = D.sets[entry.data];
  current = entry.points && set ? scatter(main, entry, set) : null;
  if (go) $("cells").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}
