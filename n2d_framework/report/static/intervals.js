// Means over seeds with their intervals, the best methods of a dataset.
const MOST_INTERVALS = 25;

function startIntervals() {
  const M = D.methods;
  const { state } = facets($("intervals-controls"), draw);
  const seedsOf = new Map();
  if (D.cells) D.cells.method.forEach((method, cell) => {
    if (!seedsOf.has(method)) seedsOf.set(method, []);
    seedsOf.get(method).push(cell);
  });

  function draw() {
    const { metric } = state;
    const all = ranked([...M.name.keys()].filter((p) => M.data[p] === state.data), metric);
    const best = all.slice(0, MOST_INTERVALS);
    const bounds = (p) => (METRIC[metric].interval && M.low[metric][p] !== null ? [M.low[metric][p], M.high[metric][p]] : null);
    const seeds = (p) => (D.cells ? (seedsOf.get(p) || []).map((cell) => D.cells.scores[metric][cell]).filter((v) => v !== null) : []);
    const values = best.flatMap((p) => [M.mean[metric][p], ...(bounds(p) || []), ...seeds(p)]);
    const axis = ticks(Math.min(...values), Math.max(...values));
    const place = (value) => `${(100 * (value - axis.low)) / (axis.high - axis.low)}%`;
    const rows = best.map((p) => {
      const track = el("div", { class: "track", "aria-hidden": "true" });
      for (const tick of axis.at) track.append(mark("grid", place(tick)));
      for (const seed of seeds(p)) track.append(mark("seed", place(seed)));
      const range = bounds(p);
      if (range) {
        const bar = mark("bar", place(range[0]));
        bar.style.width = `calc(${place(range[1])} - ${place(range[0])})`;
        track.append(bar);
      }
      track.append(mark("mean", place(M.mean[metric][p])));
      const text = range ? `${number(M.mean[metric][p])}, ${number(range[0])} to ${number(range[1])}` : number(M.mean[metric][p]);
      return el("li", {}, el("span", { class: "name" }, ...name(M.name[p])), track, el("span", { class: "value" }, text));
    });
    const scale = el("div", { class: "track scale", "aria-hidden": "true" },
      ...axis.at.map((tick) => { const made = mark("tick", place(tick)); made.textContent = axis.text(tick); return made; }));
    const foot = el("li", { class: "foot", role: "presentation" }, el("span", { class: "name" }), scale, el("span", { class: "value" }));
    $("intervals-chart").replaceChildren(el("ol", { class: "intervals" }, ...rows, ...(best.length ? [foot] : [])));
    const cut = all.length > best.length ? ` The best ${best.length} of ${all.length} methods.` : "";
    const less = METRIC[metric].less ? " Less is better." : "";
    $("intervals-note").textContent = best.length ? `${metric} on ${D.names.data[state.data]}.${less}${cut}` : "No cell has this score.";
  }

  function mark(kind, left) {
    const made = el("i", { class: kind });
    made.style.left = left;
    return made;
  }

  // Round numbers that enclose the values.
  function ticks(low, high) {
    if (!(high > low)) { low -= Math.abs(low) * 0.05 || 0.05; high += Math.abs(high) * 0.05 || 0.05; }
    const rough = (high - low) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const first = Math.floor(low / step), last = Math.ceil(high / step);
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    return { low: first * step, high: last * step, at: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
      text: (tick) => (Math.abs(tick) >= 1e4 ? tick.toLocaleString("en", { notation: "compact" }) : tick.toFixed(digits)) };
  }
  draw();
}
