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
  // Browser's own examples have no id.
  function refreshedList(now, before, next) {
    const known = byId([...before, ...next]);
    const mine = now.filter((item) => item.id in known);
    const others = now.filter((item) => !(item.id in known));
    return [...others, ...Object.values(refreshed(byId(mine), byId(before), byId(next)))];
  }

  const last = read("saedb.seed", null);
  const isFirst = last === null;
  if (!isFirst && last.version === ours.version) return;
  for (const [key, next] of Object.entries(ours.objects)) {
    write("neo4j." + key, refreshed(read("neo4j." + key, null) ?? {}, last?.objects[key] ?? {}, next));
  }
  for (const [key, next] of Object.entries(ours.lists)) {
    write("neo4j." + key, refreshedList(read("neo4j." + key, null) ?? [], last?.lists[key] ?? [], next));
  }
  write("saedb.seed", ours);
})(saedb);
