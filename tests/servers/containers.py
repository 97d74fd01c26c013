"""The same servers as containers, where a Docker engine can be reached."""

from __future__ import annotations

import shlex
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.servers.kafka import HEAP, READY_WITHIN_S, KafkaCluster
from tests.servers.kafka_settings import READY_LINE, Node, properties, scram_arguments
from tests.servers.parts import KAFKA_VERSION
from tests.servers.postgres import QUICK, Databases

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
POSTGRES_IMAGE = "postgres:17"
# Folders of the image that its user may write.
_CONFIG = "/etc/kafka/verbund.properties"
_DATA = Path("/var/lib/kafka/data/verbund")
_PASSWORD = "verbund"


class KafkaContainers(KafkaCluster):
    """A container per node, in the network of the host: ports and settings are those of processes."""

    def start(self, *, class_archive: bool = True) -> KafkaContainers:
        self._containers: dict[int, DockerContainer] = {}
        try:
            for number in self._ports:
                self._containers[number] = self._container(number)
            for container in self._containers.values():
                container.start()
            for number in self._ports:
                self._wait_until_ready(number)
        except BaseException:
            self.stop()
            raise
        return self

    def kill(self, number: int = 1, sig: signal.Signals = signal.SIGKILL) -> None:
        engine = self._engine(number)
        engine.reload()
        if engine.status == "paused":
            engine.unpause()
        engine.kill(sig.name)
        engine.wait()

    def freeze(self, number: int = 1) -> None:
        self._engine(number).pause()

    def restart(self, number: int = 1) -> None:
        self._engine(number).start()
        self._wait_until_ready(number)

    def stop(self) -> None:
        for container in self._containers.values():
            container.stop()
        super().stop()

    def _container(self, number: int) -> DockerContainer:
        node = Node(number, _DATA, self._ports, self.users, self._settings)
        arguments = ["-t", self._cluster, "-c", _CONFIG, *scram_arguments(self.users)]
        tool = shlex.join(["/opt/kafka/bin/kafka-storage.sh", "format", "--ignore-formatted", *arguments])
        server = shlex.join(["/opt/kafka/bin/kafka-server-start.sh", _CONFIG])
        return (
            DockerContainer(KAFKA_IMAGE)
            .with_kwargs(network_mode="host", entrypoint="/bin/bash")
            .with_env("KAFKA_HEAP_OPTS", f"-Xmx{HEAP}")
            .with_copy_into_container(properties(node).encode(), _CONFIG)
            .with_command(["-c", f"{tool} && exec {server}"])
            .waiting_for(LogMessageWaitStrategy(READY_LINE).with_startup_timeout(int(READY_WITHIN_S)))
        )

    def _engine(self, number: int) -> Any:
        return self._containers[number].get_wrapped_container()

    def _state(self, number: int) -> tuple[int | None, str]:
        engine = self._engine(number)
        engine.reload()
        code = None if engine.status == "running" else engine.attrs["State"]["ExitCode"]
        started = datetime.fromisoformat(engine.attrs["State"]["StartedAt"])
        return code, engine.logs(since=started.replace(tzinfo=None)).decode(errors="replace")


class PostgresContainerServer(Databases):
    """One container."""

    def __init__(self) -> None:
        settings = [part for setting in QUICK for part in ("-c", setting)]
        container = PostgresContainer(POSTGRES_IMAGE, username="postgres", password=_PASSWORD, dbname="postgres")
        self._container = container.with_command(["postgres", *settings])

    def start(self) -> PostgresContainerServer:
        """Ready for connections."""
        self._container.start()
        host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(5432)
        super().__init__(host=host, port=int(port), password=_PASSWORD)
        self.make_template()
        return self

    def stop(self) -> None:
        self._container.stop()
