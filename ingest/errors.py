"""Errors that a user can mend. The command line prints their message in one line and exits with 1.

A message names the value that was found and the next step. Programming errors stay ``ValueError`` or ``assert``.
"""


class SaedbError(Exception):
    """Anything that stops saedb and that the user can do something about."""


class InputError(SaedbError):
    """A file, folder, name or value given by the user is not what it should be."""


class DownloadError(SaedbError):
    """Something had to be fetched and could not be; the message says what, and how to give it locally."""


class RunError(SaedbError):
    """A run directory is missing, damaged, in use, from a newer version, or of another configuration."""


class ServerError(SaedbError):
    """The local Neo4j server could not be started, stopped or used."""


class GraphError(SaedbError):
    """A Neo4j server was not reachable, refused the login, or lacks what a command needs."""
