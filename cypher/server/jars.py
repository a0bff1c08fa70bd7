"""The jars of Neo4j, Graph Data Science and Neo4j Browser: the locked list, and the cache that holds the files.

The cache has a Maven repository's layout, so versions live side by side and all homes share it. A file gets its final
name only after its sha256 was checked; an interrupted fetch goes on with the jars that are not there yet.
"""

import hashlib
import logging
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import requests
from filelock import FileLock
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from jgo.util import http

from saedb.ingest import places
from saedb.ingest.errors import DownloadError
from saedb.ingest.progress import Report, silent

_log = logging.getLogger(__name__)

LOCK_FILE = Path(__file__).with_name("jars.lock.toml")
GDS_GROUP = "org.neo4j.gds"

_THREADS = 16
_ATTEMPTS = 3
_TIMEOUT = (10, 30)  # seconds to connect; seconds without a byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One locked jar."""

    group: str
    artifact: str
    version: str
    classifier: str = ""
    size: int
    """Bytes."""
    sha256: str

    @property
    def coordinates(self) -> str:
        """The jar's name as Maven writes it."""
        return ":".join(filter(None, (self.group, self.artifact, self.classifier, self.version)))

    @property
    def path(self) -> str:
        """The jar's place in a Maven repository, and in the cache."""
        name = "-".join(filter(None, (self.artifact, self.version, self.classifier)))
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{name}.jar"

    @property
    def file(self) -> Path:
        """The jar in the cache, there or not."""
        return folder() / self.path


@cache
def locked() -> tuple[Jar, ...]:
    """Return the jars of the lock file, in the order of the class path."""
    return tuple(Jar(**entry) for entry in tomllib.loads(LOCK_FILE.read_text(encoding="utf-8"))["jars"])


def version(group: str, artifact: str) -> str:
    """Return the locked version of one artifact."""
    return next(jar.version for jar in locked() if (jar.group, jar.artifact) == (group, artifact))


def folder() -> Path:
    """Return the folder that holds the jars of every home."""
    return places.cache() / "jars"


def missing() -> list[Jar]:
    """Return the locked jars that are not in the cache, or there with other content than the lock says."""
    with ThreadPoolExecutor(_THREADS) as pool:
        good = pool.map(lambda jar: jar.file.is_file() and sha256_of(jar.file) == jar.sha256, locked())
        return [jar for jar, is_good in zip(locked(), good, strict=True) if not is_good]


def fetch(report: Report = silent) -> int:
    """Return how many jars had to be fetched until the cache held every locked one.

    A second caller waits for the first. What was fetched stays when this is interrupted.

    Raises:
        DownloadError: a jar could not be fetched, or there is no space to keep it.
    """
    if not missing():  # nothing to write, so a read-only cache will do
        return 0
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with FileLock(folder() / ".lock"):
            wanted = missing()
            _fetch_all(wanted, report)
    except OSError as error:
        raise DownloadError(_explanation(missing(), error)) from error
    return len(wanted)


def _fetch_all(wanted: list[Jar], report: Report) -> None:
    _log.info("fetching %d jars into %s", len(wanted), folder())
    counter = _Counter(sum(jar.size for jar in wanted), report)
    stop = threading.Event()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for future in as_completed([pool.submit(_fetch, jar, counter, stop) for jar in wanted]):
            future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, counter: "_Counter", stop: threading.Event) -> None:
    """Bring one jar into the cache, trying again after a broken connection or a wrong sha256."""
    jar.file.parent.mkdir(parents=True, exist_ok=True)
    part = jar.file.with_suffix(".part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _download(jar, part, counter, stop)
        except requests.RequestException as error:
            if part.exists():
                counter.add(-part.stat().st_size)
                part.unlink()
            if attempt == _ATTEMPTS or stop.is_set():
                raise
            _log.info("%s: attempt %d failed: %s", jar.coordinates, attempt, error)
        else:
            part.rename(jar.file)
            return


def _download(jar: Jar, part: Path, counter: "_Counter", stop: threading.Event) -> None:
    with _open(jar) as response, part.open("wb") as file:
        for chunk in response.iter_content(1 << 16):
            if stop.is_set():
                raise requests.RequestException("stopped")
            file.write(chunk)
            counter.add(len(chunk))
    found = sha256_of(part)
    if found != jar.sha256:
        raise requests.RequestException(f"its sha256 is {found} and should be {jar.sha256}")


def _open(jar: Jar) -> requests.Response:
    """Return the answer of the first repository that has the jar."""
    failures: list[str] = []
    for repository in _repositories():
        response = http.get(f"{repository}/{jar.path}", stream=True, timeout=_TIMEOUT)
        if response.ok:
            return response
        failures.append(f"{response.status_code} {response.reason}")
        response.close()
    raise requests.RequestException(f"the repository answers {', '.join(failures)}")


def _repositories() -> list[str]:
    """Return jgo's repository and those of the user's jgo configuration, where a mirror can replace it."""
    repositories = MavenContext().remote_repos | GlobalSettings.load().repositories
    return list(repositories.values())


def _explanation(wanted: list[Jar], error: OSError) -> str:
    size = sum(jar.size for jar in wanted) / 1e6
    what = f"{len(wanted)} of {len(locked())} jars of the Neo4j server ({size:.0f} MB) into {folder()}"
    if not isinstance(error, requests.RequestException):
        return f"cannot write {what}: {error.strerror}; make room, or set SAEDB_CACHE to another folder"
    return (
        f"cannot fetch {what}: {_cause(error)}; try again with a network, or copy that folder from a machine that "
        "has it (SAEDB_CACHE names the folder above it)"
    )


def _cause(error: requests.RequestException) -> object:
    """Return what urllib3 calls the reason, without the address and the retries around it."""
    return getattr(error.args[0], "reason", error) if error.args else error


def sha256_of(file: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Counter:
    """Adds up the bytes that the threads fetch and reports the sum."""

    def __init__(self, total: int, report: Report) -> None:
        self._done = 0
        self._total = total
        self._report = report
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._report("fetching Neo4j, MB", self._done // 10**6, self._total // 10**6)
