"""A post goes to a checked address and to no other, over TLS with the right name, within one deadline."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from leadsla.outbox import posting
from leadsla.outbox.posting import Post, Result
from tests.outbox.receiver import receiving

NAME = "hooks.example.com"
Names = Callable[..., list[str]]


def post(url: str, *, seconds: float = 5) -> Result:
    (result,) = posting.post_all([Post(url, b'{"a":1}', {"Content-Type": "application/json"})], seconds=seconds)
    return result


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """A name service of the test: each look-up of NAME gives the next of some answers. Returns the look-ups made."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def say(*answers: list[str]) -> list[str]:
        left = list(answers)

        def look_up(host: str, port: int, *args: Any, **more: Any) -> Any:
            if host != NAME:
                return real(host, port, *args, **more)
            asked.append(host)
            return [entry for address in left.pop(0) for entry in real(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return say


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for NAME that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context


class TestTheAddress:
    def test_is_looked_up_once_and_what_was_checked_is_called(self, names: Names, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        with receiving() as right, receiving(address="127.0.0.2") as wrong:
            port = right.url.split(":")[2].split("/")[0]
            asked = names(["127.0.0.1"], ["127.0.0.2"])  # the second answer is that of a name that was rebound
            assert post(f"http://{NAME}:{port}/in?a=b").is_delivered
            assert asked == [NAME]
            (got,) = right.got
            assert (got.path, got.headers["host"]) == ("/in?a=b", f"{NAME}:{port}")
            assert wrong.got == []

    def test_is_refused_when_one_of_several_is_private(self, names: Names, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        with receiving() as near:
            names(["127.0.0.1", "127.0.0.2"])
            result = post(near.url.replace("127.0.0.1", NAME))
            assert "127.0.0.2" in result.error
            assert "not on the public Internet" in result.error
            assert near.got == []

    def test_that_is_private_is_refused_though_its_name_is_not(self, names: Names) -> None:
        with receiving() as near:
            port = near.url.split(":")[2].split("/")[0]
            for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
                names([address])
                assert "not on the public Internet" in post(f"https://{NAME}:{port}/").error
            assert near.got == []

    def test_next_one_is_tried_where_the_first_refuses(self, names: Names, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.0/8"]
        with receiving(address="127.0.0.3") as second:
            names(["127.0.0.2", "127.0.0.3"])
            assert post(second.url.replace("127.0.0.3", NAME)).is_delivered

    def test_of_ipv6_is_called_as_well(self, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["::1"]
        listening = socket.socket(socket.AF_INET6)
        with listening:
            listening.bind(("::1", 0))
            listening.listen()
            port = listening.getsockname()[1]
            with answering(listening, b"HTTP/1.1 204 No Content\r\n\r\n") as heard:
                assert post(f"http://[::1]:{port}/").status == 204
        assert f"Host: [::1]:{port}".encode() in heard[0]

    def test_nobody_has_is_said(self, names: Names) -> None:
        names([])
        assert post(f"https://{NAME}/").error == f"No computer has the name {NAME}."


class TestEncryption:
    def test_names_the_host_though_the_address_is_called(
        self, names: Names, certificate: ssl.SSLContext, settings: Any
    ) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = [NAME]
        asked_for: list[str | None] = []
        certificate.sni_callback = lambda _socket, name, _context: asked_for.append(name)
        names(["127.0.0.1"])
        with receiving(context=certificate) as secure:
            assert post(secure.url.replace("127.0.0.1", NAME)).is_delivered
            assert asked_for == [NAME]
            assert len(secure.got) == 1

    def test_is_refused_where_the_certificate_is_for_another(self, certificate: ssl.SSLContext, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        with receiving(context=certificate) as secure:
            assert post(secure.url).error.startswith("The certificate is not right: IP address mismatch")
            assert secure.got == []

    def test_is_refused_where_nobody_vouches_for_the_certificate(
        self, names: Names, certificate: ssl.SSLContext, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = [NAME]
        monkeypatch.delenv("SSL_CERT_FILE")
        names(["127.0.0.1"])
        with receiving(context=certificate) as secure:
            assert "certificate is not right: self-signed" in post(secure.url.replace("127.0.0.1", NAME)).error
            assert secure.got == []


@contextmanager
def answering(listening: socket.socket, *parts: bytes, pause: float = 0) -> Iterator[list[bytes]]:
    """Answer one request with parts, and a pause before each; gives what was heard."""
    heard: list[bytes] = []

    def answer() -> None:
        try:
            taken, _address = listening.accept()
            with taken:
                heard.append(taken.recv(65536))
                for part in parts:
                    threading.Event().wait(pause)  # a slow server
                    taken.sendall(part)
        except OSError:
            return  # who called hung up

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield heard
    thread.join(5)


class TestTheDeadline:
    @pytest.fixture(autouse=True)
    def _allow(self, settings: Any) -> None:
        settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]

    def test_holds_for_a_server_that_never_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            result = post(f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.3)
        assert result.error == "No answer within 0.3 seconds."
        assert time.monotonic() - began < 3

    def test_holds_for_one_that_answers_byte_by_byte(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as slow:
            drip = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 40]
            with answering(slow, *drip, pause=0.05):
                began = time.monotonic()
                result = post(f"http://127.0.0.1:{slow.getsockname()[1]}/", seconds=0.3)
        assert result.error == "No answer within 0.3 seconds."
        assert time.monotonic() - began < 1.9  # the drip alone takes two seconds

    def test_holds_for_a_handshake_that_never_ends(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            result = post(f"https://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.3)
        assert result.error == "No answer within 0.3 seconds."


@pytest.mark.parametrize(
    "said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 20\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a" * 70000]
)
def test_an_answer_that_is_none_is_a_failure_in_words(said: bytes, settings: Any) -> None:
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as odd, answering(odd, said):
        result = post(f"http://127.0.0.1:{odd.getsockname()[1]}/")
    assert not result.is_delivered
    assert result.error


def test_nobody_listening_is_said(settings: Any) -> None:
    settings.LEADSLA_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    assert "refused" in post("http://127.0.0.1:9/").error
