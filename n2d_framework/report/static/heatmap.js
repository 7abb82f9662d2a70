// The grid: embedder and manifolder down, clusterer across.
const MOST_ROWS = 400;

// Controls that choose dataset, score and, where they vary, scaler and number of clusters.
function facets(parent, change) {
  const state = { data: 0, metric: D.metric, scaler: 0, n_clusters: null };
  const has = (metric) => D.methods.mean[metric].some((value, p) => value !== null && D.methods.data[p] === state.data);
  const set = (key, read) => (value) => {
    state[key] = read(value);
    // Data without true classes have other scores.
    if (key === "data" && !has(state.metric)) {
      state.metric = [...D.instead, ...names].find((metric) => METRIC[metric] && has(metric)) ?? D.metric;
      scores.lastElementChild.value = state.metric;
    }
    change(state);
  };
  const names = D.metrics.map(({ name }) => name);
  const titles = D.metrics.map(({ name, less }) => (less ? `${name} (less is better)` : name));
  const scores = select("score", names, titles, set("metric", String), D.metric);
  if (D.names.data.length > 1)
    parent.append(select("data", [...D.names.data.keys()], D.names.data, set("data", Number)));
  parent.append(scores);
  return { state, set };
}

function startHeatmap() {
  const M = D.methods, parent = $("heatmap-controls");
  const { state, set } = facets(parent, draw);
  const numbers = [...new Set(M.n_clusters)].filter((n) => n !== null).sort((a, b) => a - b);
  if (D.names.scaler.length > 1)
    parent.append(select("scaler", [...D.names.scaler.keys()], D.names.scaler, set("scaler", Number)));
  if (numbers.length) state.n_clusters = numbers[0];
  if (numbers.length > 1) parent.append(select("clusters", numbers, numbers, set("n_clusters", Number)));

  function draw() {
    const values = M.mean[state.metric];
    const places = [...M.name.keys()].filter((p) => M.data[p] === state.data && M.scaler[p] === state.scaler
      && (M.n_clusters[p] === state.n_clusters || M.n_clusters[p] === null));
    const known = places.map((p) => values[p]).filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const at = new Map(places.map((p) => [`${M.embedder[p]} ${M.manifolder[p]} ${M.clusterer[p]}`, p]));
    const pairs = [...new Map(places.map((p) => [`${M.embedder[p]} ${M.manifolder[p]}`, [M.embedder[p], M.manifolder[p]]])).values()]
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const across = [...new Set(places.map((p) => M.clusterer[p]))].sort((a, b) => a - b);
    const rows = pairs.slice(0, MOST_ROWS).map(([embedder, manifolder], i, all) => {
      const first = !i || all[i - 1][0] !== embedder;
      const span = all.filter((pair) => pair[0] === embedder).length;
      const cells = across.map((clusterer) => cell(at.get(`${embedder} ${manifolder} ${clusterer}`)));
      return el("tr", { class: first ? "first" : "" },
        first ? el("th", { scope: "rowgroup", rowspan: span }, ...name(D.names.embedder[embedder])) : null,
        el("th", { scope: "row" }, ...name(D.names.manifolder[manifolder])), ...cells);
    });
    function cell(place) {
      if (place === undefined) return el("td", { class: "none", title: "not in the grid" }, "");
      const value = values[place];
      if (value === null) return el("td", { class: "none" }, M.failed[place] ? "failed" : "–");
      const part = high > low ? (value - low) / (high - low) : 1;
      const good = METRIC[state.metric].less ? 1 - part : part;
      const made = el("td", { class: good > 0.5 ? "strong" : "", title: `${M.name[place]}: ${number(value)}` }, number(value));
      made.style.setProperty("--part", `${Math.round(good * 100)}%`);
      return made;
    }
    const title = `${state.metric} on ${D.names.data[state.data]}`;
    const head = [el("th", { scope: "col" }, "embedder"), el("th", { scope: "col" }, "manifolder"),
      ...across.map((clusterer) => el("th", { scope: "col", class: "n" }, ...name(D.names.clusterer[clusterer])))];
    $("heatmap-table").replaceChildren(el("table", { class: "heat" }, el("caption", { class: "hidden" }, title),
      el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
    const cut = pairs.length > MOST_ROWS ? ` The first ${MOST_ROWS} of ${pairs.length} rows.` : "";
    $("heatmap-note").textContent = known.length ? `From ${number(low)} to ${number(high)}; stronger is better.${cut}` : "No cell has this score.";
  }
  draw();
}
