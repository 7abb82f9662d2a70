// Points of a manifold on a canvas, with a legend, and a note on the point under the pointer.
const TIP = $("tip");
const REACH = 18;
D.further_colours.forEach((value, i) => document.documentElement.style.setProperty(`--tol-${10 + i}`, value));

function scatter(box, entry, { rows, ids, sprite }) {
  const { points } = entry;
  const canvas = el("canvas", { tabindex: "0", role: "img" });
  const legend = el("ul", { class: "legend" });
  const state = { by: points.truth ? "truth" : "labels", only: null, at: -1 };
  const titles = { truth: "true classes", labels: "clusters", confidence: "confidence" };
  const names = { truth: "truth", labels: "prediction", confidence: "confidence" };
  const choices = Object.keys(names).filter((key) => points[key]);
  const buttons = choices.map((key) => el("button", { type: "button", "aria-pressed": String(key === state.by),
    onclick: () => { state.by = key; state.only = null; update(); } }, names[key]));
  let size = 0, margin = 10;

  const sx = (i) => margin + (points.x[i] / 4095) * (size - 2 * margin);
  const sy = (i) => margin + (points.y[i] / 4095) * (size - 2 * margin);

  function update() {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(choices[i] === state.by)));
    canvas.setAttribute("aria-label", `${points.x.length} points of the manifold, coloured by ${titles[state.by]}; arrow keys go from point to point`);
    drawLegend();
    draw();
  }

  function drawLegend() {
    if (state.by === "confidence") {
      legend.replaceChildren(el("li", { class: "ramp" }, "0 %", el("i"), "100 %"));
      return;
    }
    const items = points[state.by].legend;
    const made = items.slice(0, 60).map((item, i) => {
      const swatch = el("canvas", { width: "28", height: "28", "aria-hidden": "true" });
      const pen = swatch.getContext("2d");
      pen.fillStyle = look(item);
      shape(pen, item.marker, 14, 14, 10);
      const toggle = () => { state.only = state.only === i ? null : i; update(); };
      return el("li", {}, el("button", { type: "button", "aria-pressed": String(state.only === i), onclick: toggle },
        swatch, item.name, el("small", {}, item.count.toLocaleString("en"))));
    });
    if (items.length > 60) made.push(el("li", {}, `… and ${items.length - 60} more`));
    legend.replaceChildren(...made);
  }

  const look = (item) => colour(item.colour < 0 ? "--noise" : `--tol-${item.colour}`);

  function shape(pen, marker, x, y, r) {
    pen.beginPath();
    if (marker === 0) pen.arc(x, y, r, 0, 7);
    else if (marker === 2) pen.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7);
    else if (marker === 5) { pen.rect(x - r, y - r * 0.35, 2 * r, r * 0.7); pen.rect(x - r * 0.35, y - r, r * 0.7, 2 * r); }
    else {
      const corners = { 1: [[0, -1], [0.95, 0.8], [-0.95, 0.8]], 3: [[0, 1], [0.95, -0.8], [-0.95, -0.8]], 4: [[0, -1.15], [0.85, 0], [0, 1.15], [-0.85, 0]] }[marker];
      corners.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
      pen.closePath();
    }
    pen.fill();
  }

  // The order in which points lie on each other: noise beneath, the least sure on top.
  function painted() {
    const all = [...points.x.keys()];
    if (state.by === "confidence") return all.sort((a, b) => points.confidence[b] - points.confidence[a]);
    const { of, legend: items } = points[state.by];
    const above = (i) => (items[of[i]].colour < 0 ? 0 : 1);
    return all.sort((a, b) => above(a) - above(b));
  }

  function draw() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    size = canvas.clientWidth;
    if (!size) return;
    canvas.width = canvas.height = size * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const r = Math.max(1.8, Math.min(4, (size / 140) * Math.sqrt(800 / points.x.length)));
    margin = 10 + r;
    const ramp = Array.from({ length: 11 }, (_, i) => colour(`--ramp-${i}`));
    const inks = state.by === "confidence" ? null : points[state.by].legend.map(look);
    pen.globalAlpha = 0.85;
    for (const i of painted()) {
      if (inks) {
        const place = points[state.by].of[i];
        const faded = state.only !== null && state.only !== place;
        pen.globalAlpha = faded ? 0.06 : 0.85;
        pen.fillStyle = inks[place];
        shape(pen, points[state.by].legend[place].marker, sx(i), sy(i), r);
      } else {
        pen.fillStyle = ramp[Math.round(points.confidence[i] / 10)];
        shape(pen, 0, sx(i), sy(i), r);
      }
    }
    if (state.at >= 0) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colour("--ink");
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(sx(state.at), sy(state.at), r + 4, 0, 7);
      pen.stroke();
    }
  }

  function nearest(event) {
    const { left, top } = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let best = -1, least = REACH * REACH;
    for (let i = 0; i < points.x.length; i++) {
      const distance = (sx(i) - x) ** 2 + (sy(i) - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function point(i) {
    if (i === state.at) return;
    state.at = i;
    draw();
    TIP.hidden = i < 0;
    if (i < 0) return;
    const lines = [el("b", {}, ids ? ids[i] : `row ${rows[i]}`)];
    if (ids) lines.push(el("span", {}, `row ${rows[i]}`));
    for (const key of ["truth", "labels"])
      if (points[key]) lines.push(el("span", {}, `${names[key]}: ${points[key].legend[points[key].of[i]].name}`));
    if (points.confidence) lines.push(el("span", {}, `confidence: ${points.confidence[i]} %`));
    TIP.replaceChildren(...(sprite ? [thumbnail(i)] : []), el("div", {}, ...lines));
    place(i);
  }

  function place(i) {
    const { left, top } = canvas.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = TIP;
    const x = Math.min(left + sx(i) + 14, document.documentElement.clientWidth - width - 8);
    const y = top + sy(i) + 14 + height > innerHeight ? top + sy(i) - height - 14 : top + sy(i) + 14;
    TIP.style.transform = `translate(${Math.max(8, x)}px, ${Math.max(8, y)}px)`;
  }

  function thumbnail(i) {
    const scale = Math.max(1, Math.floor(84 / Math.max(sprite.width, sprite.height)));
    const made = el("i", { class: "thumb" });
    made.style.width = `${sprite.width * scale}px`;
    made.style.height = `${sprite.height * scale}px`;
    made.style.backgroundImage = `url(${sprite.src})`;
    made.style.backgroundSize = `${sprite.width * sprite.columns * scale}px ${sprite.height * sprite.rows * scale}px`;
    made.style.backgroundPosition = `-${(i % sprite.columns) * sprite.width * scale}px -${Math.floor(i / sprite.columns) * sprite.height * scale}px`;
    return made;
  }

  canvas.addEventListener("pointermove", (event) => point(nearest(event)));
  canvas.addEventListener("pointerdown", (event) => point(nearest(event)));
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point(-1); });
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") point(-1);
    if (!step) return;
    event.preventDefault();
    point((Math.max(state.at, -1) + step + points.x.length) % points.x.length);
  });
  const sample = points.x.length < points.total ? `${points.x.length.toLocaleString("en")} of ${points.total.toLocaleString("en")} rows. ` : "";
  box.append(el("div", { class: "segments", role: "group", "aria-label": "Colour by" }, ...buttons),
    el("div", { class: "plot" }, canvas, legend),
    el("p", { class: "note" }, `${sample}Across: ${points.axes[0]}. Up: ${points.axes[1]}.`));
  update();
  // Focus scrolls the canvas into view, also after a key has chosen a point: the note goes along.
  function follow() {
    if (state.at < 0) return;
    const y = canvas.getBoundingClientRect().top + sy(state.at);
    if (y < 0 || y > innerHeight) point(-1);
    else place(state.at);
  }
  return { draw: update, follow };
}
