"""Where the local server keeps its files inside a home."""

from dataclasses import dataclass
from pathlib import Path

from saedb.cypher.address import DATABASE


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one home's server. The folders' names are Neo4j's defaults."""

    home: Path

    @property
    def root(self) -> Path:
        """What Neo4j calls its home."""
        return self.home / "neo4j"

    @property
    def conf(self) -> Path:
        """The folder of ``neo4j.conf``, rewritten at every start."""
        return self.root / "conf"

    @property
    def own(self) -> Path:
        """The user's own settings, which go into ``neo4j.conf`` at every start."""
        return self.root / "own.conf"

    @property
    def data(self) -> Path:
        """The databases and transaction logs."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """Neo4j's logs."""
        return self.root / "logs"

    @property
    def console(self) -> Path:
        """What the Java process of the last start wrote."""
        return self.logs / "console.log"

    @property
    def plugins(self) -> Path:
        """Links to the jars of Graph Data Science."""
        return self.root / "plugins"

    @property
    def imports(self) -> Path:
        """The only folder that ``LOAD CSV`` can read files from."""
        return self.root / "import"

    @property
    def arguments(self) -> Path:
        """The Java argument file with the class path, too long for a command line."""
        return self.root / "java.args"

    @property
    def password(self) -> Path:
        """The password of the user ``neo4j``, readable by its owner only."""
        return self.root / "password"

    @property
    def web(self) -> Path:
        """What the server serves as Neo4j Browser."""
        return self.root / "web"

    @property
    def login(self) -> Path:
        """The page whose link logs in to Neo4j Browser, readable by its owner only."""
        return self.root / "login.html"

    @property
    def temporary(self) -> Path:
        """Java's folder of temporary files, emptied at every start."""
        return self.root / "tmp"

    @property
    def state(self) -> Path:
        """The chosen ports and the process that was started last."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held while the server is started or stopped, or its store replaced."""
        return self.root / "lock"

    @property
    def staging(self) -> Path:
        """The home in which a new store is made, to take the place of this one."""
        return self.root / "staging"

    @property
    def old(self) -> Path:
        """The store of before, until the new one has been found good."""
        return self.root / "old"

    @property
    def journal(self) -> Path:
        """How far the exchange of the store has come; absent otherwise."""
        return self.root / "swap.json"

    @property
    def swap_lock(self) -> Path:
        """Held by the process that makes a new store."""
        return self.root / "swap.lock"

    @property
    def database(self) -> str:
        """The folder of the graph's database in each folder of the data."""
        return DATABASE

    def create(self) -> None:
        """Create the folders; the server's own can be entered by its owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.conf, self.data, self.logs, self.plugins, self.imports, self.temporary):
            folder.mkdir(exist_ok=True)
