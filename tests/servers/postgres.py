"""Real PostgreSQL on a free port of the loopback, from the programs of the distribution."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from tests.servers import guard, parts

READY_WITHIN_S = 30.0
# Nothing here must survive a power cut; durability is PostgreSQL's own business and not tested.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=2GB", "shared_buffers=128MB")
TEMPLATE = "verbund_template"


class Databases:
    """Databases of one server, a copy of an empty template for each test."""

    def __init__(self, *, host: str, port: int, password: str = "") -> None:
        self._host, self._port, self._password = host, port, password

    def make_template(self) -> None:
        """Once, before the first copy."""
        self.execute(f"CREATE DATABASE {TEMPLATE} ENCODING 'UTF8' TEMPLATE template0")

    def new_database(self) -> str:
        """Its name."""
        name = f"t{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str) -> str:
        """For SQLAlchemy."""
        user = f"postgres:{self._password}" if self._password else "postgres"
        return f"postgresql+psycopg://{user}@{self._host}:{self._port}/{database}"

    def execute(self, statement: str) -> None:
        """In the server's own database, outside any transaction."""
        address = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as link:
            link.execute(statement)  # type: ignore[call-overload, unused-ignore] # names are made above


class PostgresServer(Databases):
    """One server of our own."""

    def __init__(self) -> None:
        self._programs = parts.postgres_programs()
        self._folder = Path(tempfile.mkdtemp(prefix="verbund-postgres-"))
        guard.watch(folder=self._folder)
        super().__init__(host="127.0.0.1", port=parts.free_ports(1)[0])
        # initdb and postgres refuse to run as root.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder, "postgres", "postgres")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> PostgresServer:
        """Ready for connections."""
        try:
            self._initialise()
            self._spawn()
            self._wait_until_ready()
            self.make_template()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # immediate: children end too, nothing is written
            self._process.wait(30)
            guard.forget(pid=self._process.pid)
        shutil.rmtree(self._folder, ignore_errors=True)
        guard.forget(folder=self._folder)

    def _initialise(self) -> None:
        program = str(self._programs / "initdb")
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            [program, "-D", str(self._folder / "data"), *options],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self._as,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed as {self._as.get('user', getpass.getuser())}:\n{done.stderr[-2000:]}")

    def _spawn(self) -> None:
        settings = [
            f"port={self._port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._folder}",
            *QUICK,
        ]
        with (self._folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    "-D",
                    str(self._folder / "data"),
                    *[part for setting in settings for part in ("-c", setting)],
                ],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as,
            )
        guard.watch(pid=self._process.pid)

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "server.log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start:\n{log[-3000:]}") from None
                time.sleep(0.05)
            else:
                return
