"""The configurations that are printed. What they do, `tests/proxies` tries."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from livria_sse.commands import commands
from livria_sse.deploy import PROXIES, Names, configuration
from livria_sse.deploy.deploy import NO_HOST, NO_SERVER
from livria_sse.errors import InvalidInput


@pytest.mark.parametrize("proxy", PROXIES)
def test_names_are_filled_in(proxy: str) -> None:
    """A configuration has the site's name, port, certificate and every server, and no gaps."""
    servers = ["10.0.0.1:8001", "[::1]:8002"]
    options = ["--host", "books.example", "--port", "8443", "--certificate", "/c.pem"]
    options += ["--key", "/k.pem", "--server", servers[0], "--server", servers[1]]

    printed = CliRunner().invoke(commands, ["deploy-config", proxy, *options])

    assert printed.exit_code == 0
    expected = {*servers, "8443", "/c.pem"}
    if proxy != "haproxy":  # which knows no site by name, and looks for the key by itself
        expected |= {"books.example", "/k.pem"}
    assert {name for name in expected if name not in printed.output} == set()
    assert not {"{{", "{%"} & set(printed.output.split())


def test_unknown_proxies() -> None:
    """A proxy that there is nothing for is refused with the names of the others."""
    printed = CliRunner().invoke(commands, ["deploy-config", "squid"])

    assert printed.exit_code == 2
    assert all(proxy in printed.output for proxy in PROXIES)


@pytest.mark.parametrize("word", ["", "a b", "a;", "a\n}", 'a"', "a{", "책"])
@pytest.mark.parametrize("field", ["host", "certificate", "key", "servers"])
def test_words_that_would_break_out(field: str, word: str) -> None:
    """What would end a word or a block in a configuration is refused by the name of its field."""
    names = Names(**{field: (word,) if field == "servers" else word})  # type: ignore[arg-type]

    with pytest.raises(InvalidInput) as refusal:
        configuration("nginx", names)

    assert list(refusal.value.errors) == ["server" if field == "servers" else field]


@pytest.mark.parametrize(
    "server",
    [
        "http://127.0.0.1:8000",
        "127.0.0.1",
        "127.0.0.1:",
        ":8000",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "127.0.0.1:8000/x",
        "::1:8000",
        "[::1]",
        "[::g]:8000",
        "[::1%eth0]:8000",
        "[127.0.0.1]:8000",
        "unix:/run/livria.sock",
    ],
)
def test_servers_that_are_none(server: str) -> None:
    """What is no address with a port is refused in one line that shows how to write it."""
    printed = CliRunner().invoke(commands, ["deploy-config", "nginx", "--server", server])

    assert isinstance(printed.exception, InvalidInput)
    assert printed.exception.errors == {"server": [NO_SERVER]}
    assert not printed.output


@pytest.mark.parametrize("server", ["localhost:1", "app_1.books-a.example:65535", "[fd00::a]:80"])
def test_servers(server: str) -> None:
    """Names and both kinds of addresses are servers."""
    assert server in configuration("nginx", Names(servers=(server,)))


@pytest.mark.parametrize("host", ["../x", "a/b", "a:443", "-a", "a-", "a..b", "[::1]", "a" * 64])
def test_hosts_that_are_none(host: str) -> None:
    """What is no name of a host is refused as the site's."""
    with pytest.raises(InvalidInput) as refusal:
        configuration("nginx", Names(host=host))

    assert refusal.value.errors == {"host": [NO_HOST]}
