// The leaderboard: any number of rows, of which only those in sight are in the page.
const METRIC = Object.fromEntries(D.metrics.map((metric) => [metric.name, metric]));
const MANY_CHOICES = 300;

// Places of methods that have a score, the best first; ties in the order of the plan.
function ranked(places, metric) {
  const values = D.methods.mean[metric];
  const sign = METRIC[metric].less ? 1 : -1;
  return places.filter((p) => values[p] !== null)
    .sort((a, b) => sign * (values[a] - values[b]) || a - b);
}

const SPARE = 6;
const USUAL = ["acc", "nmi", "ari", "silhouette", "coverage", "n_clusters_found"];

function startTable() {
  const box = $("table");
  const state = { level: "methods", all: false, words: [], axes: {}, key: D.metric, up: METRIC[D.metric].less };
  const M = D.methods;
  const texts = M.name.map((name, i) => `${name} ${D.names.data[M.data[i]]}`.toLowerCase());
  const seedless = D.names.data.length < 2;
  // The height of a row is the style sheet's, and differs on narrow screens.
  let ROW = 1, columns = [], order = [], shown = new Map(), body, above, below;

  const methodOf = (row) => (state.level === "methods" ? row : D.cells.method[row]);

  function scoreColumn(name) {
    const metric = METRIC[name];
    const cells = state.level === "cells";
    const values = cells ? D.cells.scores[name] : M.mean[name];
    const draw = (row) => {
      const low = cells || !metric.interval ? null : M.low[name][row];
      const interval = low === null ? null
        : el("small", {}, `${number(low)} to ${number(M.high[name][row])}`);
      return [number(values[row]), interval];
    };
    const title = metric.less ? `${name} (less is better)` : name;
    return { key: name, title, numeric: true, best: metric.less, value: (row) => values[row], draw };
  }

  function makeColumns() {
    const cells = state.level === "cells";
    const found = [{ key: "method", title: "method", value: (row) => M.name[methodOf(row)], draw: drawMethod }];
    const plain = (key, title, value, draw, width) =>
      found.push({ key, title, numeric: true, best: true, value, draw: (row) => [draw(row)], width });
    if (!seedless) {
      const set = (row) => D.names.data[M.data[methodOf(row)]];
      found.push({ key: "data", title: "data", value: set, draw: (row) => [el("span", { class: "clamp", title: set(row) }, set(row))] });
    }
    if (cells) {
      plain("seed", "seed", (row) => D.cells.seed[row], (row) => String(D.cells.seed[row]), 4.5);
      found.push({ key: "status", title: "status", value: (row) => D.cells.status[row],
        draw: (row) => [status(D.statuses[D.cells.status[row]])] });
    }
    for (const { name } of D.metrics)
      if (state.all || name === D.metric || USUAL.includes(name)) found.push(scoreColumn(name));
    if (!cells) plain("done", "seeds", (row) => M.done[row], seeds, 6);
    const seconds = cells ? D.cells.seconds : M.seconds;
    plain("seconds", "fitting", (row) => seconds[row], (row) => duration(seconds[row]));
    if (cells) {
      const memory = D.cells.memory;
      plain("memory", "peak MiB", (row) => memory[row],
        (row) => (memory[row] === null ? "–" : Math.round(memory[row]).toLocaleString("en")));
    }
    return found;
  }

  const status = (word) => el("span", { class: word === "done" ? "" : "alarm" }, word);

  function seeds(row) {
    const [done, failed, cells] = [M.done[row], M.failed[row], M.cells[row]];
    if (done === cells) return String(done);
    const rest = failed ? `${failed} failed` : `${cells - done} waiting`;
    return el("span", { class: "alarm" }, `${done} of ${cells}`, el("small", {}, rest));
  }

  function drawMethod(row) {
    const method = methodOf(row);
    const place = D.pictured.findIndex((entry) => (state.level === "cells" ? entry.cell === row
      : entry.method === M.name[method] && entry.data === D.names.data[M.data[method]]));
    const text = el("span", { class: "clamp", title: M.name[method] }, ...name(M.name[method]));
    if (place < 0) return [text];
    const look = () => showCell(place, true);
    const label = `Pictures of ${M.name[method]}`;
    return [el("button", { type: "button", class: "look", "aria-label": label, title: "pictures", onclick: look }, "◉"), text];
  }

  function head() {
    columns = makeColumns();
    if (!columns.some(({ key }) => key === state.key)) [state.key, state.up] = [D.metric, METRIC[D.metric].less];
    const cells = columns.map((column) =>
      el("th", { scope: "col", class: column.numeric ? "n" : "" },
        el("button", { type: "button", onclick: () => sortBy(column) }, column.title, el("i", { "aria-hidden": "true" }))));
    body = el("tbody");
    above = el("tr", { "aria-hidden": "true" }, el("td", { colspan: columns.length }));
    below = above.cloneNode(true);
    body.append(above, below);
    const widths = columns.map(({ key, width, numeric }) =>
      el("col", { style: `width: ${key === "method" ? "var(--method)" : width ? `${width}rem` : numeric ? "var(--number)" : "var(--word)"}` }));
    const caption = `Scores, ${state.level === "methods" ? "one row per method and dataset" : "one row per cell"}`;
    box.replaceChildren(el("table", {}, el("caption", { class: "hidden" }, caption),
      el("colgroup", {}, ...widths), el("thead", {}, el("tr", {}, ...cells)), body));
    update();
  }

  function sortBy(column) {
    state.up = state.key === column.key ? !state.up : !column.numeric || column.best;
    state.key = column.key;
    update();
  }

  function fits(row) {
    const method = methodOf(row);
    for (const [axis, code] of Object.entries(state.axes)) {
      if (axis === "status") {
        if (!withStatus(row, method, code)) return false;
      } else if (axis === "n_clusters" ? String(M.n_clusters[method]) !== code : M[axis][method] !== Number(code)) return false;
    }
    return state.words.every((word) => texts[method].includes(word));
  }

  function withStatus(row, method, word) {
    if (state.level === "cells") {
      const found = D.statuses[D.cells.status[row]];
      return found === word || (found === "lost" && word === "failed");
    }
    if (word === "done") return M.done[method] > 0;
    if (word === "waiting") return M.done[method] + M.failed[method] < M.cells[method];
    return M.failed[method] > 0;
  }

  function update() {
    const count = state.level === "methods" ? M.name.length : D.cells.seed.length;
    const { value } = columns.find(({ key }) => key === state.key);
    const all = Array.from({ length: count }, (_, row) => row);
    const rows = all.filter(fits), sign = state.up ? 1 : -1;
    const missing = (found) => found === null || found === undefined;
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    order = rows.sort((a, b) => {
      const [first, second] = [value(a), value(b)];
      if (missing(first) || missing(second)) return missing(first) - missing(second) || a - b;
      return sign * compare(first, second) || a - b;
    });
    box.querySelectorAll("thead th").forEach((th, i) => {
      const mine = columns[i].key === state.key;
      th.setAttribute("aria-sort", mine ? (state.up ? "ascending" : "descending") : "none");
    });
    box.firstElementChild.setAttribute("aria-rowcount", order.length + 1);
    $("count").textContent = `${order.length.toLocaleString("en")} of ${count.toLocaleString("en")} rows`;
    shown.forEach((tr) => tr.remove());
    shown.clear();
    box.scrollTop = 0;
    draw();
  }

  function draw() {
    ROW = parseFloat(getComputedStyle(box).getPropertyValue("--row"));
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
    const last = Math.min(order.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + SPARE);
    for (const [place, tr] of shown)
      if (place < first || place >= last) { tr.remove(); shown.delete(place); }
    let next = below;
    for (let place = last - 1; place >= first; place--) {
      let tr = shown.get(place);
      if (!tr) {
        tr = line(place);
        body.insertBefore(tr, next);
        shown.set(place, tr);
      }
      next = tr;
    }
    above.firstChild.style.height = `${first * ROW}px`;
    below.firstChild.style.height = `${(order.length - last) * ROW}px`;
  }

  function line(place) {
    const row = order[place];
    const cells = columns.map((column, i) => i
      ? el("td", { class: column.numeric ? "n" : "" }, ...column.draw(row))
      : el("th", { scope: "row" }, el("div", {}, ...column.draw(row))));
    return el("tr", { "aria-rowindex": place + 2, class: place % 2 ? "odd" : "" }, ...cells);
  }

  function filters() {
    const known = { ...D.names };
    const numbers = [...new Set(M.n_clusters)].sort((a, b) => a - b);
    const choose = (axis) => (value) => {
      if (value === "") delete state.axes[axis]; else state.axes[axis] = value;
      update();
    };
    for (const [axis, names] of Object.entries(known))
      if (names.length > 1 && names.length <= MANY_CHOICES)
        $("filter-selects").append(select(axis, ["", ...names.keys()], ["all", ...names], choose(axis)));
    if (numbers.length > 1)
      $("filter-selects").append(select("clusters", ["", ...numbers], ["all", ...numbers.map((n) => n ?? "found")], choose("n_clusters")));
    $("filter-selects").append(select("status", ["", "done", "failed", "waiting"], ["all", "done", "failed", "waiting"], choose("status")));
  }

  filters();
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("input", (event) => {
    state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    update();
  });
  $("level").addEventListener("change", (event) => { state.level = event.target.value; shown.clear(); head(); });
  $("all-scores").addEventListener("change", (event) => { state.all = event.target.checked; shown.clear(); head(); });
  box.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", () => requestAnimationFrame(draw));
  head();
}
