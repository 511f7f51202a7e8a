"""From a checked configuration to running processes: the composition root.

The one place that knows both the wire formats and the supervisor: it reads off which paths
carry which format, so that the gateway never has to import them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import detectors
import sidecar
from sidecar import logs, settings
from sidecar.canary import secret as canary_secret
from sidecar.config import Config
from sidecar.config_source import ConfigError
from sidecar.fleet.agreement import fleet_key
from sidecar.hardening import forbid_core_dumps
from sidecar.store.samples import SampleError, sample_key
from sidecar.supervisor.listeners import BindError
from sidecar.supervisor.supervisor import Supervisor
from sidecar.wire.base import formats

log = logging.getLogger("kilter.supervisor")

KEY_BYTES = 32
EVIDENCE_KEY = "evidence_key"


def routes(provider: str = "") -> tuple[settings.Route, ...]:
    """Which path ends carry which wire format. Of equal ends the first counts: those of the named provider."""
    named = [wire for wire in formats() if provider and wire.is_called(provider)]
    ends = [(suffix, wire) for wire in named for suffix in (*wire.when_named, *wire.suffixes)]
    ends += [(suffix, wire) for wire in formats() for suffix in wire.suffixes]
    return tuple(settings.Route(suffix, wire.name) for suffix, wire in ends)


def supervisor_settings(config: Config) -> settings.SupervisorSettings:
    """The supervisor's part, with everybody else's inside."""
    return settings.SupervisorSettings(
        listen=config.listen,
        admin=config.admin,
        admin_hosts=config.admin_hosts,
        workers=config.workers,
        observe=config.observe,
        require_upstream=config.readiness.require_upstream,
        upstream_shown=config.upstream,
        gateway=config.gateway_settings(routes(config.provider)),
        monitor_config=monitor_config(config),
    )


def monitor_config(config: Config, environ: Mapping[str, str] = os.environ) -> str:
    """The monitor's part, with the canaries' rotation secret where they are on: a child's environment holds none.

    ConfigError when the secret cannot be had.
    """
    rotation = ""
    if config.canary.enabled:
        named = Path(config.canary.secret_file) if config.canary.secret_file else None
        try:
            found = canary_secret.named(named, environ)
        except canary_secret.SecretError as error:
            raise ConfigError(f"canary.secret_file: {error}") from None
        rotation = found.hex() if found else secret(config.state_dir, canary_secret.INSTALLED)
    return json.dumps({"config": config.model_dump(mode="json"), "canary_secret": rotation})


def secret(state: Path, name: str) -> str:
    """A secret of this installation as hex, made at the first start and readable by its owner only.

    ConfigError when the state directory cannot be used.
    """
    path = state / name
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_name(f".{name}.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(KEY_BYTES), encoding="ascii")
            try:
                path.hardlink_to(fresh)  # the first of two starts wins, and both read the same
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        text = path.read_text(encoding="ascii").strip()
        if len(bytes.fromhex(text)) != KEY_BYTES:
            raise ConfigError(f"{path}: need {KEY_BYTES} bytes as hex; move the file away to have a new one made")
    except OSError as error:
        raise ConfigError(f"state: {state}: cannot be used: {error.strerror} (--state DIR names another)") from None
    except ValueError:
        raise ConfigError(f"{path}: need {KEY_BYTES} bytes as hex; move the file away to have a new one made") from None
    return text


def check_origin() -> None:
    """The names ``sidecar`` and ``detectors`` are common: refuse to run beside somebody else's."""
    if Path(detectors.__file__ or "").parent.parent != Path(sidecar.__file__ or "").parent.parent:
        raise ConfigError(
            "another package named 'detectors' or 'sidecar' shadows Kilter's: install Kilter into its own environment"
        )


def check_otlp() -> None:
    """ConfigError where the extra is missing."""
    if importlib.util.find_spec("opentelemetry.exporter") is None:
        raise ConfigError("otlp.endpoint: need the extra: pip install 'kilter[otlp]'")


def check_fleet() -> None:
    """ConfigError where the extra is missing."""
    if importlib.util.find_spec("redis") is None:
        raise ConfigError("store: need the extra: pip install 'kilter[fleet]'")


def check_samples(config: Config) -> None:
    """ConfigError where samples are to be kept and cannot be."""
    keep = config.keep_samples
    if not keep.dir:
        return
    if importlib.util.find_spec("cryptography") is None:
        raise ConfigError("keep_samples.dir: need the extra: pip install 'kilter[samples]'")
    try:
        sample_key(keep.key_file)
    except SampleError as error:
        raise ConfigError(f"keep_samples.key_file: {error}") from None


def hash_key(config: Config) -> bytes:
    """What keys every hash: the fleet's key where there is a fleet, else this installation's. ConfigError."""
    if not config.store:
        return bytes.fromhex(secret(config.state_dir, "install_key"))
    check_fleet()
    try:
        return fleet_key(config.fleet)
    except ValueError as error:
        raise ConfigError(str(error)) from None


MONITOR_KEYS = frozenset(
    {"labels", "ticks", "baseline", "budget", "verdicts", "otlp", "canary", "report", "log", "keep_samples"}
)
"""What SIGHUP can change; everything else is the data plane's and needs a restart."""


def reloaded(running: Config, read: Callable[[], Config]) -> str | None:
    """The monitor's part of the configuration as it is now, or None, said in the log, when it does not hold."""
    try:
        fresh = read()
        taken = {key: getattr(fresh, key) for key in MONITOR_KEYS}
        told = monitor_config(running.model_copy(update=taken))
        check_samples(fresh)
    except ConfigError as error:
        log.error("the configuration does not hold and is not taken", extra={"fields": {"mistakes": str(error)}})  # noqa: TRY400  # its text says all
        return None
    changed = [key for key in Config.model_fields if getattr(fresh, key) != getattr(running, key)]
    if left := [key for key in changed if key not in MONITOR_KEYS]:
        log.warning("these keys need a restart and are left as they were", extra={"fields": {"keys": left}})
    log.info("the monitor starts anew", extra={"fields": {"changed": [key for key in changed if key in MONITOR_KEYS]}})
    return told


def run(config: Config, read: Callable[[], Config]) -> None:
    """Runs until SIGTERM. ``read`` loads the configuration anew, at SIGHUP.

    ConfigError when something needed cannot be had.
    """
    forbid_core_dumps()
    check_origin()
    logs.set_up("supervisor", config.log.level)
    key = hash_key(config)
    token = secret(config.state_dir, "admin_token")
    secret(config.state_dir, EVIDENCE_KEY)
    if config.otlp.endpoint:
        check_otlp()
    check_samples(config)

    async def supervise() -> None:
        try:
            supervisor = Supervisor(supervisor_settings(config), key, token, lambda: reloaded(config, read))
        except BindError as error:
            raise ConfigError(str(error)) from None
        await supervisor.run()

    asyncio.run(supervise())


def run_monitor(config: Config) -> None:
    """The monitor of a fleet, until SIGTERM. ConfigError when something needed cannot be had."""
    forbid_core_dumps()
    check_origin()
    logs.set_up("monitor", config.log.level)
    key = hash_key(config)
    token = secret(config.state_dir, "admin_token")
    secret(config.state_dir, EVIDENCE_KEY)
    if config.otlp.endpoint:
        check_otlp()
    rotation = json.loads(monitor_config(config))["canary_secret"]
    from sidecar.fleet.process import monitor_fleet  # noqa: PLC0415  # needs the extra `fleet`

    try:
        monitor_fleet(config, key, token, rotation)
    except BindError as error:
        raise ConfigError(str(error)) from None
