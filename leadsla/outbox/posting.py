"""Post to a checked address, and to no other: one deadline for all, little of the answer, no redirects. No database."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from time import monotonic

from django.utils.translation import gettext as _

from leadsla.outbox import targets
from leadsla.outbox.targets import Address, Target, TargetRefused

TAKES_AT_MOST = 10.0  # seconds, from the look-up of the name to the end of the answer
MOST_OF_ANSWER = 16_384  # bytes
KEPT_OF_ANSWER = 500  # characters


@dataclass(frozen=True)
class Post:
    """What to post and where to."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        status: of the answer; None without one.
        answer: its beginning.
        error: why it did not arrive, in words; "" when it did.
        milliseconds: how long it took.
        retry_after: seconds that the other side asked to wait.
    """

    status: int | None
    answer: str
    error: str
    milliseconds: int
    retry_after: int = 0

    @property
    def is_delivered(self) -> bool:
        """Whether the other side took it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class _Exchange:
    """One request in a thread of its own, so that a look-up or an answer that never ends can be left behind."""

    post: Post
    began: float
    deadline: float
    result: Result | None = None
    _socket: socket.socket | None = None
    _is_given_up: bool = False

    def run(self) -> None:
        try:
            self.result = self._talk()
        except TargetRefused as refusal:
            self.result = self._failed(str(refusal))
        except TimeoutError:
            self.result = self._failed(self._too_slow())
        except ssl.SSLCertVerificationError as error:
            self.result = self._failed(_("The certificate is not right: %(why)s.") % {"why": error.verify_message})
        except Exception as error:  # noqa: BLE001  # whatever another computer says, only this post fails
            self.result = self._failed(_("The connection failed: %(why)s.") % {"why": str(error) or repr(error)})
        finally:
            if self._socket is not None:
                self._socket.close()

    def give_up(self) -> Result:
        """Return what came of it by the deadline; what still runs is cut off."""
        if self.result is not None:
            return self.result
        self._is_given_up = True
        if self._socket is not None:
            # Wakes the thread, which closes it. Past the encryption: that belongs to the thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        return self._failed(self._too_slow())

    def _took(self) -> int:
        return round((monotonic() - self.began) * 1000)

    def _failed(self, error: str) -> Result:
        return Result(None, "", error, self._took())

    def _left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0 or self._is_given_up:
            raise TimeoutError
        return left

    def _talk(self) -> Result:
        target = targets.parse(self.post.url)
        addresses = targets.resolve(target)
        targets.check(target, addresses)
        self._socket = self._connect(target, addresses)
        if target.scheme == "https":
            secure = ssl.create_default_context().wrap_socket(
                self._socket, server_hostname=target.host, do_handshake_on_connect=False
            )
            self._socket = secure
            secure.do_handshake()
        self._socket.settimeout(self._left())
        connection = HTTPConnection(target.host, target.port)
        connection.sock = self._socket  # with a socket at hand it looks nothing up and connects nowhere
        connection.request("POST", target.path, self.post.body, {**self.post.headers, "Host": target.netloc})
        response = connection.getresponse()
        answer = response.read(MOST_OF_ANSWER).decode(errors="replace").replace("\0", "")
        return Result(
            response.status,
            " ".join(answer.split())[:KEPT_OF_ANSWER],
            _in_words(response.status, response.getheader("Location", "")),
            self._took(),
            _seconds(response.getheader("Retry-After", "")),
        )

    def _connect(self, target: Target, addresses: Sequence[Address]) -> socket.socket:
        """Connect to the first of the checked addresses that takes the call."""
        failure: OSError = OSError()
        for place, address in enumerate(addresses):
            share = self._left() / (len(addresses) - place)  # one that swallows everything leaves time for the next
            try:
                connected = socket.create_connection((str(address), target.port), timeout=share)
            except OSError as error:
                failure = error
                continue
            connected.settimeout(self._left())
            return connected
        raise failure

    def _too_slow(self) -> str:
        return _("No answer within %(seconds)g seconds.") % {"seconds": round(self.deadline - self.began, 1)}


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _in_words(status: int, location: str) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return _("Redirected to %(place)s. Redirects are not followed: enter the new address.") % {
            "place": location[:200] or _("nowhere")
        }
    if status == 410:
        return _("Answered 410: it wants nothing any more.")
    return _("Answered %(status)d instead of 2xx.") % {"status": status}


def post_all(posts: Sequence[Post], *, seconds: float = TAKES_AT_MOST) -> list[Result]:
    """Post side by side and wait for all; a slow one does not make the others wait for more than the deadline.

    Args:
        posts: what to post; not more than one wants to have open at a time.
        seconds: after which nothing is waited for any more.

    Returns:
        What came of each, in the same order.
    """
    exchanges = [_Exchange(post, began := monotonic(), began + seconds) for post in posts]
    threads = [Thread(target=exchange.run, daemon=True, name="webhook") for exchange in exchanges]
    for thread in threads:
        thread.start()
    for thread, exchange in zip(threads, exchanges, strict=True):
        thread.join(max(0.0, exchange.deadline - monotonic()))
    return [exchange.give_up() for exchange in exchanges]
