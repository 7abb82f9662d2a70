// The tree over clusters: drawn once, and cut at as many groups as are chosen.
function startTree(map) {
  if (!D.tree) return;
  const { leaves, rows, joins, at: places } = D.tree, k = leaves.length;
  const drawing = $("tree-drawing"), slider = $("tree-level"), said = $("tree-said");
  const SPACE = "http://www.w3.org/2000/svg";
  drawing.setAttribute("viewBox", `0 0 100 ${k}`);
  const line = (points) => {
    const made = document.createElementNS(SPACE, "polyline");
    made.setAttribute("points", points.map(([x, y]) => `${x},${y}`).join(" "));
    drawing.append(made);
    return made;
  };
  // Where each node begins, and the leaves below it.
  const at = rows.map((row) => [0, row + 0.5]), below = rows.map((_, place) => [place]);
  const drawn = joins.map(([left, right], step) => {
    const x = places[step], [a, b] = [at[left], at[right]];
    at.push([x, (a[1] + b[1]) / 2]);
    below.push([...below[left], ...below[right]]);
    return line([a, [x, a[1]], [x, b[1]], b]);
  });
  const mark = line([]);
  mark.setAttribute("class", "cut");

  function groupsAt(number) {
    const parts = new Map(leaves.map((_, place) => [place, below[place]]));
    joins.slice(0, k - number).forEach(([left, right], step) => {
      parts.delete(left);
      parts.delete(right);
      parts.set(k + step, below[k + step]);
    });
    return [...parts.values()];
  }
  function cut(number) {
    const parts = groupsAt(number);
    const low = number < k ? places[k - number - 1] : 0, high = number > 1 ? places[k - number] : 100;
    const x = (low + high) / 2;
    mark.setAttribute("points", `${x},0 ${x},${k}`);
    drawn.forEach((join, step) => join.classList.toggle("joined", step < k - number));
    said.textContent = `${number} ${number === 1 ? "group" : "groups"}`;
    map.showGroups(parts.map((places) => places.flatMap((place) => leaves[place])));
  }
  slider.addEventListener("input", () => cut(Number(slider.value)));
  drawing.addEventListener("click", (event) => {
    const { left, width } = drawing.getBoundingClientRect(), place = (100 * (event.clientX - left)) / width;
    slider.value = String(1 + places.filter((one) => one > place).length);
    cut(Number(slider.value));
  });
  said.textContent = `${k} groups`;
}
