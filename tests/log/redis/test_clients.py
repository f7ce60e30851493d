"""The ways to Redis: passwords, sockets, TLS, and sentinels that say who the master is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from livria_sse.application import create_app
from livria_sse.errors import InvalidSettings
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.streams import Streams
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from tests.log.redis.history import BOOK, History
from tests.parts import RedisServer
from tests.parts.ports import free_port
from tests.parts.redis import ACCEPTED, Program, redis_server
from tests.waiting import until

WORD = "p@ss/w0rd:%"
QUOTED = "p%40ss%2Fw0rd%3A%25"


async def works(url: str) -> bool:
    """Whether a change can be appended, read, and listened for at an address."""
    async with open_client(url) as commands, open_client(url) as listening:
        streams = Streams(Link(commands), "k7q2m", Settings())
        history = History()
        await streams.append(history.create())
        async with listening.pubsub() as pubsub:
            await pubsub.subscribe("somewhere")
            message = await pubsub.get_message(timeout=5)
        return bool(message) and await streams.since(BOOK, 0, known=1) == history.since(0)


@pytest.mark.parametrize("program", ACCEPTED)
async def test_passwords(tmp_path: Path, program: Program) -> None:
    """A user and a password with any characters are understood; no dangerous right is needed."""
    with RedisServer(tmp_path, program=program) as redis:
        with redis.client() as client:
            client.acl_setuser(
                "livria",
                enabled=True,
                reset_channels=True,
                passwords=[f"+{WORD}"],
                keys=["livria:*"],
                channels=["livria:*", "somewhere"],
                commands=["+@all", "-@dangerous"],
            )
        assert await works(redis.url.replace("//", f"//livria:{QUOTED}@"))


async def test_unix_sockets(tmp_path: Path) -> None:
    """Redis is found at a Unix socket."""
    with RedisServer(tmp_path, unixsocket=str(tmp_path / "redis.sock")):
        assert await works(f"unix://{tmp_path}/redis.sock?db=1")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key, and a certificate that nobody has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
        " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return key, certificate


async def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """With `rediss://` the connection is encrypted, and a certificate of nobody's is refused."""
    key, certificate_file = certificate
    port = free_port()
    with RedisServer(
        tmp_path / "redis",
        tls_port=str(port),
        tls_cert_file=str(certificate_file),
        tls_key_file=str(key),
        tls_auth_clients="no",
    ):
        assert await works(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate_file}")
        assert await works(f"rediss://127.0.0.1:{port}/1?ssl_cert_reqs=none")
        async with open_client(f"rediss://127.0.0.1:{port}") as client:
            with pytest.raises(RedisError):
                await client.ping()


@contextmanager
def sentinel_of(master: RedisServer, folder: Path) -> Iterator[int]:
    """A sentinel that watches a master, called livria; its port."""
    folder.mkdir()
    port = free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {folder}\n"
        f"sentinel monitor livria 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds livria 500\n"
        "sentinel failover-timeout livria 2000\n"
    )
    process = subprocess.Popen(
        [redis_server(), str(configuration), "--sentinel"], stdout=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


async def test_sentinels(tmp_path: Path) -> None:
    """Behind sentinels the present master is found, also after it has died."""
    with (
        RedisServer(tmp_path / "one") as one,
        RedisServer(tmp_path / "two", replica_of=one) as two,
        sentinel_of(one, tmp_path / "sentinel") as port,
    ):
        url = f"redis+sentinel://127.0.0.1:{port},127.0.0.1:1/livria"
        await until(lambda: answers(url))
        assert await works(url)
        await until(lambda: knows_replica(port))

        one.kill()

        await until(lambda: leads_to(url, two))
        assert await works(f"{url}/3")


async def answers(url: str) -> bool:
    """Whether there is a master at an address."""
    async with open_client(url) as client:
        try:
            return bool(await client.ping())
        except RedisError:
            return False


async def knows_replica(port: int) -> bool:
    """Whether a sentinel has found the master's replica, and that it is well."""
    async with Redis(port=port, protocol=2) as sentinel:
        found = await sentinel.sentinel_slaves("livria")
        return any(each["flags"] == {"slave"} or each["flags"] == "slave" for each in found)


async def leads_to(url: str, server: RedisServer) -> bool:
    """Whether an address leads to this server, and it is a master."""
    async with open_client(url) as client:
        try:
            config = await client.config_get("port")
            return config["port"] == str(server.port)
        except RedisError:
            return False


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{QUOTED}@h?ssl_cert_reqs=none",
        f"redis://:{QUOTED}@h?timeout=5",
        f"redis://:{QUOTED}@h?decode_responses=True",
        f"redis://:{QUOTED}@h?socket_timeout=60",
        f"redis+sentinel://:{QUOTED}@h:port/livria",
        f"redis+sentinel://:{QUOTED}@h/livria/notadatabase",
        "unix:///redis.sock?db=notadatabase",
        f"rediss://:{QUOTED}@h?ssl_cert_reqs=perhaps",
    ],
)
def test_wrong_addresses(url: str) -> None:
    """An address that cannot be used is refused at the start, in a line without its password."""
    with pytest.raises(InvalidSettings) as caught:
        create_app(Settings(redis_url=SecretStr(url)))

    said = caught.value.detail
    assert said.startswith("LIVRIA_REDIS_URL: ")
    assert said.isprintable()
    assert QUOTED not in said
    assert WORD not in said
