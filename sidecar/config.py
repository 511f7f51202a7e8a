"""The configuration: one tree, every key with its meaning, unit and default.

``load`` merges the sources, checks, and raises one ConfigError that names the place, the
key, what is wrong and what is allowed. Messages never repeat a value: it may be a secret.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from sidecar import settings
from sidecar.config_canary import Canary
from sidecar.config_fleet import Fleet, StoreAddress
from sidecar.config_report import Report
from sidecar.config_samples import KeepSamples
from sidecar.config_section import HeaderName, Seconds, Section
from sidecar.config_source import ConfigError, Key, Source, add_environment, add_flags, dotted, read_file
from sidecar.wire.base import formats

_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


def _address(text: str) -> str:
    if text.startswith("unix:") and len(text) > len("unix:"):
        return text
    match = _ADDRESS.fullmatch(text)
    if not match or int(match[1]) > 65535:
        raise ValueError("need HOST:PORT, [IPV6]:PORT or unix:/path")
    return text


def _upstream(text: str) -> str:
    if text.startswith("unix:") and len(text) > len("unix:"):
        return text
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError("need http://HOST[:PORT][/base], https://… or unix:/path") from None
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise ValueError("need http://HOST[:PORT][/base], https://… or unix:/path")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("need a plain address: no user, password, query or fragment")
    return text


def _provider(text: str) -> str:
    names = sorted({name for wire_format in formats() for name in wire_format.called})
    if text and not any(wire_format.is_called(text) for wire_format in formats()):
        raise ValueError(f"need one of {', '.join(names)}")
    return text


Address = Annotated[str, AfterValidator(_address)]
UpstreamAddress = Annotated[str, AfterValidator(_upstream)]
ProviderName = Annotated[str, AfterValidator(_provider)]


class Log(Section):
    """JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level written.")


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


class Readiness(Section):
    """What `/readyz` asks for beside an accepting worker."""

    require_upstream: bool = Field(default=False, description="Also require that the upstream accepts connections.")


class Labels(Section):
    """Bounds of metric labels that come from traffic; what is past them is `other`."""

    models: tuple[str, ...] = Field((), description="Models shown by name; empty: the first `top_models` seen.")
    top_models: int = Field(20, ge=1, le=200, description="Models shown by name where none are listed.")
    top_languages: int = Field(20, ge=1, le=60, description="Languages shown by name.")
    top_tools: int = Field(30, ge=1, le=100, description="Tools shown by name.")


class Ticks(Section):
    """Counting is by the time at which a request began."""

    length_s: Seconds = Field(60.0, description="Length of a tick.")
    grace_s: Seconds = Field(600.0, description="A tick waits this long after its end for what is in flight.")
    window_s: Seconds = Field(3600.0, description="`kilter_rate` covers this long up to now.")


class Baselines(Section):
    """What is usual: learned from traffic, used once a person promotes it."""

    file: str = Field("", description="A file of `kilter baseline export` to judge by, for example from a ConfigMap.")
    expected: bool = Field(default=False, description="Starting without a baseline is then a state of its own.")
    learn_days: int = Field(7, ge=0, le=366, description="Days with traffic after which a baseline is ready.")
    learn_trials: int = Field(2000, ge=1, description="Observations in the largest stratum after which one is ready.")


class Budget(Section):
    """The chance of any false alarm, over all strata."""

    false_alarms: float = Field(0.007, gt=0, lt=1, description="Chance of any false alarm from traffic in a period.")
    period_days: float = Field(30.0, gt=0, le=366, description="Length of a period.")
    most_strata: int = Field(
        80, ge=1, le=1000, description="Strata tested alone; what is past them is tested together."
    )


class Verdicts(Section):
    """When a change matters. Differences of rates: .02 is two points. The defaults are Kilter's own."""

    margin: float = Field(0.005, gt=0, lt=0.5, description="Within it a rate is no drift.")
    floor: float = Field(0.02, gt=0, lt=1, description="An alarm needs a difference shown to be larger.")
    floor_relative: float = Field(0.25, gt=0, le=10, description="The same for rates below 4 %, as a part of the rate.")
    least_users: float = Field(30.0, ge=1, description="Nothing is judged below so many equal users.")


