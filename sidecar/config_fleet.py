"""The keys ``store`` and ``fleet``: several sidecars that share one verdict."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

from sidecar.config_section import Seconds, Section

_NEED = "need redis://[USER@]HOST[:PORT][/DATABASE], rediss://… (TLS) or unix://[USER@]/path"
_NAME = re.compile(r"[A-Za-z0-9._/:-]{1,100}")


def _store(text: str) -> str:
    if not text:
        return text
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(_NEED) from None
    if url.password is not None:
        raise ValueError("need an address without a password (fleet.password_file names a file that holds it)")
    if url.query or url.fragment or port == 0:
        raise ValueError(_NEED)
    network = url.scheme in {"redis", "rediss"} and url.hostname and re.fullmatch(r"/?|/\d{1,5}", url.path)
    local = url.scheme == "unix" and not url.hostname and len(unquote(url.path)) > 1
    if not (network or local):
        raise ValueError(_NEED)
    return text


def _name(text: str) -> str:
    if text and not _NAME.fullmatch(text):
        raise ValueError("need 1 to 100 letters, digits and . _ / : -")
    return text


StoreAddress = Annotated[str, AfterValidator(_store)]
FleetName = Annotated[str, AfterValidator(_name)]


class Fleet(Section):
    """Sidecars that share one verdict, made by `kilter monitor`; with `store`. Needs `pip install 'kilter[fleet]'`."""

    name: FleetName = Field("kilter", min_length=1, description="Names the fleet: what several share a store by.")
    key_file: str = Field(
        "",
        description="File with 32 bytes as hex that keys every hash, the same for the whole fleet; needed with `store`.",
    )
    replica: FleetName = Field("", description="Names this replica; empty: the host's name and `listen`.")
    password_file: str = Field("", description="File with the store's password; read at each connection.")
    ca_file: str = Field("", description="PEM file of extra authorities for `rediss://`; empty: the system's.")
    client_cert_file: str = Field("", description="PEM client certificate for `rediss://`.")
    client_key_file: str = Field("", description="PEM key of the client certificate.")
    most_a_stratum: int = Field(
        10_000,
        ge=10,
        le=100_000,
        description="Trials of a stratum that count in a tick of the fleet, the same for all; of more, a choice that answers do not sway.",
    )
    lease_s: Seconds = Field(15.0, description="A monitor that has been silent this long is replaced by a standby.")
    timeout_s: Seconds = Field(2.0, description="The store may take this long to answer.")
