"""Webhooks reach public addresses over HTTPS only, however a private one is written; a setting allows more."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from leadsla.outbox import targets

NOT_PUBLIC = "not on the public Internet"


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://example.com", "example.com", 443, "/"),
        ("https://EXAMPLE.com./a/b?c=d%20e&f", "example.com", 443, "/a/b?c=d%20e&f"),
        ("https://example.com:8443/ä", "example.com", 8443, "/%C3%A4"),
        ("https://bücher.example/hook", "xn--bcher-kva.example", 443, "/hook"),
        ("https://93.184.215.14/hook", "93.184.215.14", 443, "/hook"),
        ("https://[2606:4700:4700::1111]:8443/", "2606:4700:4700::1111", 8443, "/"),
    ],
)
def test_public_addresses_are_taken_apart(url: str, host: str, port: int, path: str) -> None:
    assert targets.parse(url) == targets.Target("https", host, port, path)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "db.localhost",
        "printer.local",
        "metadata.google.internal",
        "intranet",
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.5",
        "172.16.1.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "2130706433",  # 127.0.0.1 as one number
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[64:ff9b::7f00:1]",  # NAT64 of 127.0.0.1
        "[2002:7f00:1::1]",  # 6to4 of 127.0.0.1
        "[2001:0:7f00:1::]",  # Teredo
        "[2001:db8::1]",
        "①②⑦.0.0.1",  # digits of another script that mean the same
    ],
)
def test_private_hosts_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises(targets.TargetRefused):
        targets.parse(f"https://{host}/hook")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "no web address"),
        ("example.com/hook", "no web address"),
        ("ftp://example.com/", "no web address"),
        ("file:///etc/passwd", "no web address"),
        ("https://", "no web address"),
        ("https://exa_mple!.com/", "no web address"),
        ("https://[::1/", "no web address"),
        ("https://256.256.256.256/", "no web address"),
        ("https://example.com:99999/", "no web address"),
        ("https://example.com:0/", "from 1 to 65535"),
        ("https://example.com:25/", "Port 25 belongs to another service"),
        ("https://example.com:22/", "Port 22 belongs to another service"),
        ("http://example.com/", "Use https://"),
        ("https://sam:secret@example.com/", "Leave name and password out"),
        ("https://example.com@127.0.0.1/", "Leave name and password out"),
        ("https://example.com/#there", "after #"),
        ("https://example.com/ a", "no spaces"),
        ("https://example.com/\r\nX-Evil: 1", "no spaces"),
        ("https://example.com\\@127.0.0.1/", "backslashes"),
        ("https://example.com/" + "a" * 500, "longer than 500"),
        ("https://10.0.0.1/", NOT_PUBLIC),
        ("https://localhost/", NOT_PUBLIC),
    ],
)
def test_what_is_no_plain_public_address_is_refused_in_words(url: str, why: str) -> None:
    with pytest.raises(targets.TargetRefused, match=why):
        targets.parse(url)


class TestWhatAHostStandsFor:
    target = targets.Target("https", "hooks.example.com", 443, "/")

    def test_all_its_addresses_must_be_public(self) -> None:
        good, bad = ip_address("93.184.215.14"), ip_address("10.0.0.7")
        targets.check(self.target, [good])
        with pytest.raises(targets.TargetRefused, match=r"hooks\.example\.com \(10\.0\.0\.7\)"):
            targets.check(self.target, [good, bad])

    def test_ipv4_inside_ipv6_is_judged_as_ipv4(self) -> None:
        targets.check(self.target, [ip_address("::ffff:93.184.215.14"), ip_address("64:ff9b::5db8:d70e")])
        for inside in ("::ffff:192.168.0.1", "64:ff9b::c0a8:1"):
            with pytest.raises(targets.TargetRefused, match=NOT_PUBLIC):
                targets.check(self.target, [ip_address(inside)])

    def test_no_address_is_no_target(self) -> None:
        with pytest.raises(targets.TargetRefused, match="No computer has the name"):
            targets.check(self.target, [])

    def test_plain_http_is_refused_at_public_addresses(self) -> None:
        with pytest.raises(targets.TargetRefused, match="Use https"):
            targets.check(targets.Target("http", "example.com", 80, "/"), [ip_address("93.184.215.14")])


class TestWhatASettingAllows:
    def test_a_host_by_name_with_any_port_and_without_encryption(self, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["CRM.intern.example", "localhost"]
        for url in ("http://crm.intern.example:25/in", "http://localhost/", "https://localhost:99/"):
            target = targets.parse(url)
            targets.check(target, [ip_address("10.1.2.3")])
        with pytest.raises(targets.TargetRefused, match=NOT_PUBLIC):
            targets.check(targets.parse("https://other.intern.example/"), [ip_address("10.1.2.3")])

    def test_a_network(self, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["10.1.0.0/16", "fd00::/8"]
        assert targets.parse("http://10.1.2.3:81/").port == 81
        assert targets.parse("http://[fd00::1]/").netloc == "[fd00::1]"
        named = targets.parse("http://crm.example/")
        targets.check(named, [ip_address("10.1.2.3"), ip_address("::ffff:10.1.2.4")])
        with pytest.raises(targets.TargetRefused, match=NOT_PUBLIC):
            targets.check(named, [ip_address("10.2.0.1")])
        with pytest.raises(targets.TargetRefused, match="Use https"):
            targets.check(named, [ip_address("93.184.215.14")])
        for url in ("https://10.2.0.1/", "https://[fe80::1]/"):
            with pytest.raises(targets.TargetRefused, match=NOT_PUBLIC):
                targets.parse(url)
