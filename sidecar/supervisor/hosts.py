"""Whether a browser was led here: what a request to the admin address says of its host and origin.

A page elsewhere can make a visitor's browser ask an address of the visitor's own network, by a name of its own that
leads there (DNS rebinding). Such a request carries that name. So the page and the API answer to addresses, which no
name can pretend to be, and to names that are known; a form is taken only from a page of this very listener.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def name_of(host: str) -> str:
    """The name or address of a Host header, lower case, without its port.

    >>> name_of("Kilter.example:9401"), name_of("[::1]:9401"), name_of("10.0.0.7")
    ('kilter.example', '::1', '10.0.0.7')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


class Hosts:
    """``known``: names that lead here, beside ``localhost`` and every address.

    >>> hosts = Hosts(["kilter.example"])
    >>> [hosts.allow(host) for host in ("127.0.0.1:9401", "[::1]", "localhost:1", "kilter.example", "evil.example", "")]
    [True, True, True, True, False, True]
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = {"localhost", *(name_of(name) for name in known)}

    def allow(self, host: str) -> bool:
        """Whether a request with this Host header may be answered. None at all is no browser's."""
        name = name_of(host)
        if not name or name in self._known or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def scheme_of_own_page(origin: str, host: str) -> str:
    """``http`` or ``https`` where a form comes from a page of this listener, else empty. Browsers send Origin with every form.

    >>> scheme_of_own_page("http://127.0.0.1:9401", "127.0.0.1:9401"), scheme_of_own_page("null", "127.0.0.1:9401")
    ('http', '')
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    same = bool(host) and parts.netloc.lower() == host.strip().lower()
    return parts.scheme if same and parts.scheme in ("http", "https") else ""
