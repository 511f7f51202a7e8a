"""The way to the shared store: Redis or Valkey, one server or a Cluster, over TCP, TLS or a unix socket.

Rules of this file
* Whatever goes wrong becomes a StoreError whose text says what is needed, and quotes no password.
* An answer is waited for ``fleet.timeout_s`` at most, and nothing is tried twice: whoever asks comes again anyway.
* Whether it is a Cluster is asked of the server; where that one is gone later, its other nodes are asked. All keys of a fleet carry one hash tag, so they live in one slot and a
  script can change several at once.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from redis import exceptions
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from sidecar.config_fleet import Fleet
from sidecar.store.base import StoreError

OLDEST = (6, 2)
"""Redis; Valkey begins above it."""
PERMISSIONS = "+eval +hello +time +get +set +del +unlink +exists +expire +hget +hset +hsetnx +hdel +hexists +hgetall +hlen +hmget +hincrby +sadd +sismember +zadd +zrem +zrange"
_BARRED = ("ACL failure", "NOPERM", "executing the script can't")
MISMATCH = "KILTER "
"""Begins the errors of our own scripts."""


class MismatchError(StoreError):
    """A process and a fleet that cannot work together. Trying again will not help."""


class Credentials(CredentialProvider):
    """The user of the address and the password of a file, read at each connection, so that it can be changed."""

    def __init__(self, user: str, password_file: str) -> None:
        self._user = user
        self._file = password_file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """(password) or (user, password). StoreError where the file cannot be read."""
        try:
            password = Path(self._file).read_text(encoding="utf-8").strip() if self._file else ""
        except (OSError, UnicodeDecodeError):
            raise StoreError(f"fleet.password_file: {self._file}: cannot be read") from None
        return (self._user, password) if self._user else (password,)


class Connection:
    """To ``address``, a checked ``store`` of the configuration. Connects when it is first needed, and after a failure anew."""

    def __init__(self, address: str, settings: Fleet) -> None:
        self.address = address
        self._settings = settings
        self._client: Redis | RedisCluster | None = None
        self._nodes: list[tuple[str, int]] = []

    async def run(self, script: str, keys: Sequence[str], *arguments: str | bytes | float) -> Any:
        """What ``script`` (Lua) returns, texts as bytes. StoreError."""
        try:
            if self._client is None:
                self._client = await self._connected()
            if isinstance(self._client, RedisCluster):
                await self._client.initialize()
                self._nodes = [(str(node.host), int(node.port)) for node in self._client.get_nodes()] or self._nodes
            return await self._client.eval(script, len(keys), *keys, *arguments)
        except StoreError:
            raise
        except (exceptions.RedisError, exceptions.RedisClusterException, OSError, ValueError) as error:
            if not isinstance(error, exceptions.ResponseError):
                await self.close()
            raise self._explained(error) from None

    async def close(self) -> None:
        """May be used again."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # of a dead connection nothing more is wanted
                await client.aclose()
                if isinstance(
                    client, RedisCluster
                ):  # which closes nothing where it could not learn the Cluster's nodes
                    for nodes in ("nodes_cache", "startup_nodes"):
                        await client.nodes_manager.aclose(nodes)

    async def _connected(self) -> Redis | RedisCluster:
        single = self._single()
        try:
            server = _hello(await single.execute_command("HELLO"))  # type: ignore[no-untyped-call]  # as the library has it
        except exceptions.AuthenticationError:
            raise
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError):
            if not self._nodes:
                raise
            return RedisCluster(startup_nodes=[ClusterNode(*node) for node in self._nodes], **self._common())
        except exceptions.ResponseError as error:
            if str(error).upper().startswith(("NOAUTH", "WRONGPASS", "NOPERM")):
                raise
            raise StoreError(f"{self.address}: need Redis 6.2 or later, or Valkey: HELLO is not known there") from None
        finally:
            if "server" not in locals():
                with contextlib.suppress(Exception):
                    await single.aclose()
        if server["server"] == "redis" and _numbers(server["version"]) < OLDEST:
            await single.aclose()
            raise StoreError(f"{self.address}: need Redis 6.2 or later, or Valkey; it is Redis {server['version']}")
        if server["mode"] != "cluster":
            return single
        await single.aclose()
        url = urlsplit(self.address)
        return RedisCluster(host=url.hostname, port=url.port or 6379, **self._common())

    def _single(self) -> Redis:
        url = urlsplit(self.address)
        if url.scheme == "unix":
            return Redis(unix_socket_path=unquote(url.path), **self._common())
        database = int(url.path.strip("/") or 0)
        return Redis(host=url.hostname or "", port=url.port or 6379, db=database, **self._common())

    def _common(self) -> dict[str, Any]:
        settings, url = self._settings, urlsplit(self.address)
        common: dict[str, Any] = {
            "socket_timeout": settings.timeout_s,
            "socket_connect_timeout": settings.timeout_s,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        if url.username or settings.password_file:
            common["credential_provider"] = Credentials(unquote(url.username or ""), settings.password_file)
        if url.scheme == "rediss":
            common |= {
                "ssl": True,
                "ssl_ca_certs": settings.ca_file or None,
                "ssl_certfile": settings.client_cert_file or None,
                "ssl_keyfile": settings.client_key_file or None,
                "ssl_check_hostname": True,
            }
        return common

    def _explained(self, error: Exception) -> StoreError:
        """By kind; only texts that the server or the operating system wrote are quoted, and those cut."""
        text = str(error)
        if mismatch := re.search(rf"{MISMATCH}([^\r\n]*?)(?: script: |$)", text):
            return MismatchError(f"{self.address}: {mismatch[1]}")
        if isinstance(error, exceptions.NoPermissionError) or any(word in text for word in _BARRED):
            return StoreError(f"{self.address}: the user may not do all that is needed: {PERMISSIONS} ~kilter:*")
        if isinstance(error, exceptions.AuthenticationError) or "NOAUTH" in text:
            return StoreError(f"{self.address}: refuses the user or the password (fleet.password_file)")
        if isinstance(error, exceptions.ReadOnlyError) or "READONLY" in text:
            return StoreError(f"{self.address}: is a replica that takes no writes; need its primary")
        if isinstance(error, exceptions.OutOfMemoryError) or "OOM " in text:
            return StoreError(f"{self.address}: has no memory left (maxmemory)")
        if isinstance(error, (exceptions.RedisClusterException, exceptions.ClusterError)):
            return StoreError(f"{self.address}: the Cluster does not serve all slots: {text[:200]}")
        if isinstance(error, exceptions.TimeoutError):
            return StoreError(f"{self.address}: no answer within {self._settings.timeout_s:g} s")
        if isinstance(error, (exceptions.ConnectionError, OSError)):
            return StoreError(f"{self.address}: cannot be reached: {text[:200]}")
        return StoreError(f"{self.address}: {type(error).__name__}: {text[:200]}")


def _hello(answer: Any) -> dict[str, str]:
    """``server``, ``version`` and ``mode`` of what HELLO says, in either protocol."""
    pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=False)
    said = {_plain(name): _plain(value) for name, value in pairs}
    return {name: said.get(name, "") for name in ("server", "version", "mode")}


def _plain(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _numbers(version: str) -> tuple[int, ...]:
    """Major and minor.

    >>> _numbers("7.0.15"), _numbers("")
    ((7, 0), ())
    """
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