class Otlp(Section):
    """OpenTelemetry: spans, GenAI metrics and events, never text. Needs `pip install 'kilter[otlp]'`."""

    endpoint: str = Field("", description="The collector, as `http://host:4317`; empty: nothing is sent.")
    protocol: Literal["grpc", "http"] = Field(
        "grpc", description="Over HTTP the paths `/v1/traces` and so on are added."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every export, for example a token.")
    service_name: str = Field("kilter", min_length=1, description="`service.name` of everything sent.")
    span_ratio: float = Field(1.0, ge=0, le=1, description="Share of the exchanges looked at that get a span.")
    metrics_interval_s: Seconds = Field(60.0, description="Between two exports of metrics.")
    timeout_s: Seconds = Field(5.0, description="An export may take this long.")
    semconv: Literal["latest", "1.36"] = Field("latest", description="Version of the GenAI names.")

    @model_validator(mode="after")
    def _address(self) -> Otlp:
        if self.endpoint and not re.match(r"https?://[^/\s]+", self.endpoint):
            raise ValueError("endpoint: need http://host:port or https://host:port")
        return self


class Config(Section):
    """The whole tree."""

    upstream: UpstreamAddress = Field(description="The model server: `http://`, `https://` or `unix:`.")
    listen: Address = Field("127.0.0.1:9400", description="Where clients connect.")
    admin: Address = Field("127.0.0.1:9401", description="Health, metrics and the status page.")
    admin_hosts: tuple[str, ...] = Field(
        (),
        description="Names under which people reach `admin`, beside addresses, `localhost` and the machine's own; the page "
        "and the API answer to no other.",
    )
    state: str = Field("", description="Directory for keys and state; empty: `$XDG_STATE_HOME/kilter`.")
    provider: ProviderName = Field(
        "",
        description="What stands upstream, where paths leave it open: `tgi` or `sglang` on `/generate`, `tgi` on `/`, "
        "`mistral` on Chat Completions. Empty: the body decides.",
    )
    sample: float = Field(1.0, gt=0, le=1, description="Share of conversations that is looked at.")
    workers: int = Field(1, ge=1, le=64, description="Gateway processes.")
    observe: bool = Field(default=True, description="Off: traffic passes, nothing is looked at (the kill switch).")
    drain_s: Seconds = Field(30.0, description="On SIGTERM streams may go on this long.")
    log: Log = Field(default_factory=Log)
    tls: Tls = Field(default_factory=Tls)
    upstream_tls: UpstreamTls = Field(default_factory=UpstreamTls)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    limits: Limits = Field(default_factory=Limits)
    relay: Relay = Field(default_factory=Relay)
    capture: Capture = Field(default_factory=Capture)
    identity: Identity = Field(default_factory=Identity)
    exclude: Exclude = Field(default_factory=Exclude)
    readiness: Readiness = Field(default_factory=Readiness)
    labels: Labels = Field(default_factory=Labels)
    ticks: Ticks = Field(default_factory=Ticks)
    baseline: Baselines = Field(default_factory=Baselines)
    budget: Budget = Field(default_factory=Budget)
    verdicts: Verdicts = Field(default_factory=Verdicts)
    otlp: Otlp = Field(default_factory=Otlp)
    canary: Canary = Field(default_factory=Canary)
    report: Report = Field(default_factory=Report)
    keep_samples: KeepSamples = Field(default_factory=KeepSamples)
    store: StoreAddress = Field(
        "",
        description="Redis or Valkey that a fleet shares: `redis://`, `rediss://` or `unix://`; empty: this sidecar judges alone.",
    )
    fleet: Fleet = Field(default_factory=Fleet)

    @model_validator(mode="after")
    def _fleet_key(self) -> Config:
        if self.store and not self.fleet.key_file:
            raise ValueError(
                "store: needs fleet.key_file too, or every replica would know the same users by other hashes"
            )
        return self

    @property
    def state_dir(self) -> Path:
        """Where state lives."""
        return state_dir(self.state)

    def upstream_settings(self) -> settings.UpstreamSettings:
        """The upstream, taken apart."""
        tls = self.upstream_tls.model_dump()
        rewrite = self.relay.rewrite_host
        if self.upstream.startswith("unix:"):
            return settings.UpstreamSettings("unix", self.upstream.removeprefix("unix:"), rewrite_host=rewrite, **tls)
        url = urlsplit(self.upstream)
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        base = url.path.rstrip("/")
        return settings.UpstreamSettings(url.scheme, url.hostname or "", port, base, rewrite_host=rewrite, **tls)

    def gateway_settings(self, routes: tuple[settings.Route, ...]) -> settings.GatewaySettings:
        """A worker's part."""
        capture, identity = self.capture, self.identity
        return settings.GatewaySettings(
            upstream=self.upstream_settings(),
            relay=settings.RelaySettings(
                connect_timeout_s=self.timeouts.connect_s,
                first_byte_timeout_s=self.timeouts.first_byte_s,
                idle_timeout_s=self.timeouts.idle_s,
                header_timeout_s=self.timeouts.header_s,
                keepalive_timeout_s=self.timeouts.keepalive_s,
                upstream_keepalive_s=self.timeouts.upstream_keepalive_s,
                max_header_bytes=self.limits.header_bytes,
                max_connections=self.limits.connections,
                max_inflight=self.limits.inflight,
                retry_stale_post=self.relay.retry_stale_post,
                tls_cert_file=self.tls.cert_file,
                tls_key_file=self.tls.key_file,
            ),
            capture=settings.CaptureSettings(
                sample=self.sample,
                **capture.model_dump(),
                **identity.model_dump(),
                exclude_headers=tuple(sorted(self.exclude.headers.items())),
                exclude_paths=self.exclude.paths,
            ),
            routes=routes,
            grace_s=self.drain_s,
            log_level=self.log.level,
        )


def state_dir(named: str) -> Path:
    """The state directory: as named, else the user's own."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(named).expanduser() if named else Path(base) / "kilter"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ, **flags: Any) -> Config:
    """The checked configuration of a run. ConfigError, one line a mistake, when it does not hold."""
    source = read_file(path) if path else Source()
    add_environment(source, environ)
    add_flags(source, flags)
    try:
        return Config.model_validate(source.values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(source, item["loc"], item) for item in error.errors())) from None


def _explain(source: Source, key: Key, item: Mapping[str, Any]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = known_keys(key[:-1])
        near = difflib.get_close_matches(str(key[-1]), allowed, n=1)
        need = f"unknown key; did you mean {near[0]}?" if near else f"unknown key; allowed: {', '.join(allowed)}"
    elif kind == "missing":
        need = "is needed and has no default"
        if key == ("upstream",):
            need += " (--upstream http://127.0.0.1:8000, or KILTER_UPSTREAM)"
    elif kind == "value_error":
        need = str(context.get("error", item["msg"]))
    else:
        need = str(item["msg"]).replace("Input should be", "need")
    return ": ".join(filter(None, (source.place(key), dotted(key), need)))


def known_keys(section: Key = ()) -> list[str]:
    """The keys allowed in a section of the tree."""
    model: Any = Config
    for part in section:
        field = model.model_fields.get(str(part)) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def every_key() -> list[tuple[str, Any, str]]:
    """(key, default, description) of every leaf, for the reference page and its test."""

    def walk(model: type[BaseModel], prefix: str) -> list[tuple[str, Any, str]]:
        rows: list[tuple[str, Any, str]] = []
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                rows += walk(field.annotation, f"{prefix}{name}.")
            else:
                default = None if field.is_required() else field.get_default(call_default_factory=True)
                rows.append((prefix + name, default, field.description or ""))
        return rows

    return walk(Config, "")
