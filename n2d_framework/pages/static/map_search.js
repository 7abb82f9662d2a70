// Search: the name or id of one thing finds exactly that; else each word, or phrase in quotes, must
// begin a word of what is said of a row.
const SEARCH_HELP = "The name of a cluster, the id of a row, the number of a cluster or the name of a class finds exactly that. Of other words each must begin a word of a row; \"words in quotes\" are a phrase.";

function searcher(n, { idOf, CLUSTER, CLASS }) {
  const same = (one, other) => String(one).toLowerCase() === other;
  const letter = /[\p{L}\p{N}]/u;
  function begins(text, word) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
      if (at === 0 || !letter.test(text[at - 1])) return true;
    return false;
  }
  function named(asked) {
    const cluster = D.clusters.findIndex((one) => same(one.name, asked));
    if (cluster >= 0) return [D.clusters[cluster].name, (i) => CLUSTER[i] === cluster];
    for (let row = 0; row < n; row++) if (same(idOf(row), asked)) return [D.ids ? `id ${idOf(row)}` : idOf(row), (i) => same(idOf(i), asked)];
    const label = D.clusters.findIndex((one) => same(one.label, asked));
    if (label >= 0) return [`cluster with the number ${asked}`, (i) => CLUSTER[i] === label];
    const kind = CLASS ? D.classes.findIndex((one) => same(one.name, asked)) : -1;
    return kind < 0 ? null : [`class ${D.classes[kind].name}`, (i) => CLASS[i] === kind];
  }
  function worded(asked) {
    const words = [...asked.matchAll(/"([^"]+)"?|[^\s"]+/g)].map((match) => (match[1] || match[0]).trim()).filter(Boolean);
    return (i) => {
      const about = `${idOf(i)} \n${D.texts ? D.texts[i] : ""} \n${D.clusters[CLUSTER[i]].name} \n${CLASS ? D.classes[CLASS[i]].name : ""}`.toLowerCase();
      return words.every((word) => begins(about, word));
    };
  }
  return (text) => {
    const asked = text.trim().toLowerCase();
    if (!asked) return { found: null, said: "" };
    const one = named(asked), matches = one ? one[1] : worded(asked), found = new Uint8Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) if (matches(i)) { found[i] = 1; count++; }
    return { found, said: `${count.toLocaleString("en")} found${one ? `: ${one[0]}` : ""}` };
  };
}
