"""Who the feature browser answers: pages of its own, asked for by the name it is served under, and nobody else.

A page of another site can make a browser ask 127.0.0.1, under a name of its own (DNS rebinding) or from where it stands
(cross-site requests). The first shows in the header Host, the second in Origin.
"""

from collections.abc import Collection
from typing import Final

from dash import Dash
from flask import Flask, Response, request

HOSTS: Final = ("127.0.0.1", "localhost")

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def protect(app: Dash, port: int) -> None:
    """Refuse requests from elsewhere, and let a browser ask nobody else, whatever a label says.

    Args:
        app: the app, with every callback registered: the scripts that Dash writes into its page are allowed one by one.
        port: the port that the app is served on.
    """
    server: Flask = app.server
    policy, names = _policy(app), [f"{host}:{port}" for host in HOSTS]

    @server.before_request
    def check() -> Response | None:  # pyright: ignore[reportUnusedFunction]
        return _refusal(request.host, request.headers.get("Origin"), names)

    @server.after_request
    def seal(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        return response


def _policy(app: Dash) -> str:
    scripts = " ".join(app.csp_hashes())
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _refusal(host: str, origin: str | None, names: Collection[str]) -> Response | None:
    if host not in names:
        return _refused(f"the feature browser is at http://{next(iter(names))}/, not at this name")
    if origin is not None and origin.removeprefix("http://") not in names:
        return _refused("the feature browser answers its own pages only")
    return None


def _refused(reason: str) -> Response:
    return Response(f"{reason}\n", status=403, mimetype="text/plain")
