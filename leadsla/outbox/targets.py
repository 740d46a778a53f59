"""Where webhooks may go: to public addresses over HTTPS, and to the hosts and networks that a setting names."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import SplitResult, quote, urlsplit

import idna
from django.conf import settings
from django.utils.translation import gettext as _

Address = IPv4Address | IPv6Address

LOWEST_FREE_PORT = 1024
WEB_PORTS = frozenset({80, 443})
LONGEST = 500
# IPv6 that a gateway turns into IPv4: what counts is the address inside (RFC 6052).
NAT64 = ip_network("64:ff9b::/96")
# The only part of IPv6 that is given out.
GLOBAL_UNICAST = ip_network("2000::/3")
# Set apart for protocols, tunnels and documents; what Python knows of them differs between its versions.
SET_APART = tuple(
    ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
)
LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".lan")


class TargetRefused(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """An address to which nothing is sent; the text says why, in words."""


@dataclass(frozen=True)
class Allowed:
    """What an installation allows beyond the public Internet: host names and networks, by a setting."""

    names: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def read(cls, entries: Iterable[str]) -> Self:
        """Return what the entries of the setting allow: names, addresses and networks in any order."""
        names, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def has(self, address: Address) -> bool:
        """Tell whether an address lies in an allowed network."""
        return any(address.version == network.version and address in network for network in self.networks)


def allowed() -> Allowed:
    """Return what this installation allows."""
    return Allowed.read(settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS)


@dataclass(frozen=True)
class Target:
    """A web address taken apart.

    Attributes:
        scheme: `https` or `http`.
        host: as it is asked for: ASCII, lower case, IPv6 without brackets.
        port: where.
        path: with the query, as it stands in the request.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and port as the Host header names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def parse(url: str) -> Target:
    """Take an address apart, and refuse what is no plain web address or is private on its face.

    No name is looked up. Whether the host may be reached is decided by `check` when something is sent.

    Raises:
        TargetRefused: in words.
    """
    if len(url) > LONGEST:
        raise TargetRefused(_("This is longer than %(longest)d characters.") % {"longest": LONGEST})
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise TargetRefused(_("A web address has no spaces, line breaks or backslashes."))
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts)
    except ValueError:
        raise TargetRefused(_("This is no web address. Write it like https://example.com/hooks.")) from None
    if parts.scheme not in {"https", "http"} or not host:
        raise TargetRefused(_("This is no web address. Write it like https://example.com/hooks."))
    if parts.username is not None or parts.password is not None:
        raise TargetRefused(_("Leave name and password out of the address; the signature proves who sends."))
    if parts.fragment:
        raise TargetRefused(_("Leave out what stands after #; it is never sent."))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?") if parts.query else ""
    target = Target(parts.scheme, host, port if port is not None else _default_port(parts.scheme), path + query)
    _refuse_on_its_face(target)
    return target


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host or ":" in host:
        return host
    if host.isascii():
        if not all(character.isalnum() or character in ".-_" for character in host):
            raise ValueError(host)
        return host
    return idna.encode(host, uts46=True).decode()  # IDNAError is a ValueError


def _literal(host: str) -> Address | None:
    """Return the address that a host is: as usual, or written as one number, in hexadecimal or octal."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    last = host.rpartition(".")[2]
    if not (last.isdigit() or last.startswith("0x")):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        raise TargetRefused(_("This is no web address. Write it like https://example.com/hooks.")) from None


def _refuse_on_its_face(target: Target) -> None:
    allow = allowed()
    if not 0 < target.port < 65536:
        raise TargetRefused(_("A port is a number from 1 to 65535."))
    if target.host in allow.names:
        return
    literal = _literal(target.host)
    if literal is not None:
        _check_one(target, literal, allow)
    elif target.host == "localhost" or target.host.endswith(LOCAL_NAMES) or "." not in target.host:
        raise TargetRefused(_not_public(target.host))
    if literal is None or not allow.has(literal):
        _refuse_port(target)
        # A name may stand for an address in an allowed network: whether HTTP will do is seen when it is looked up.
        if target.scheme != "https" and (literal is not None or not allow.networks):
            raise TargetRefused(_needs_https())


def _refuse_port(target: Target) -> None:
    if target.port < LOWEST_FREE_PORT and target.port not in WEB_PORTS:
        raise TargetRefused(
            _("Port %(port)d belongs to another service. Use 443, or one from 1024.") % {"port": target.port}
        )


def _needs_https() -> str:
    return _("Use https://. Without encryption, others on the way can read what is sent.")


def _not_public(where: object) -> str:
    return _(
        "%(where)s is not on the public Internet. Whoever runs this portal can allow it by the setting "
        "LEADSLA_WEBHOOK_ALLOWED_HOSTS."
    ) % {"where": where}


def is_public(address: Address) -> bool:
    """Tell whether an address is reached over the public Internet; IPv4 inside IPv6 is judged as IPv4."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in GLOBAL_UNICAST:
            return False
    if any(address in network for network in SET_APART if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _check_one(target: Target, address: Address, allow: Allowed) -> None:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if allow.has(mapped or address):
        return
    if not is_public(address):
        raise TargetRefused(_not_public(target.host if target.host == str(address) else f"{target.host} ({address})"))
    if target.scheme != "https":
        raise TargetRefused(_needs_https())
    _refuse_port(target)


def check(target: Target, addresses: Sequence[Address]) -> None:
    """Refuse a target unless each of its addresses may be reached.

    Args:
        target: what was asked for.
        addresses: all that its host stands for at this moment; connect to one of these and look up nothing again.

    Raises:
        TargetRefused: in words; also when there is no address.
    """
    if not addresses:
        raise TargetRefused(_("No computer has the name %(host)s.") % {"host": target.host})
    allow = allowed()
    if target.host in allow.names:
        return
    for address in addresses:
        _check_one(target, address, allow)


def resolve(target: Target) -> list[Address]:
    """Return the addresses that a host stands for, in the order in which to try them.

    Raises:
        TargetRefused: the name is unknown.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused(_("No computer has the name %(host)s.") % {"host": target.host}) from None
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [ip_address(text) for text in texts]
