// How far the points of each cluster are from its middle on average, across and down.
function spreads(X, Y, CLUSTER) {
  const sums = D.clusters.map(() => [0, 0]), counts = D.clusters.map(() => 0);
  CLUSTER.forEach((place, i) => {
    const [x, y] = D.clusters[place].at;
    sums[place][0] += Math.abs(X[i] / 65535 - x);
    sums[place][1] += Math.abs(Y[i] / 65535 - y);
    counts[place]++;
  });
  return sums.map(([across, down], place) => [across / Math.max(1, counts[place]), down / Math.max(1, counts[place])]);
}

// Where a name stands in view of its cluster: on it, or above or below one that it would hide.
function overCluster([w, h], [across, down], scale) {
  const room = 4 + h / 2 + 2 * down * scale;
  return 4 * across * scale < w && 4 * down * scale < h ? [[0, -room], [0, room]] : [[0, 0]];
}
