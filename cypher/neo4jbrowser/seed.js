// Puts saedb's style, favourites and settings into the storage of Neo4j Browser, before Browser reads it. What the user
// made, changed or deleted stays so; what nobody touched since saedb wrote it follows saedb's version.
(function (ours) {
  "use strict";
  function read(key, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? otherwise;
    } catch {
      return otherwise;
    }
  }
  function write(key, value) {
    localStorage.setItem(key, JSON.stringify(value));
  }
  function same(a, b) {
    return JSON.stringify(a) === JSON.stringify(b);
  }
  function refreshed(now, before, next) {
    const result = { ...now };
    for (const key of Object.keys({ ...before, ...next })) {
      if (isFirst || same(now[key], before[key])) {
        if (key in next) result[key] = next[key];
        else delete result[key];
      }
    }
    return result;
  }
  function byId(items) {
    return Object.fromEntries(items.map((item) => [item.id, item]));
  }

  const last = read("saedb.seed", null);
  const isFirst = last === null;
  if (!isFirst && last.version === ours.version) return;
  for (const [key, next] of Object.entries(ours.objects)) {
    write("neo4j." + key, refreshed(read("neo4j." + key, null) ?? {}, last?.objects[key] ?? {}, next));
  }
  for (const [key, next] of Object.entries(ours.lists)) {
    const now = read("neo4j." + key, []);
    const kept = refreshed(byId(now), byId(last?.lists[key] ?? []), byId(next));
    write("neo4j." + key, Object.values(kept));
  }
  write("saedb.seed", ours);
})(saedb);
