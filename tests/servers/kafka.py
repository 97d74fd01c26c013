"""Real Apache Kafka on free ports of the loopback: one or three nodes (KRaft), from jars."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from kafka import KafkaAdminClient

from tests.servers import guard, parts
from tests.servers.kafka_settings import LOGGING, READY_LINE, Node, Ports, properties, scram_arguments

HEAP = "256m"
READY_WITHIN_S = 60.0
# Quick to start and small; the broker is never the limit of these tests.
JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")


class KafkaCluster:
    """Nodes 1 to n. `start`, then `kill` and `restart` at will; `stop` ends and deletes everything.

    Attributes:
        bootstrap: `host:port[,host:port]` of all nodes.
        users: SCRAM users and passwords of the client listener.
    """

    def __init__(
        self, *, nodes: int = 1, users: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.users = dict(users or {})
        self._folder = Path(tempfile.mkdtemp(prefix="verbund-kafka-"))
        guard.watch(folder=self._folder)
        ports = iter(parts.free_ports(3 * nodes))
        self._cluster = _kafka_uuid()
        self._ports = {number: Ports(next(ports), next(ports), next(ports)) for number in range(1, nodes + 1)}
        self._settings = dict(settings or {})
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.bootstrap = ",".join(f"127.0.0.1:{at.client}" for at in self._ports.values())

    def start(self, *, class_archive: bool = True) -> KafkaCluster:
        """All nodes ready and known to each other."""
        try:
            self._java = parts.java()
            self._jars = parts.kafka_jars()
            if class_archive:
                _make_class_archive()
            self._lay_out()
            for number in self._ports:
                self._spawn(number)
            for number in self._ports:
                self._wait_until_ready(number)
        except BaseException:
            self.stop()
            raise
        return self

    def kill(self, number: int = 1, sig: signal.Signals = signal.SIGKILL) -> None:
        """The node is gone when it returns."""
        process = self._processes[number]
        process.send_signal(sig)
        process.wait(60)
        guard.forget(pid=process.pid)

    def freeze(self, number: int = 1) -> None:
        """The node keeps its connections and answers nothing; kill it afterwards."""
        self._processes[number].send_signal(signal.SIGSTOP)

    def restart(self, number: int = 1) -> None:
        """A killed node back on its data and port."""
        self._spawn(number)
        self._wait_until_ready(number)

    def stop(self) -> None:
        # A quorum that is stopped node by node waits for the missing majority: SIGKILL.
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
        for process in self._processes.values():
            process.wait(30)
            guard.forget(pid=process.pid)
        shutil.rmtree(self._folder, ignore_errors=True)
        guard.forget(folder=self._folder)

    def prefix(self) -> str:
        """A topic prefix that no other test has."""
        return f"t{uuid.uuid4().hex[:10]}"

    def admin(self) -> KafkaAdminClient:
        """A client that may do everything, for tests that look behind the log."""
        return KafkaAdminClient(
            bootstrap_servers=self.bootstrap.split(","), bootstrap_timeout_ms=10_000, **self.log_in()
        )

    def log_in(self) -> dict[str, str]:
        """Arguments of a plain client that may do everything."""
        if not self.users:
            return {}
        name, password = next(iter(self.users.items()))
        return {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": name,
            "sasl_plain_password": password,
        }

    def _lay_out(self) -> None:
        (self._folder / "log4j.properties").write_text(LOGGING)
        for number in self._ports:
            data = self._folder / f"node{number}" / "data"
            data.mkdir(parents=True)
            node = Node(number, data, self._ports, self.users, self._settings)
            (data.parent / "server.properties").write_text(properties(node))
        template = self._formatted()
        for number in self._ports:
            data = self._folder / f"node{number}" / "data"
            shutil.copytree(template, data, dirs_exist_ok=True)
            (data / "meta.properties").write_text(
                f"version=1\ncluster.id={self._cluster}\nnode.id={number}\ndirectory.id={_kafka_uuid()}\n"
            )

    def _formatted(self) -> Path:
        """Formatted files of these users, made once: they hold feature levels, but no port and no id."""
        users = scram_arguments(self.users)
        digest = hashlib.sha256(repr(users).encode()).hexdigest()[:10]
        template = parts.CACHE / f"format-{parts.KAFKA_VERSION}-{digest}"
        with parts.locked("format"):
            if not template.exists():
                config = str(self._folder / "node1" / "server.properties")
                tool = self._command("kafka.tools.StorageTool", "format", "-t", self._cluster, "-c", config, *users)
                subprocess.run(tool, check=True, capture_output=True, timeout=60)
                building = template.with_suffix(f".{os.getpid()}")
                ids = shutil.ignore_patterns("meta.properties")
                shutil.copytree(self._folder / "node1" / "data", building, ignore=ids)
                building.rename(template)
        return template

    def _spawn(self, number: int) -> None:
        folder = self._folder / f"node{number}"
        with (folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                self._command("kafka.Kafka", str(folder / "server.properties")),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[number] = process
        guard.watch(pid=process.pid)

    def _command(self, *arguments: str, jvm: Sequence[str] = ()) -> list[str]:
        archive = _class_archive()
        shared = (
            [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else [f"-XX:ArchiveClassesAtExit={archive}.new"]
        )
        logging = f"-Dlog4j2.configurationFile=file:{self._folder}/log4j.properties"
        path = ":".join(map(str, self._jars))
        return [self._java, f"-Xms{HEAP}", f"-Xmx{HEAP}", *JVM, *shared, *jvm, logging, "-cp", path, *arguments]

    def _wait_until_ready(self, number: int) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            code, log = self._state(number)
            if READY_LINE in log and self._knows_all(number):
                return
            if code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka node {number} (exit code {code}):\n{log[-3000:]}")
            time.sleep(0.05)

    def _state(self, number: int) -> tuple[int | None, str]:
        """Exit code, and what the node has said since its last start."""
        log = self._folder / f"node{number}" / "server.log"
        return self._processes[number].poll(), log.read_text(errors="replace")

    def _knows_all(self, number: int) -> bool:
        address = f"127.0.0.1:{self._ports[number].client}"
        with KafkaAdminClient(bootstrap_servers=[address], bootstrap_timeout_ms=10_000, **self.log_in()) as admin:
            # Private, but no public call answers from exactly this node.
            return len(admin._manager.cluster.brokers()) == len(self._ports)


def _class_archive() -> Path:
    return parts.CACHE / f"classes-{parts.KAFKA_VERSION}.jsa"


def _make_class_archive() -> None:
    """Once per checkout: a start takes half the time with it."""
    with parts.locked("archive"):
        archive = _class_archive()
        if archive.exists():
            return
        cluster = KafkaCluster()
        try:
            cluster.start(class_archive=False)
            cluster.kill(1, signal.SIGTERM)  # the JVM writes the archive when it is asked to end
            archive.with_suffix(".jsa.new").rename(archive)
        finally:
            cluster.stop()


def _kafka_uuid() -> str:
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # a leading '-' would be read as an option
    return name
