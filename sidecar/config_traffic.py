"""Sections of the configuration for what workers do: pass traffic on, and copy of it what is looked at."""

from __future__ import annotations

from pydantic import Field, model_validator

from sidecar.config_section import HeaderName, Seconds, Section


class Tls(Section):
    """TLS on the traffic listener."""

    cert_file: str = Field("", description="PEM certificate chain; empty: plain HTTP.")
    key_file: str = Field("", description="PEM private key of the certificate.")

    @model_validator(mode="after")
    def _both(self) -> Tls:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("need cert_file and key_file together")
        return self


class UpstreamTls(Section):
    """TLS to the model server. Certificates are always verified."""

    ca_file: str = Field("", description="PEM file of extra trusted authorities; empty: the system's.")
    client_cert_file: str = Field("", description="PEM client certificate, for mutual TLS.")
    client_key_file: str = Field("", description="PEM key of the client certificate.")


class Timeouts(Section):
    """Seconds. There is no limit on the whole of a request."""

    connect_s: Seconds = Field(5.0, description="Connecting to the model server.")
    first_byte_s: Seconds = Field(600.0, description="From the request's end to the answer's first byte.")
    idle_s: Seconds = Field(300.0, description="Between two bytes of an answer.")
    header_s: Seconds = Field(10.0, description="A client sending its request's head.")
    keepalive_s: Seconds = Field(75.0, description="An idle client connection is kept this long.")
    upstream_keepalive_s: Seconds = Field(
        4.0, description="An idle upstream connection is kept this long; must be below the server's own limit."
    )


class Limits(Section):
    """Above them clients get a 503 or 431 with `x-kilter-error`."""

    header_bytes: int = Field(65536, ge=4096, le=1 << 20, description="Head of a request or answer.")
    connections: int = Field(10000, ge=1, description="Client connections a worker.")
    inflight: int = Field(10000, ge=1, description="Requests in flight a worker.")


class Relay(Section):
    """How bytes are passed on."""

    retry_stale_post: bool = Field(
        default=False,
        description="Send a POST again when a reused idle connection died before any answer. A generation is not "
        "idempotent: the server may have begun it.",
    )
    rewrite_host: bool = Field(default=False, description="Send the upstream's name as Host instead of the client's.")


class Capture(Section):
    """The bounded copy that is looked at. Bytes."""

    ring_bytes: int = Field(32 << 20, ge=1 << 20, le=1 << 30, description="Ring between a worker and the monitor.")
    inflight_bytes: int = Field(64 << 20, ge=1 << 20, description="Copies of unfinished exchanges, a worker.")
    request_bytes: int = Field(8 << 20, ge=1 << 16, description="Largest request copied whole (base64 is left out).")
    response_head_bytes: int = Field(192 << 10, ge=1 << 12, description="Copied from the start of an answer.")
    response_tail_bytes: int = Field(64 << 10, ge=1 << 12, description="Copied from the end of an answer.")


class Identity(Section):
    """Who asks, and what belongs together. Only keyed hashes are kept."""

    user_header: HeaderName = Field("", description="Header that names the end user; wins over the body's fields.")
    app_header: HeaderName = Field("", description="Header that names the calling application.")
    apps: tuple[str, ...] = Field((), max_length=10, description="Applications shown by name; others are `other`.")
    conversation_header: HeaderName = Field("", description="Header, set by you, that names the conversation.")
    trust_client_conversation_ids: bool = Field(
        default=False,
        description="Take conversation ids from request bodies. A client could hide an attack behind one id.",
    )


class Exclude(Section):
    """Traffic that is passed on but never counted: load tests, evaluations."""

    headers: dict[HeaderName, str] = Field(default_factory=dict, description="Header values that mark such traffic.")
    paths: tuple[str, ...] = Field((), description="Path prefixes of such traffic.")
