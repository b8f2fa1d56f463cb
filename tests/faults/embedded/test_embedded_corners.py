"""Corners that the real thing reaches seldom: odd folders, odd file systems, a server at its limits."""

import errno
import fcntl
import os
import socket
import stat
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from marketplace.kernel.embedded import (
    BinariesNotFoundError,
    DiskFullError,
    EmbeddedPostgresError,
    HomeNotWritableError,
    InitdbFailedError,
    StartFailedError,
    StartTimedOutError,
    UnsuitableServerError,
    binaries,
    cluster,
    folders,
    plan,
    running_postgres,
    server,
    unprivileged,
    wire,
)
from marketplace.kernel.embedded.wire import SOCKET_NAME, Connection, ServerSaidError
from tests.faults.embedded.processes import eventually, gone, pids


async def test_a_server_whose_connections_are_all_taken_is_still_joined(home, client):
    with running_postgres(home) as held:
        taken = []
        with suppress(asyncpg.TooManyConnectionsError):
            while len(taken) < 200:
                taken.append(await asyncpg.connect(held.dsn))
        assert len(taken) < 200
        assert client().says() == held.dsn
        for connection in taken:
            await connection.close()


def test_a_lock_that_is_a_folder(new_home):
    (new_home / "clients.lock").mkdir(parents=True)
    with pytest.raises(HomeNotWritableError, match="Is a directory"):
        running_postgres(new_home)


def test_a_note_that_cannot_be_replaced(new_home):
    (new_home / "server.json.new").mkdir(parents=True)
    with pytest.raises(HomeNotWritableError):
        folders.replace(new_home, "server.json", "{}")


def test_a_disk_or_a_quota_that_is_full_is_called_that(new_home):
    for number in (errno.ENOSPC, errno.EDQUOT):
        assert isinstance(folders.unwritable(new_home, OSError(number, "full")), DiskFullError)


def test_a_folder_of_somebody_else_is_called_that(new_home, monkeypatch):
    new_home.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "it belongs to " in str(folders.unwritable(new_home, OSError(errno.EACCES, "Permission denied")))


def test_whoever_waits_for_a_stopping_server_is_told_when_it_takes_too_long(new_home):
    new_home.mkdir()
    stuck = os.open(new_home / "clients.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(stuck, fcntl.LOCK_EX)
    with pytest.raises(StartTimedOutError, match=r"waiting for the server in .* to stop"):
        running_postgres(new_home, patience=0.1)
    os.close(stuck)


def test_a_file_system_without_locks(new_home, monkeypatch):
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(HomeNotWritableError, match="its file system cannot lock files"):
        running_postgres(new_home)


def test_a_lock_held_in_passing_is_not_inherited(new_home):
    new_home.mkdir()
    with folders._passing(new_home, "start.lock") as lock:
        copy = os.dup(lock)
        folders._in_passing.add(copy)
        folders._in_passing.discard(lock)
        folders._let_go_in_child()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(copy)
    assert not folders._in_passing


@pytest.mark.parametrize(
    ("root", "runtime", "where"),
    [
        (True, None, "/run/duijie-"),
        (False, "runtime", "runtime/duijie-"),
        (False, None, f"/tmp/duijie-{os.geteuid()}-"),
    ],
    ids=["root's", "the user's runtime folder", "a folder of one's own in /tmp"],
)
def test_where_the_socket_goes_when_the_home_is_too_long(tmp_path, monkeypatch, root, runtime, where):
    if root and os.geteuid() != 0:
        pytest.skip("only root may")
    home = tmp_path / ("x" * 100)
    home.mkdir()
    short = Path("/tmp") / f"duijie-test-{os.getpid()}"
    short.mkdir()
    me = os.geteuid()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / runtime))
        (short / runtime).mkdir()
        where = str(short / where)
    with monkeypatch.context() as patch:
        if not root:
            patch.setattr(
                folders, "os", SimpleNamespace(**vars(os) | {"geteuid": lambda: me or 1, "getegid": os.getegid})
            )
            patch.setattr(folders, "_private", lambda folder, *_: not folder.mkdir(mode=0o700))
            where = where.replace(f"-{me}-", f"-{me or 1}-")
        chosen = folders.socket_folder(home, None)
    assert str(chosen).startswith(where)
    assert chosen.stat().st_mode & 0o777 == 0o700
    chosen.rmdir()
    if runtime:
        (short / runtime).rmdir()
    short.rmdir()


