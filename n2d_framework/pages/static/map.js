// The map: points drawn pixel by pixel, names that never overlap, a lasso, and what a point is.
const REACH = 12;

function unpack(text, type) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new type(bytes.buffer);
}

// Any colour of CSS as numbers from 0 to 255.
const ink = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgb(css) {
  probe.style.color = css;
  ink.fillStyle = getComputedStyle(probe).color;
  ink.fillRect(0, 0, 1, 1);
  return [...ink.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function startMap() {
  const P = D.points, n = P.n, canvas = $("map-canvas"), pen = canvas.getContext("2d"), TIP = $("tip");
  const X = unpack(P.x, Uint16Array), Y = unpack(P.y, Uint16Array), ROW = unpack(P.row, Uint32Array);
  const CLUSTER = unpack(P.cluster, Uint16Array);
  // Counts of all rows, where only some of them are points.
  const CELLS = P.cells && { side: P.cells.side, at: unpack(P.cells.at, Uint32Array), cluster: unpack(P.cells.cluster, Uint16Array), depth: unpack(P.cells.depth, Uint8Array) };
  const CLASS = P.class === null ? null : unpack(P.class, Uint16Array);
  // Shares from 0 to 1, in bytes.
  const SHARES = ["strength", "confidence"].filter((title) => P[title] !== null)
    .map((title) => ({ title, values: unpack(P[title], Uint8Array), low: 0, high: 255, shown: [0, 1] }));
  const COLUMNS = P.columns.filter(({ values }) => values).map(({ values, double, ...rest }) =>
    ({ ...rest, values: unpack(values, double ? Float64Array : Float32Array) }));
  const state = { by: "cluster", only: null, found: null, at: -1, zoom: 1, cx: 0.5, cy: 0.5, lasso: null, selecting: false };
  const idOf = (i) => (D.ids ? D.ids[i] : `row ${ROW[i]}`);
  const clusterColour = (place) => D.clusters[place].colour;

  const { groups, ramps, choices } = paints(P, CLUSTER, CLASS, SHARES, COLUMNS);
  let palette = null, width = 0, height = 0, ratio = 1, side = 1, waiting = false;
  function inks() {
    if (state.by in groups) return groups[state.by].names.map((_, place) => rgb(groups[state.by].colour(place)));
    const stops = [...Array(11).keys()].map((i) => rgb(`var(--ramp-${10 - i})`));
    const scale = [...Array(256).keys()].map((level) => {
      const at = (level / 255) * 10, low = Math.min(9, Math.floor(at)), part = at - low;
      return stops[low].map((value, i) => value + part * (stops[low + 1][i] - value));
    });
    return [...scale, rgb("var(--noise)")];
  }
  function level(i) {
    return state.by in groups ? groups[state.by].of[i] : levelOn(ramps[state.by], i);
  }

  function fit() {
    const box = canvas.getBoundingClientRect();
    ratio = devicePixelRatio || 1;
    width = canvas.width = Math.max(1, Math.round(box.width * ratio));
    height = canvas.height = Math.max(1, Math.round(box.height * ratio));
    side = Math.min(width / (P.extent[0] + 0.08), height / (P.extent[1] + 0.08));
    redraw();
  }
  const toX = (x) => (x - state.cx) * side * state.zoom + width / 2;
  const toY = (y) => (y - state.cy) * side * state.zoom + height / 2;
  const backX = (px) => (px - width / 2) / (side * state.zoom) + state.cx;
  const backY = (py) => (py - height / 2) / (side * state.zoom) + state.cy;

  // Points are painted again only if they look different: a ring or a line is drawn over them.
  let picture = null, stale = true;
  function redraw(changed = true) {
    stale = stale || changed;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }
  function faded(i) {
    if (state.found) return !state.found[i];
    return state.only !== null && state.by in groups && groups[state.by].of[i] !== state.only;
  }
  const sizeNow = () => Math.max(1, Math.min(9, Math.round(ratio * Math.sqrt((60000 / (n + 2000)) * state.zoom) * 0.9 + 1)));
  function paintCells(data) {
    const { side: cells, at, cluster, depth } = CELLS;
    const ends = (to, place, end) => [Math.max(0, Math.round(to(place / cells))), Math.min(end, Math.round(to((place + 1) / cells)))];
    at.forEach((place, i) => {
      const [left, right] = ends(toX, place % cells, width), [top, bottom] = ends(toY, Math.floor(place / cells), height);
      const [r, g, b] = palette[cluster[i]], a = 25 + 0.5 * depth[i];
      for (let line = top; line < bottom; line++)
        for (let column = left; column < right; column++) data.set([r, g, b, a], 4 * (line * width + column));
    });
  }
  function paintPoints() {
    palette = palette || inks();
    const image = pen.createImageData(width, height), data = image.data, size = sizeNow();
    const half = size >> 1, round = size > 3, alpha = n > 20000 && state.zoom < 4 ? 0.6 : 0.9;
    const some = state.found !== null || state.only !== null;
    if (CELLS && !some && state.by === "cluster" && state.zoom < 4) paintCells(data);
    for (let pass = some ? 0 : 1; pass < 2; pass++)
      for (let i = 0; i < n; i++) {
        if (some && faded(i) === (pass === 1)) continue;
        const px = Math.round(toX(X[i] / 65535)) - half, py = Math.round(toY(Y[i] / 65535)) - half;
        if (px < -size || py < -size || px >= width || py >= height) continue;
        const [r, g, b] = palette[level(i)], a = pass ? alpha : 0.08;
        for (let dy = 0; dy < size; dy++) {
          const line = py + dy;
          if (line < 0 || line >= height) continue;
          for (let dx = 0; dx < size; dx++) {
            const column = px + dx;
            if (column < 0 || column >= width) continue;
            if (round && (dx === 0 || dx === size - 1) && (dy === 0 || dy === size - 1)) continue;
            const o = 4 * (line * width + column), was = data[o + 3] / 255, now = a + was * (1 - a);
            data[o] = (r * a + data[o] * was * (1 - a)) / now;
            data[o + 1] = (g * a + data[o + 1] * was * (1 - a)) / now;
            data[o + 2] = (b * a + data[o + 2] * was * (1 - a)) / now;
            data[o + 3] = 255 * now;
          }
        }
      }
    return image;
  }
  function draw() {
    if (stale) picture = paintPoints();
    const size = sizeNow();
    pen.putImageData(picture, 0, 0);
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = colour("--ink");
    if (state.at >= 0) {
      pen.beginPath();
      pen.arc(toX(X[state.at] / 65535), toY(Y[state.at] / 65535), size / 2 + 4 * ratio, 0, 7);
      pen.stroke();
    }
    if (state.lasso) {
      pen.beginPath();
      state.lasso.forEach(([x, y], i) => (i ? pen.lineTo(toX(x), toY(y)) : pen.moveTo(toX(x), toY(y))));
      if (!state.selecting) pen.closePath();
      pen.stroke();
    }
    if (stale) placeNames();
    drawLeads();
    stale = false;
  }

  // Names of clusters, the largest first. One that would cover another stands beside it, with a line
  // to its cluster; where there is no room for it either, it waits for a closer look.
  const marks = D.clusters.map((cluster) => (cluster.label === -1 ? null : el("span", {}, cluster.name)));
  $("map-names").append(...marks.filter(Boolean));
  const MOVED = 100, FAR = [1.2, 2.4, 3.6, 5], besides = new Map();
  const SIDES = [[0, -1], [0, 1], [0.6, -1], [-0.6, -1], [0.6, 1], [-0.6, 1], [0.6, 0], [-0.6, 0], [1, 0], [-1, 0], [1, -1], [-1, -1], [1, 1], [-1, 1]];
  // How far a name may go to the right and down, the nearest places first.
  function beside(i) {
    const [w, h] = boxes[i];
    if (!besides.has(i))
      besides.set(i, FAR.flatMap((far) => SIDES.map(([x, y]) => [x * (w + far * h), y * far * h])).sort((one, other) => Math.hypot(...one) - Math.hypot(...other)));
    return besides.get(i);
  }
  const spread = spreads(X, Y, CLUSTER);
  let boxes = null, leads = [];
  const bySize = [...D.clusters.keys()].filter((i) => marks[i]).sort((a, b) => D.clusters[b].size - D.clusters[a].size);
  function placeNames() {
    boxes = boxes || marks.map((mark) => mark && [mark.offsetWidth, mark.offsetHeight]);
    const taken = [], ends = [width / ratio, height / ratio];
    leads = [];
    const within = (middle, size, end) => Math.max(size / 2, Math.min(end - size / 2, middle));
    function place(i, ways) {
      const [w, h] = boxes[i], atX = toX(D.clusters[i].at[0]) / ratio, atY = toY(D.clusters[i].at[1]) / ratio;
      const out = atX < 0 || atY < 0 || atX > ends[0] || atY > ends[1];
      marks[i].style.visibility = "hidden";
      for (const [right, down] of out ? [] : ways) {
        // Beside an edge a name moves as far as it needs to be whole.
        const x = within(atX + right, w, ends[0]), y = within(atY + down, h, ends[1]);
        const box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
        if (taken.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) continue;
        taken.push(box);
        if (right || down) leads.push([atX, atY, Math.max(box[0], Math.min(box[2], atX)), Math.max(box[1], Math.min(box[3], atY))]);
        Object.assign(marks[i].style, { visibility: "visible", left: `${x}px`, top: `${y}px` });
        return true;
      }
      return out;
    }
    const waiting = bySize.filter((i) => !place(i, overCluster(boxes[i], spread[i], (side * state.zoom) / ratio)));
    waiting.slice(0, MOVED).forEach((i) => place(i, beside(i)));
  }
  function drawLeads() {
    pen.lineWidth = ratio;
    pen.strokeStyle = colour("--ink");
    pen.beginPath();
    for (const [x, y, toNameX, toNameY] of leads) {
      pen.moveTo(x * ratio, y * ratio);
      pen.lineTo(toNameX * ratio, toNameY * ratio);
    }
    pen.stroke();
  }

  // Points by squares of the map, so that the nearest one is found at once.
  const SQUARES = 256, heads = new Int32Array(SQUARES * SQUARES + 1), order = new Int32Array(n);
  const square = (i) => (Y[i] >> 8) * SQUARES + (X[i] >> 8);
  for (let i = 0; i < n; i++) heads[square(i) + 1]++;
  for (let s = 0; s < SQUARES * SQUARES; s++) heads[s + 1] += heads[s];
  const next = heads.slice();
  for (let i = 0; i < n; i++) order[next[square(i)]++] = i;
  function nearest(px, py) {
    const reach = (REACH * ratio) / (side * state.zoom), x = backX(px), y = backY(py);
    const cell = (v) => Math.max(0, Math.min(SQUARES - 1, Math.floor(v * SQUARES)));
    let best = -1, least = reach * reach;
    for (let row = cell(y - reach); row <= cell(y + reach); row++)
      for (let at = heads[row * SQUARES + cell(x - reach)]; at < heads[row * SQUARES + cell(x + reach) + 1]; at++) {
        const i = order[at], distance = (X[i] / 65535 - x) ** 2 + (Y[i] / 65535 - y) ** 2;
        if (distance < least && !faded(i)) [best, least] = [i, distance];
      }
    return best;
  }

  function thumbnail(i) {
    const { src, columns, rows, width: w, height: h, count } = D.sprite;
    if (i >= count) return null;
    const scale = Math.max(1, Math.floor(96 / Math.max(w, h))), made = el("i", { class: "thumb" });
    Object.assign(made.style, {
      width: `${w * scale}px`, height: `${h * scale}px`, backgroundImage: `url(${src})`,
      backgroundSize: `${w * columns * scale}px ${h * rows * scale}px`,
      backgroundPosition: `-${(i % columns) * w * scale}px -${Math.floor(i / columns) * h * scale}px`,
    });
    return made;
  }
  const curve = D.curves ? curves() : () => null;
  function point(i) {
    if (i === state.at) return;
    state.at = i;
    TIP.hidden = i < 0;
    redraw(false);
    if (i < 0) return;
    const lines = [el("b", {}, idOf(i))];
    if (D.ids) lines.push(el("span", {}, `row ${ROW[i]}`));
    lines.push(el("span", {}, D.clusters[CLUSTER[i]].name));
    if (CLASS) lines.push(el("span", {}, `class: ${D.classes[CLASS[i]].name}`));
    for (const { title, values } of SHARES) lines.push(el("span", {}, `${title}: ${(values[i] / 255).toFixed(2)}`));
    for (const column of COLUMNS.slice(0, 6)) lines.push(el("span", {}, `${column.name}: ${Number(column.values[i].toPrecision(6))}`));
    if (D.texts) lines.push(el("span", {}, D.texts[i]));
    TIP.replaceChildren(...[D.sprite ? thumbnail(i) : null, el("div", {}, ...lines), curve(i, clusterColour(CLUSTER[i]))].filter(Boolean));
    const { left, top } = canvas.getBoundingClientRect(), { offsetWidth: w, offsetHeight: h } = TIP;
    const x = left + toX(X[i] / 65535) / ratio + 14, y = top + toY(Y[i] / 65535) / ratio + 14;
    const across = Math.max(8, Math.min(x, document.documentElement.clientWidth - w - 8));
    TIP.style.transform = `translate(${across}px, ${Math.max(8, y + h > innerHeight ? y - h - 28 : y)}px)`;
  }

  function zoomAt(factor, px = width / 2, py = height / 2) {
    const [x, y] = [backX(px), backY(py)];
    state.zoom = Math.max(0.5, Math.min(200, state.zoom * factor));
    state.cx += x - backX(px);
    state.cy += y - backY(py);
    point(-1);
    redraw();
  }
  function everything() {
    Object.assign(state, { zoom: 1, cx: 0.5, cy: 0.5 });
    redraw();
  }

  const at = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [(event.clientX - left) * ratio, (event.clientY - top) * ratio];
  };
  const held = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, at(event));
    canvas.setPointerCapture(event.pointerId);
    if (state.selecting) state.lasso = [at(event).map((v, i) => (i ? backY(v) : backX(v)))];
    else point(nearest(...at(event)));
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = at(event), before = held.get(event.pointerId);
    if (!before) return void point(nearest(...here));
    if (state.selecting) {
      state.lasso.push([backX(here[0]), backY(here[1])]);
      return void redraw(false);
    }
    if (held.size === 2) {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const gap = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      zoomAt(gap(here) / gap(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
    } else if (Math.hypot(here[0] - before[0], here[1] - before[1]) > 2) {
      state.cx -= (here[0] - before[0]) / (side * state.zoom);
      state.cy -= (here[1] - before[1]) / (side * state.zoom);
      point(-1);
      redraw();
    } else return;
    held.set(event.pointerId, here);
  });
  const release = (event) => {
    if (held.delete(event.pointerId) && state.selecting && state.lasso) take();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point(-1); });
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY * 0.0015), ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 0.1 / state.zoom;
    const acts = {
      ArrowLeft: () => { state.cx -= step; }, ArrowRight: () => { state.cx += step; },
      ArrowUp: () => { state.cy -= step; }, ArrowDown: () => { state.cy += step; },
      "+": () => zoomAt(1.4), "=": () => zoomAt(1.4), "-": () => zoomAt(1 / 1.4), "0": everything,
      Escape: () => { point(-1); clear(); },
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
    redraw();
  });

  // Points inside a drawn line: their ids, to be copied.
  function take() {
    const line = state.lasso, chosen = [];
    for (let i = 0; i < n; i++) {
      const x = X[i] / 65535, y = Y[i] / 65535;
      let inside = false;
      for (let j = 0, k = line.length - 1; j < line.length; k = j++) {
        const [xj, yj] = line[j], [xk, yk] = line[k];
        if (yj > y !== yk > y && x < ((xk - xj) * (y - yj)) / (yk - yj) + xj) inside = !inside;
      }
      if (inside && !faded(i)) chosen.push(i);
    }
    chosen.sort((a, b) => ROW[a] - ROW[b]);
    toggleSelecting(false);
    $("selection").hidden = !chosen.length;
    if (!chosen.length) return void clear();
    $("selection-title").textContent = `${chosen.length.toLocaleString("en")} rows selected`;
    $("selection-ids").value = chosen.map((i) => (D.ids ? D.ids[i] : ROW[i])).join("\n");
    redraw();
  }
  function clear() {
    state.lasso = null;
    $("selection").hidden = true;
    redraw();
  }
  $("selection-clear").addEventListener("click", clear);
  $("selection-copy").addEventListener("click", async () => {
    const field = $("selection-ids");
    field.select();
    const copied = navigator.clipboard ? await navigator.clipboard.writeText(field.value).then(() => true, () => false) : false;
    $("selection-copy").textContent = copied || document.execCommand("copy") ? "Copied" : "Copy ids";
    setTimeout(() => { $("selection-copy").textContent = "Copy ids"; }, 1500);
  });

  function legend() {
    const box = $("map-legend");
    if (!(state.by in groups)) return void box.replaceChildren(...rampLegend(ramps[state.by]));
    const { names, counts, colour: of } = groups[state.by];
    box.replaceChildren(...names.map((text, place) => {
      const dot = el("i", { class: "dot" });
      dot.style.background = of(place);
      return el("li", {}, el("button", { type: "button", "aria-pressed": String(state.only === place), onclick: () => focus(place) },
        dot, el("span", {}, ...name(text)), el("small", {}, counts[place].toLocaleString("en"))));
    }));
  }
  function focus(place, always = false) {
    state.only = state.only === place && !always ? null : place;
    legend();
    redraw();
  }
  function paint(by) {
    Object.assign(state, { by, only: null });
    palette = null;
    legend();
    redraw();
  }

  const look = searcher(n, { idOf, CLUSTER, CLASS });
  function search(text) {
    const { found, said } = look(text);
    state.found = found;
    output.textContent = said;
    redraw();
  }
  function toggleSelecting(on) {
    state.selecting = on;
    if (on) state.lasso = null;
    canvas.classList.toggle("selecting", on);
    lassoButton.setAttribute("aria-pressed", String(on));
  }
  const lassoButton = el("button", { type: "button", class: "wide-button", "aria-pressed": "false", onclick: () => toggleSelecting(!state.selecting) }, "Select");
  const output = el("output", { "aria-live": "polite" });
  const field = el("input", { type: "search", title: SEARCH_HELP, placeholder: `a cluster${D.ids ? ", an id" : ""}, words, "a phrase"`, oninput: () => search(field.value) });
  $("map-controls").append(
    chooser(), el("label", { class: "wide" }, "search", field), output, lassoButton,
    el("button", { type: "button", "aria-label": "Closer", onclick: () => zoomAt(1.4) }, "+"),
    el("button", { type: "button", "aria-label": "Farther", onclick: () => zoomAt(1 / 1.4) }, "−"),
    el("button", { type: "button", class: "wide-button", onclick: everything }, "All"));
  function chooser() {
    return select("colour by", choices, choices.map((by) => (groups[by] || ramps[by]).title), paint);
  }

  for (const swatch of document.querySelectorAll(".swatch")) swatch.style.background = clusterColour(Number(swatch.dataset.place));
  for (const charts of document.querySelectorAll(".prototype")) charts.style.setProperty("--own", clusterColour(Number(charts.dataset.place)));
  for (const button of document.querySelectorAll(".show")) button.addEventListener("click", () => {
    const place = Number(button.dataset.place), [x, y] = D.clusters[place].at;
    $("map-controls").querySelector("select").value = "cluster";
    paint("cluster");
    focus(place, true);
    Object.assign(state, { cx: x, cy: y, zoom: Math.max(state.zoom, 1.5) });
    $("map").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
  const sample = n < P.total ? `${n.toLocaleString("en")} of ${P.total.toLocaleString("en")} rows, drawn at random. ` : "";
  $("map-note").textContent = `${sample}Across: ${D.axes[0]}. Up: ${D.axes[1]}.`;
  themeListeners.push(() => { palette = null; redraw(); });
  addEventListener("scroll", () => point(-1), { passive: true });
  new ResizeObserver(fit).observe(canvas);
  legend();

  // Colour by groups of clusters: each has the colour and name of its largest. Noise, and what is in
  // no group, stays alone.
  function showGroups(parts) {
    const inSome = new Set(parts.flat());
    const shown = [...parts.filter((places) => places.length), ...[...D.clusters.keys()].filter((place) => !inSome.has(place)).map((place) => [place])];
    const heads = shown.map((places) => places.reduce((best, place) => (D.clusters[place].size > D.clusters[best].size ? place : best)));
    const groupOf = new Array(D.clusters.length);
    shown.forEach((places, group) => places.forEach((place) => { groupOf[place] = group; }));
    groups.level = {
      title: "group", of: CLUSTER.map((place) => groupOf[place]), colour: (group) => clusterColour(heads[group]),
      names: shown.map((places, group) => D.clusters[heads[group]].name + (places.length > 1 ? ` and ${places.length - 1} more` : "")),
      counts: shown.map((places) => places.reduce((sum, place) => sum + D.clusters[place].size, 0)),
    };
    const chosen = $("map-controls").querySelector("select");
    if (![...chosen.options].some((option) => option.value === "level"))
      chosen.append(el("option", { value: "level" }, "group"));
    chosen.value = "level";
    paint("level");
  }
  return { showGroups };
}
