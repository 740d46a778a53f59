"""PostgreSQL and Redis as processes of a checkout: sharing, crashes, neighbours, long paths."""

import os
import shutil
import signal
import stat
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from leadsla.embedded import place, postgres, redis_server, sharing
from leadsla.embedded.place import EmbeddedError

from .conftest import processes_of, python, said

HOLD = """
import signal, sys
from leadsla.embedded import sharing
with sharing.services(redis=False, durable=False):
    print("in", flush=True)
    signal.pause() if "wait" in sys.argv else None
"""


def ask(statement: str) -> list[tuple[object, ...]]:
    """Run one statement in the database of the home and return its rows."""
    connection = psycopg2.connect(host=str(place.sockets()), user=place.DATABASE_USER, dbname=place.DATABASE_NAME)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def postmaster() -> psutil.Process:
    return psutil.Process(int((place.data(postgres.NAME) / "postmaster.pid").read_text().splitlines()[0]))


def test_services_run_while_held_and_leave_nothing_behind(home: Path) -> None:
    with sharing.services(durable=False):
        assert ask("SELECT 1") == [(1,)]
        with redis.Redis(unix_socket_path=str(place.redis_socket())) as client:
            assert client.ping()
    assert processes_of(home) == []
    assert list(place.sockets().iterdir()) == []


def test_text_is_utf8_and_folds_the_case_of_every_language(home: Path) -> None:
    with sharing.services(durable=False, redis=False):
        assert ask("SELECT lower('ÄÖÜ ΑΒΓ ЖЗ'), length('ß😀')") == [("äöü αβγ жз", 2)]


def test_data_survive_a_kill_of_the_server(home: Path) -> None:
    with sharing.services(redis=False):
        ask("CREATE TABLE kept AS SELECT 42 AS answer")
        postmaster().send_signal(signal.SIGKILL)
        psutil.wait_procs(processes_of(home / "postgres"), timeout=10)
        with sharing.services(redis=False):
            assert ask("SELECT answer FROM kept") == [(42,)]


def test_a_service_that_died_is_revived_for_those_who_hold_it(home: Path) -> None:
    with sharing.services():
        postmaster().send_signal(signal.SIGKILL)
        psutil.Process(int((place.data("redis") / "server.pid").read_text())).send_signal(signal.SIGKILL)
        psutil.wait_procs(processes_of(home), timeout=10)
        sharing.revive()
        assert postgres.running()
        assert redis_server.running()


def test_a_pid_file_whose_number_now_belongs_to_another_process_is_no_obstacle(home: Path) -> None:
    with sharing.services(durable=False):
        pass
    pid_file = place.data(postgres.NAME) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n1700000000\n5432\n{place.sockets()}\n\n  5432001  0\n")
    (place.sockets() / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    (place.data(redis_server.NAME) / "server.pid").write_text(str(os.getpid()))
    place.redis_socket().write_text("")
    with sharing.services(durable=False):
        assert ask("SELECT 1") == [(1,)]
        assert redis_server.running()


def test_data_deleted_under_a_running_server_are_made_anew(home: Path) -> None:
    with sharing.services(durable=False, redis=False):
        old = postmaster()
        shutil.rmtree(place.data(postgres.NAME))
        with sharing.services(durable=False, redis=False):
            assert ask("SELECT 1") == [(1,)]
            assert postmaster().pid != old.pid


def test_the_last_one_out_stops_the_server(home: Path) -> None:
    other = python("-c", HOLD, "wait")
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with sharing.services(durable=False, redis=False):
        assert ask("SELECT 1") == [(1,)]
    assert postgres.running()
    other.terminate()
    other.wait(10)
    with sharing.services(durable=False, redis=False):
        assert ask("SELECT 1") == [(1,)]
    assert not postgres.running()


def test_commands_that_start_at_once_share_one_server(home: Path) -> None:
    commands = [python("-c", HOLD) for _ in range(3)]
    assert [said(command) for command in commands] == ["in\n"] * 3
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert processes_of(home) == []


def test_a_management_command_works_by_itself(home: Path) -> None:
    command = python(
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        "from django.db import connection as c; c.connect(); print(c.settings_dict['HOST'])",
    )
    assert said(command).strip() == str(place.sockets())
    assert processes_of(home) == []


def test_two_homes_do_not_disturb_each_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sharing.services(durable=False):
        ask("CREATE TABLE only_here AS SELECT 1 AS one")
        monkeypatch.setenv("LEADSLA_HOME", str(home / "second"))
        with sharing.services(durable=False):
            assert ask("SELECT to_regclass('only_here')") == [(None,)]
        monkeypatch.setenv("LEADSLA_HOME", str(home))
        assert ask("SELECT one FROM only_here") == [(1,)]
        assert redis_server.running()


@pytest.mark.parametrize("name", ["x" * 100, "a, b @ c? 100 %", "Büro 'Süd'"], ids=["long", "signs", "accents"])
def test_a_path_that_sockets_cannot_have_gets_a_short_private_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    long = home / name
    monkeypatch.setenv("LEADSLA_HOME", str(long))
    with sharing.services(durable=False):
        assert ask("SELECT 1") == [(1,)]
        assert redis_server.running()
        assert long not in place.sockets().parents
        assert stat.S_IMODE(place.sockets().stat().st_mode) == 0o700
    assert place.sockets() != home / "run"
    shutil.rmtree(place.sockets())


def test_a_short_folder_that_somebody_else_prepared_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSLA_HOME", str(home / ("x" * 100)))
    trap = home / "trap"
    trap.mkdir(parents=True)
    place.sockets().symlink_to(trap)
    try:
        with pytest.raises(EmbeddedError, match=r"belongs to somebody else\. Remove it, or set LEADSLA_HOME"):
            postgres.start(durable=False)
    finally:
        place.sockets().unlink()


def test_without_a_redis_the_message_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(EmbeddedError, match=r"Install Redis or Valkey, or set REDIS_URL"):
        redis_server.binary()


def test_stop_ends_the_services_whoever_uses_them(home: Path) -> None:
    other = python("-c", HOLD, "wait")
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    command = python("-m", "leadsla.embedded", "stop")
    assert said(command) == ""
    assert command.returncode == 0
    assert not postgres.running()
    other.kill()
    other.wait(10)
