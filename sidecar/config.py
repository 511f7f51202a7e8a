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
from sidecar.config_judging import Baselines, Budget, Labels, Ticks, Verdicts
from sidecar.config_otlp import Otlp
from sidecar.config_report import Report
from sidecar.config_samples import KeepSamples
from sidecar.config_section import Seconds, Section
from sidecar.config_source import ConfigError, Key, Source, add_environment, add_flags, dotted, read_file
from sidecar.config_traffic import Capture, Exclude, Identity, Limits, Relay, Timeouts, Tls, UpstreamTls
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


class Readiness(Section):
    """What `/readyz` asks for beside an accepting worker."""

    require_upstream: bool = Field(default=False, description="Also require that the upstream accepts connections.")


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
    def _fleet_whole(self) -> Config:
        if self.store and not self.fleet.key_file:
            raise ValueError(
                "store: needs fleet.key_file too, or every replica would know the same users by other hashes"
            )
        if self.store and self.canary.enabled and self.canary.sampling == "mirror":
            raise ValueError(
                "canary.sampling: mirror needs traffic, and a fleet's canaries are asked where there is none"
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
