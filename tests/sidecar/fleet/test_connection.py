"""The way to a real Redis: plain, with a password, TLS, a unix socket, a Cluster; and what is said where it is barred."""

import asyncio
import contextlib

import pytest
from certificates import Authority
from redis_server import RunningCluster, RunningRedis, free_port, valkey

from sidecar.config_fleet import Fleet
from sidecar.fleet.connection import PERMISSIONS, Connection, MismatchError
from sidecar.fleet.layout import TELL, Keys
from sidecar.store.base import StoreError

KEYS = Keys("kilter")
NAMES = [KEYS.about, KEYS.members, KEYS.ticks, KEYS.state, KEYS.lease, KEYS.lost, KEYS.parts(7), KEYS.counted(7)]
ONE = ("1", "check", "60", "1", "me", "{}", "60", "", "7", "me c", b"\0part")


@contextlib.asynccontextmanager
async def connected(address, **settings):
    connection = Connection(address, Fleet(**settings))
    try:
        yield connection
    finally:
        await connection.close()


async def tells(address, **settings):
    """What became of one part that is told."""
    async with connected(address, **settings) as connection:
        return (await connection.run(TELL, NAMES, *ONE))[5]


async def refused(address, **settings):
    with pytest.raises(StoreError) as raised:
        await tells(address, **settings)
    text = str(raised.value)
    assert "\n" not in text
    assert "planted" not in text.replace("planted@", "")
    return text


async def test_a_password_of_a_file_is_used_and_a_wrong_one_named_without_being_quoted(tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("planted-secret\n")
    wrong.write_text("planted-wrong\n")
    with RunningRedis(tmp_path / "redis", "--requirepass", "planted-secret") as redis:
        assert await tells(redis.url, password_file=str(right)) == [b"taken"]
        assert "refuses the user or the password" in await refused(redis.url)
        assert "refuses the user or the password" in await refused(redis.url, password_file=str(wrong))
        assert f"{tmp_path}/none: cannot be read" in await refused(redis.url, password_file=f"{tmp_path}/none")


async def test_a_user_needs_no_more_than_what_is_said_to_be_needed_and_less_is_refused_in_a_line(tmp_path):
    password = tmp_path / "password"
    password.write_text("planted")
    with RunningRedis(tmp_path / "redis") as redis:
        redis.command("ACL", "SETUSER", "kilter", "on", ">planted", "~kilter:*", *PERMISSIONS.split())
        redis.command("ACL", "SETUSER", "few", "on", ">planted", "~kilter:*", "+eval")
        redis.command("ACL", "SETUSER", "none", "on", ">planted", "~kilter:*", "+get")
        redis.command("ACL", "SETUSER", "elsewhere", "on", ">planted", "~other:*", *PERMISSIONS.split())
        where = redis.url.removeprefix("redis://")
        assert await tells(f"redis://kilter@{where}", password_file=str(password)) == [b"taken"]
        for user in ("few", "none", "elsewhere"):
            text = await refused(f"redis://{user}@{where}", password_file=str(password))
            assert "may not do all that is needed: +eval" in text, user


async def test_tls_checks_the_name_and_the_authority_and_shows_a_client_certificate(tmp_path):
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "another authority")
    certificate, key = ours.issue("127.0.0.1")
    tls = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", ours.ca_file)
    with RunningRedis(tmp_path / "redis", tls=[str(word) for word in tls]) as redis:
        client = {"client_cert_file": str(certificate), "client_key_file": str(key)}
        assert await tells(redis.url, ca_file=str(ours.ca_file), **client) == [b"taken"]
        assert "certificate" in await refused(redis.url, ca_file=str(theirs.ca_file), **client)
        await refused(redis.url, ca_file=str(ours.ca_file))  # without the certificate that it asks for


