"""URLs taken apart: what is accepted, what is refused, and that a credential in a URL is never repeated."""

from __future__ import annotations

import pytest

from pbxnb.client import Endpoint
from pbxnb.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "ws_url", "http_base"),
    [
        ("wss://pbx.example.com", "wss://pbx.example.com/websocket?domain=acme.example&user=45", "https://pbx.example.com"),
        ("ws://10.0.0.5:8080/", "ws://10.0.0.5:8080/websocket?domain=acme.example&user=45", "http://10.0.0.5:8080"),
        ("WSS://PBX.example.com:443", "wss://pbx.example.com/websocket?domain=acme.example&user=45", "https://pbx.example.com"),
        ("ws://[::1]:81/websocket", "ws://[::1]:81/websocket?domain=acme.example&user=45", "http://[::1]:81"),
        ("wss://host.example/pbx/websocket", "wss://host.example/pbx/websocket?domain=acme.example&user=45", "https://host.example/pbx"),
        ("wss://host.example/pbx/", "wss://host.example/pbx/websocket?domain=acme.example&user=45", "https://host.example/pbx"),
        ("https://host.example/pbx/", "wss://host.example/pbx/websocket?domain=acme.example&user=45", "https://host.example/pbx"),
        ("https://pbx.example.com", "wss://pbx.example.com/websocket?domain=acme.example&user=45", "https://pbx.example.com"),
        ("http://10.0.0.5:8080/a/b", "ws://10.0.0.5:8080/a/b/websocket?domain=acme.example&user=45", "http://10.0.0.5:8080/a/b"),
    ],
)  # fmt: skip
def test_urls(url, ws_url, http_base):
    endpoint = Endpoint.parse(url, "acme.example", "45")
    assert endpoint.ws_url == ws_url
    assert endpoint.http_base == http_base
    assert endpoint.account == "45@acme.example"


def test_the_query_may_name_domain_and_user():
    endpoint = Endpoint.parse("wss://192.168.1.11/websocket?domain=localhost&user=45")
    assert (endpoint.domain, endpoint.user) == ("localhost", "45")
    assert endpoint == Endpoint.parse("wss://192.168.1.11", "localhost", "45")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pbx.example.com", "must begin with ws:// or wss://"),
        ("ws://", "names no host"),
        ("ws://host:99999", "malformed"),
        ("ws://[::1", "malformed"),
        ("ws://ho\nst", "a space or a control character"),
        ("ws://host/index.html", "not /websocket"),
        ("https://host:444/pbx/main.htm?lang=de#top", '"wss://host:444/pbx/websocket"'),
        ("ws://host/websocket?user=46", "twice"),
        (5, "must be text"),
    ],
)
def test_urls_that_cannot_be_used(url, words):
    with pytest.raises(ConfigError, match=words):
        Endpoint.parse(url, "acme.example", "45")


@pytest.mark.parametrize(
    ("domain", "user", "words"),
    [
        (None, "45", "No domain"),
        ("acme.example", "", "No user"),
        ("acme.example", 45, 'user="45"'),
        ("acme.example", "45@acme.example", "without @"),
        ("acme/..", "45", "tenant name"),
        ("acme.example", "45\r\nX: y", "extension's number"),
    ],
)
def test_names_that_cannot_be_used(domain, user, words):
    with pytest.raises(ConfigError, match=words):
        Endpoint.parse("ws://host", domain, user)


@pytest.mark.parametrize("url", ["ws://admin:hunter2-secret@host", "ws://host/websocket?session=hunter2-secret"])
def test_a_credential_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError) as refused:
        Endpoint.parse(url, "acme.example", "45")
    assert "hunter2" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True), ("192.168.1.11", True), ("10.1.2.3", True), ("[fe80::1]", True), ("localhost", True),
        ("pbx", True), ("pbx.local", True), ("pbx.office.lan", True), ("8.8.8.8", False), ("pbx.example.com", False),
    ],
)  # fmt: skip
def test_private_hosts(host, private):
    assert Endpoint.parse(f"ws://{host}", "acme.example", "45").is_private is private
