"""A PostgreSQL server of the tests' own, as a user without rights; a test that needs one skips where there is none."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = ("postgres", "nobody")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL's server is not installed")
    return found[-1].parent


def _as_other() -> tuple[list[str], int]:
    """Return what runs a program as a user whom PostgreSQL accepts, and that user's number."""
    if os.getuid() != 0:
        return [], os.getuid()
    for name in USERS:
        try:
            return [shutil.which("runuser") or "runuser", "-u", name, "--"], pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Return the address of a new server, without a database."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs, (prefix, user) = _programs(), _as_other()
    folder = Path(tempfile.mkdtemp(prefix="rahdari-pg-"))
    folder.chmod(0o755)
    data, port = folder / "data", _free_port()
    data.mkdir()
    os.chown(data, user, -1)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data)]
    try:
        run(*prefix, str(programs / "initdb"), "-D", str(data), "-U", "rahdari", "-A", "trust")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
        run(*control, "-w", "-l", str(data / "log"), "-o", options, "start")
        yield f"postgresql://rahdari@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """Return the address of a new, empty database."""
    import psycopg

    name = f"t{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{postgres_server}/{name}"