async def test_a_cluster_is_found_to_be_one_and_takes_a_fleet_in_one_slot(tmp_path):
    with RunningRedis(tmp_path / "redis", "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as redis:
        assert "does not serve all slots" in await refused(redis.url)
        redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        async with asyncio.timeout(20):
            while b"cluster_state:ok" not in redis.command("CLUSTER", "INFO"):
                await asyncio.sleep(0.05)
        assert await tells(redis.url) == [b"taken"]


def names_of(fleet):
    keys = Keys(fleet)
    return [keys.about, keys.members, keys.ticks, keys.state, keys.lease, keys.lost, keys.parts(7), keys.counted(7)]


async def test_a_cluster_of_several_nodes_is_told_over_tls_by_a_user_of_few_rights_and_outlives_a_node(tmp_path):
    """Three nodes, and a replica of the first. Of nine fleets each node has some. The node of the address then dies."""
    ours = Authority(tmp_path)
    certificate, key = ours.issue("127.0.0.1")
    tls = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", ours.ca_file]
    tls = [*map(str, tls), "--tls-cluster", "yes", "--tls-replication", "yes"]
    cli = ("--tls", "--cert", certificate, "--key", key, "--cacert", ours.ca_file)
    password = tmp_path / "password"
    password.write_text("planted")
    client = {"client_cert_file": str(certificate), "client_key_file": str(key), "ca_file": str(ours.ca_file)}
    with RunningCluster(tmp_path / "cluster", tls=tls, cli=cli) as cluster:
        for node in cluster.nodes:
            rights = [*PERMISSIONS.split(), "+cluster", "+command"]
            node.command("ACL", "SETUSER", "kilter", "on", ">planted", "~kilter:*", *rights)
        address = cluster.nodes[0].url.replace("://", "://kilter@")
        fleets = [f"fleet-{number}" for number in range(9)]
        async with connected(address, password_file=str(password), **client) as connection:
            for fleet in fleets:
                assert (await connection.run(TELL, names_of(fleet), *ONE))[5] == [b"taken"], fleet
                assert (await connection.run(TELL, names_of(fleet), *ONE))[5] == [b"known"], fleet
            held = [len(node.command("KEYS", "kilter:*:about").split()) for node in cluster.nodes[:3]]
            assert sum(held) == 9
            assert min(held) > 0
            cluster.nodes[0].kill()
            async with asyncio.timeout(30):
                for fleet in fleets:  # what the dead node had its replica has
                    while True:
                        with contextlib.suppress(StoreError):
                            assert (await connection.run(TELL, names_of(fleet), *ONE))[5] == [b"known"], fleet
                            break
                        await asyncio.sleep(0.1)


async def test_valkey_will_do_alone_and_as_a_cluster(tmp_path):
    with RunningRedis(tmp_path / "valkey", server=valkey()) as redis:
        assert b"valkey_version" in redis.command("INFO", "server")
        redis.command("ACL", "SETUSER", "kilter", "on", ">planted", "~kilter:*", *PERMISSIONS.split())
        (tmp_path / "password").write_text("planted")
        address = redis.url.replace("://", "://kilter@")
        assert await tells(address, password_file=str(tmp_path / "password")) == [b"taken"]
        assert await tells(redis.url) == [b"known"]
        assert "+eval" in await refused_without(redis, "+eval", password=tmp_path / "password")
    with RunningCluster(tmp_path / "cluster", server=valkey()) as cluster:
        for fleet in ("a", "b", "c", "d"):
            async with connected(cluster.nodes[1].url) as connection:
                assert (await connection.run(TELL, names_of(fleet), *ONE))[5] == [b"taken"]


async def refused_without(redis, right, password):
    redis.command("ACL", "SETUSER", "few", "on", ">planted", "~kilter:*", *PERMISSIONS.replace(right, "").split())
    return await refused(redis.url.replace("://", "://few@"), password_file=str(password))


async def test_a_unix_socket_will_do(tmp_path):
    with RunningRedis(tmp_path / "redis", "--unixsocket", str(tmp_path / "s")):
        assert await tells(f"unix://{tmp_path}/s") == [b"taken"]


async def test_an_old_server_is_told_by_its_word_and_one_that_says_nothing_by_the_time(tmp_path):
    async def old(reader, writer):
        while await reader.read(1000):
            writer.write(b"-ERR unknown command\r\n")
        writer.close()

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    for serve, need in ((old, "need Redis 6.2 or later"), (silent, "no answer within 0.3 s")):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert need in await refused(f"redis://127.0.0.1:{port}", timeout_s=0.3)


async def test_nobody_there_a_full_store_and_a_replica_are_told_apart(tmp_path):
    with RunningRedis(tmp_path / "redis", "--maxmemory", "1", "--maxmemory-policy", "noeviction") as redis:
        assert "no memory left" in await refused(redis.url)
    assert "cannot be reached" in await refused(redis.url)
    with RunningRedis(tmp_path / "replica", "--replicaof", "127.0.0.1 1") as redis:
        assert "takes no writes" in await refused(redis.url)


@pytest.mark.parametrize(("place", "name"), [(0, "layout"), (1, "key"), (2, "tick"), (3, "counting")])
async def test_who_counts_otherwise_is_kept_out_and_told_what_differs(tmp_path, place, name):
    other = [*ONE[:place], "9", *ONE[place + 1 :]]
    with RunningRedis(tmp_path / "redis") as redis:
        assert await tells(redis.url) == [b"taken"]
        before = redis.everything()
        async with connected(redis.url) as connection:
            with pytest.raises(MismatchError, match=f"this fleet has {name} "):
                await connection.run(TELL, NAMES, *other)
        assert redis.everything() == before


async def test_a_part_that_is_told_twice_is_one_and_one_of_a_counted_tick_is_late_once(tmp_path):
    with RunningRedis(tmp_path / "redis") as redis:
        assert await tells(redis.url) == [b"taken"]
        assert await tells(redis.url) == [b"known"]
        redis.command("HSET", KEYS.state, "next", "8")
        async with connected(redis.url) as connection:
            late = [*ONE[:9], "another c", b"\0part"]
            assert (await connection.run(TELL, NAMES, *late))[5] == [b"late"]
            assert (await connection.run(TELL, NAMES, *late))[5] == [b"known"]
        assert redis.command("HGET", KEYS.lost, "late").strip() == b"1"


async def test_a_store_that_has_forgotten_who_tells_takes_nothing_before_all_is_told_again(tmp_path):
    known = [*ONE[:7], "3", *ONE[8:]]
    with RunningRedis(tmp_path / "redis") as redis:
        async with connected(redis.url) as connection:
            assert (await connection.run(TELL, NAMES, *known))[1] == 0
            assert set(redis.everything()) == {KEYS.about}
