// What points can be coloured by: groups, as their places in a legend, or a place on a ramp.
const GAP = 256;

function paints(P, CLUSTER, CLASS, SHARES, COLUMNS) {
  const groups = {
    cluster: { title: "cluster", of: CLUSTER, names: D.clusters.map((c) => c.name), counts: D.clusters.map((c) => c.size), colour: (place) => D.clusters[place].colour },
  };
  if (CLASS) {
    const counts = new Array(D.classes.length).fill(0);
    CLASS.forEach((place) => counts[place]++);
    groups.class = { title: "class", of: CLASS, names: D.classes.map((one) => one.name), counts, colour: (place) => D.classes[place].colour };
  }
  const ramps = {};
  for (const share of SHARES) ramps[share.title] = share;
  const titles = new Set([...Object.keys(groups), ...Object.keys(ramps)]);
  const titled = (name) => (titles.has(name) ? `${name} (column)` : name);
  COLUMNS.forEach((column, i) => { ramps[`column-${i}`] = { ...column, title: titled(column.name), shown: [column.low, column.high] }; });
  // Columns of mixed kinds: levels of a scale, of which the last byte is a gap; or categories.
  const mixed = P.columns.filter(({ levels, codes }) => levels || codes);
  mixed.forEach(({ name: text, levels, low, high, gaps, codes, groups: parts }, i) => {
    if (levels) ramps[`mixed-${i}`] = { title: titled(text), values: unpack(levels, Uint8Array), low: 0, high: 254, gap: 255, gaps, shown: [low, high] };
    else groups[`mixed-${i}`] = { title: titled(text), of: unpack(codes, Uint8Array), names: parts.map((one) => one.name), counts: parts.map((one) => one.size), colour: (place) => parts[place].colour };
  });
  const choices = ["cluster", ...(CLASS ? ["class"] : []), ...SHARES.map(({ title }) => title),
    ...COLUMNS.map((_, i) => `column-${i}`), ...mixed.map((_, i) => `mixed-${i}`)];
  return { groups, ramps, choices };
}

function levelOn({ values, low, high, gap }, i) {
  if (values[i] === gap || Number.isNaN(values[i])) return GAP;
  return high > low ? Math.round((255 * (values[i] - low)) / (high - low)) : 128;
}

// The ends of a ramp with its colours between them, and how many points have no value.
function rampLegend({ title, shown, gaps }) {
  const end = (value) => String(Number(value.toPrecision(4)));
  const made = [el("li", { class: "ramp" }, end(shown[0]), el("i", { class: "backwards", title }), end(shown[1]))];
  if (gaps) made.push(el("li", {}, el("i", { class: "dot" }), el("span", {}, " missing "), el("small", {}, gaps.toLocaleString("en"))));
  return made;
}
