"""Downloads from the Hugging Face hub: quick to see that there is no network, and one clear line when they fail."""

import functools
import ssl
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from httpx2 import HTTPError
from huggingface_hub import constants

from saedb.ingest.errors import DownloadError

_PROBE_SECONDS: Final = 5.0


@contextmanager
def fetching(what: str, instead: str) -> Generator[None]:
    """Let the block download `what`, or take it from the hub's cache.

    Where the hub cannot be reached the block runs in the hub's offline mode: the hub's own clients would otherwise try
    for half a minute per file.

    Args:
        what: the repository and files that the block fetches, for the error message.
        instead: what the user can give so that nothing need be fetched.

    Raises:
        DownloadError: something is not in the cache and could not be fetched.
    """
    reachable = constants.is_offline_mode() or _answers(constants.ENDPOINT)
    try:
        with _offline(not reachable):
            yield
    except (OSError, HTTPError) as error:  # the bases of the errors about downloads, of hub and of its HTTP client
        cause = _cause(error) if reachable else f"{constants.ENDPOINT} cannot be reached"
        raise DownloadError(f"cannot fetch {what}: {cause}; {instead}") from error


@contextmanager
def _offline(offline: bool) -> Generator[None]:
    """Switch the hub's offline mode on for the block; there is no public switch once the package is imported."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@functools.cache
def _answers(endpoint: str) -> bool:
    """Return whether a server answers, by whatever status: once per process, through the user's proxies."""
    request = urllib.request.Request(endpoint, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_PROBE_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError)  # it answers; the hub's client has certificates of its own
    except OSError:
        return False


def _cause(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