def test_a_socket_folder_that_somebody_prepared_is_not_used(tmp_path):
    me, mine = (os.geteuid(), os.getegid()), tmp_path / "mine"
    assert folders._private(mine, *me)
    (tmp_path / "link").symlink_to(mine)
    assert not folders._private(tmp_path / "link", *me)
    assert not folders._private(tmp_path / "no" / "where", *me)
    if os.geteuid() == 0:
        os.chown(mine, 12345, 12345)
        assert not folders._private(mine, *me)
        assert folders._private(mine, 12345, 12345)


def test_a_socket_folder_that_cannot_be_made_private(tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchmod", refused)
    assert not folders._private(tmp_path / "run", os.geteuid(), os.getegid())


def test_no_folder_for_the_socket_at_all(home, monkeypatch):
    monkeypatch.setattr(folders, "_private", lambda *_: False)
    with pytest.raises(HomeNotWritableError, match="no folder for the socket"):
        running_postgres(home)


def test_data_that_belongs_to_another_user(home, monkeypatch):
    def closed(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", f"{home}/pg-18")

    monkeypatch.setattr(cluster, "_holds_something", closed)
    with pytest.raises(HomeNotWritableError, match="pg-18 belongs to another user"):
        running_postgres(home)


def test_a_file_where_the_data_should_lie(new_home, programs, monkeypatch):
    new_home.mkdir()
    (new_home / "pg-18").write_text("")
    monkeypatch.setenv("DUIJIE_PG_BIN", str(programs(initdb="exit 0")))
    with pytest.raises(InitdbFailedError, match="Could not make a new database"):
        running_postgres(new_home)
    assert not list(new_home.glob("pg-*.new-*"))


def test_a_home_in_which_no_folder_can_be_made(new_home, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    folders.prepared(new_home)
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(HomeNotWritableError, match="Permission denied"):
        cluster.make(new_home, binaries.Binaries(Path("/"), "18", 18), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_a_closed_folder_on_a_system_without_handles_by_name(new_home, monkeypatch):
    monkeypatch.setattr(cluster, "HANDLES", "/nowhere")
    with pytest.raises(HomeNotWritableError, match="cannot enter it by its path"):
        running_postgres(new_home)


def test_programs_that_cannot_be_copied(tmp_path, programs, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(binaries, "COPIES", tmp_path / "file" / "below")
    with pytest.raises(BinariesNotFoundError, match="could not be copied"):
        binaries._copy(programs())


def test_programs_are_not_copied_into_a_place_of_somebody_else(tmp_path, programs, monkeypatch):
    monkeypatch.setattr(binaries, "COPIES", tmp_path)
    monkeypatch.setattr(binaries.os, "geteuid", lambda: 12345)
    with pytest.raises(BinariesNotFoundError, match="belongs to somebody else"):
        binaries._copy(programs())


def test_two_who_copy_at_once_both_find_a_copy(tmp_path, programs, monkeypatch):
    folder = programs()
    monkeypatch.setattr(binaries, "COPIES", tmp_path / "copies")
    first = binaries._copy(folder)
    is_dir, asked = Path.is_dir, []

    def not_yet(path: Path) -> bool:
        if path == first and not asked:
            asked.append(path)
            return False
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", not_yet)
    assert binaries._copy(folder) == first
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [first.parents[2].name]


def test_programs_without_tools_of_the_wheel_and_from_the_path(tmp_path, programs, monkeypatch):
    folder = programs()
    monkeypatch.delenv("DUIJIE_PG_BIN", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "SYSTEM_VERSIONS", tmp_path)
    assert list(binaries._candidates()) == [folder]
    for version in ("9.6", "15", "16"):
        (tmp_path / version).mkdir()
    assert list(binaries._candidates()) == [tmp_path / "16" / "bin", tmp_path / "15" / "bin", folder]


def test_a_supervisor_that_cannot_be_started(home, monkeypatch):
    monkeypatch.setattr(server.sys, "executable", "/nowhere/python")
    with pytest.raises(StartFailedError, match="could not be started"):
        running_postgres(home)


@pytest.mark.parametrize(
    ("program", "said"), [("/bin/false", "failed, status 1"), ("/bin/true", "ends at once")], ids=["fails", "vanishes"]
)
def test_a_supervisor_that_does_not_stay(home, monkeypatch, program, said):
    monkeypatch.setattr(server.sys, "executable", program)
    with pytest.raises(StartFailedError, match=said):
        running_postgres(home)


def test_a_server_that_refuses_us(home, monkeypatch):
    data = next(home.glob("pg-*"))
    (data / "pg_hba.conf").write_text("local all all reject\n")
    with pytest.raises(StartFailedError, match="refuses connections"):
        running_postgres(home)


def test_preparing_that_never_ends_is_ended(home, monkeypatch):
    def dies(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(plan, "prepare", dies)
    with pytest.raises(StartTimedOutError):
        running_postgres(home, patience=0.5)


def test_a_server_without_trigrams(home, monkeypatch):
    said = ServerSaidError("58P01", "could not open extension control file")

    def missing(*_: object) -> None:
        raise said

    monkeypatch.setattr(plan, "_see_chinese", missing)
    with pytest.raises(UnsuitableServerError, match="apt install postgresql-contrib"):
        running_postgres(home)


def test_a_log_that_is_not_there_yet(home):
    with running_postgres(home) as held:
        held.log_path.unlink()
        assert held._tail().endswith("postgres.log:\n")


def test_old_backends_that_still_hold_the_memory_are_waited_for(home):
    with running_postgres(home) as held:
        (home / "supervisor.json").rename(home / "kept")
        (home / "supervisor.json").write_text('{"exits": 9}')
        held.log_path.write_text("FATAL: pre-existing shared memory block is still in use")
        held._give_up_if_hopeless()
        (home / "kept").rename(home / "supervisor.json")


def test_the_watch_says_when_the_server_does_not_come_back(home, monkeypatch, caplog):
    with running_postgres(home) as held:
        eventually(lambda: any(thread.name == "embedded-postgres" for thread in threading.enumerate()))
        supervisor = pids(home)[0]

        def hopeless() -> None:
            raise StartFailedError("no")

        monkeypatch.setattr(held, "ensure", hopeless)
        os.kill(supervisor, 9)
        eventually(lambda: "does not come back yet: no" in caplog.text)
        eventually(lambda: gone(pids(home)[1]))
        monkeypatch.undo()
        held.ensure()


def test_a_forked_child_s_hold(home):
    with running_postgres(home) as held:
        inherited = held._hold
        server._after_fork()  # as the child does, with the same outcome: another description of the same lock
        assert held._hold is not None
        assert folders.still_there(home, held._hold, "clients.lock")
        held.ensure()
        assert inherited is not None
    held._held_by_child()  # closed: nothing to hold


def test_who_serves_is_decided_by_the_owner_of_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(unprivileged.os, "geteuid", lambda: 1000)
    assert unprivileged.dropped_to(tmp_path, tmp_path / "pg-18") is None
    monkeypatch.setattr(unprivileged.os, "geteuid", lambda: 0)
    known = Path.stat

    def owned(path: Path, **how: bool) -> object:
        # The tests' own server looks after its folder meanwhile, in a thread.
        if path.is_relative_to(tmp_path):
            return SimpleNamespace(st_uid=7, st_gid=8, st_mode=stat.S_IFDIR)
        return known(path, **how)

    monkeypatch.setattr(unprivileged.Path, "stat", owned)
    assert unprivileged.dropped_to(tmp_path, tmp_path / "pg-18") == unprivileged.User(7, 8, "7")


def test_root_itself_is_never_the_server_s_user(tmp_path, monkeypatch):
    monkeypatch.setattr(unprivileged.os, "geteuid", lambda: 0)
    monkeypatch.setenv("DUIJIE_PG_USER", "root")
    with pytest.raises(EmbeddedPostgresError, match="refuses to run as root"):
        unprivileged.dropped_to(tmp_path / "no", tmp_path / "no")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(b"R\0\0\0\x08\0\0\0\x03", ServerSaidError, id="asks for a password"),
        pytest.param(b"E\0\0\0\x0dC57P03\0\0\0", ServerSaidError, id="starts up"),
        pytest.param(b"", ConnectionResetError, id="hangs up"),
    ],
)
def test_a_server_that_is_not_ours_or_not_ready(answer, expected):
    folder = Path("/tmp") / f"duijie-wire-{os.getpid()}"
    folder.mkdir()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / SOCKET_NAME))
    listening.listen()

    def serve() -> None:
        with listening.accept()[0] as caller:
            caller.recv(1000)
            caller.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(expected):
        Connection(folder, "duijie", timeout=20)
    thread.join()
    listening.close()
    (folder / SOCKET_NAME).unlink()
    folder.rmdir()


def test_values_and_errors_of_a_session(home):
    with running_postgres(home) as held, Connection(held.run, "duijie") as session:
        assert session.query("SELECT NULL, '对接', 1") == [[None, "对接", "1"]]
        assert session.query("SELECT 1 WHERE false") == []
        with pytest.raises(ServerSaidError, match="division by zero"):
            session.query("SELECT 1/0")
        assert session.query("SELECT 2") == [["2"]]
    session._socket = SimpleNamespace(sendall=broken, close=lambda: None)
    session.close()


def broken(_: bytes) -> None:
    raise BrokenPipeError


def test_an_error_without_its_fields():
    said = wire._error(b"\0")
    assert (said.code, str(said)) == ("XX000", "no message (XX000)")
