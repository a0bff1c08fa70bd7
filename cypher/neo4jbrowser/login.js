// Logs in by what stands behind the # of the address, which no server sees, and leaves without a trace in the history.
(function () {
  "use strict";
  const given = new URLSearchParams(location.hash.slice(1));
  const port = Number(given.get("bolt"));
  if (Number.isInteger(port) && port > 0 && port < 65536 && given.get("password")) {
    const id = "$$discovery";
    const connection = {
      id,
      name: id,
      type: "bolt",
      host: "bolt://" + location.hostname + ":" + port,
      username: given.get("username"),
      password: given.get("password"),
      authenticationMethod: "NATIVE",
      authEnabled: true,
    };
    const connections = { allConnectionIds: [id], connectionsById: { [id]: connection }, activeConnection: id };
    localStorage.setItem("neo4j.connections", JSON.stringify(connections));
  }
  location.replace("../");
})();
