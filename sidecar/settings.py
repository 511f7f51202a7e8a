"""What each process is told, as plain data: made from the checked configuration, sent as JSON.

Standard library only, so that workers and the supervisor start fast and import nothing of
the monitor's side. Each process gets its own part and no other.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Settings:
    """Base: to and from JSON."""

    def to_json(self) -> str:
        """Every field, nested settings included."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of ``to_json``. Lists become tuples, so settings stay hashable."""
        return cls(**{key: _frozen(value) for key, value in json.loads(text).items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Route(Settings):
    """``suffix`` ends the path of a request that carries wire format ``protocol``."""

    suffix: str
    protocol: str


@dataclass(frozen=True, slots=True)
class UpstreamSettings(Settings):
    """``scheme`` is http, https or unix. ``host`` is a name or address, or the socket's path."""

    scheme: str
    host: str
    port: int = 0
    base_path: str = ""
    ca_file: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    rewrite_host: bool = False


@dataclass(frozen=True, slots=True)
class RelaySettings(Settings):
    """Seconds, bytes and counts of the relay. 0 means "no limit" where a limit is named."""

    connect_timeout_s: float = 5.0
    first_byte_timeout_s: float = 600.0
    idle_timeout_s: float = 300.0
    header_timeout_s: float = 10.0
    keepalive_timeout_s: float = 75.0
    upstream_keepalive_s: float = 4.0
    max_header_bytes: int = 65536
    max_connections: int = 10000
    max_inflight: int = 10000
    retry_stale_post: bool = False
    tls_cert_file: str = ""
    tls_key_file: str = ""


@dataclass(frozen=True, slots=True)
class CaptureSettings(Settings):
    """What is copied. Header names are lower case."""

    sample: float = 1.0
    ring_bytes: int = 32 << 20
    inflight_bytes: int = 64 << 20
    request_bytes: int = 8 << 20
    response_head_bytes: int = 192 << 10
    response_tail_bytes: int = 64 << 10
    user_header: str = ""
    app_header: str = ""
    conversation_header: str = ""
    trust_client_conversation_ids: bool = False
    apps: tuple[str, ...] = ()
    exclude_headers: tuple[tuple[str, str], ...] = ()
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewaySettings(Settings):
    """A worker's part."""

    upstream: UpstreamSettings
    relay: RelaySettings
    capture: CaptureSettings
    routes: tuple[Route, ...]
    grace_s: float = 30.0
    log_level: str = "info"

    @classmethod
    def from_json(cls, text: str) -> GatewaySettings:
        """The inverse of ``to_json``."""
        raw = json.loads(text)

        def part(kind: type[Any], name: str) -> Any:
            return kind.from_json(json.dumps(raw[name]))

        return cls(
            upstream=part(UpstreamSettings, "upstream"),
            relay=part(RelaySettings, "relay"),
            capture=part(CaptureSettings, "capture"),
            routes=tuple(Route(**route) for route in raw["routes"]),
            grace_s=raw["grace_s"],
            log_level=raw["log_level"],
        )


@dataclass(frozen=True, slots=True)
class SupervisorSettings(Settings):
    """The supervisor's part. ``monitor_config`` is the monitor's configuration, passed on unread."""

    listen: str
    admin: str
    admin_hosts: tuple[str, ...]
    workers: int
    observe: bool
    require_upstream: bool
    upstream_shown: str
    gateway: GatewaySettings
    monitor_config: str
