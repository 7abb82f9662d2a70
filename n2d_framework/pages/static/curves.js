// The curve of a row of series, drawn beside the pointer.
function curves() {
  const { channels, steps, count, first, last, axis } = D.curves, SPACE = "http://www.w3.org/2000/svg";
  const VALUES = channels.map(({ values }) => unpack(values, Uint8Array)), WIDTH = 180, HEIGHT = 48, GAP_BYTE = 255;
  function lines(values, from) {
    const found = [[]];
    for (let step = 0; step < steps; step++) {
      const level = values[from + step];
      if (level === GAP_BYTE) found.push([]);
      else found.at(-1).push(`${((WIDTH * step) / Math.max(1, steps - 1)).toFixed(1)},${(HEIGHT - 2 - ((HEIGHT - 4) * level) / 254).toFixed(1)}`);
    }
    return found.filter((line) => line.length > 1);
  }
  return function curve(i, ink) {
    if (i >= count) return null;
    const made = el("div", { class: "curves" });
    made.style.color = ink;
    channels.forEach(({ name: title, low, high }, channel) => {
      const drawing = document.createElementNS(SPACE, "svg");
      drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      drawing.setAttribute("aria-hidden", "true");
      for (const points of lines(VALUES[channel], i * steps)) {
        const line = document.createElementNS(SPACE, "polyline");
        line.setAttribute("points", points.join(" "));
        drawing.append(line);
      }
      made.append(el("small", {}, `${title} (${low} to ${high})`), drawing);
    });
    made.append(el("small", { class: "ends" }, el("span", {}, first), el("span", {}, axis), el("span", {}, last)));
    return made;
  };
}
