"""The unit starts a command that exists and names directives that systemd knows."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
import typer

from verbund.cli.main import application

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))

# Of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.kill(5): those that our units use.
KNOWN = {
    "Unit": {"Description", "After", "Wants"},
    "Service": {
        "User",
        "Environment",
        "EnvironmentFile",
        "ExecStart",
        "Restart",
        "RestartSec",
        "TimeoutStopSec",
        "StateDirectory",
        "StateDirectoryMode",
        "UMask",
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "NoNewPrivileges",
        "CapabilityBoundingSet",
        "RestrictAddressFamilies",
        "RestrictNamespaces",
        "LockPersonality",
        "ProtectKernelTunables",
        "ProtectKernelModules",
        "ProtectControlGroups",
    },
    "Install": {"WantedBy"},
}


def directives(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_names_directives_that_systemd_knows(unit: Path) -> None:
    for section, values in directives(unit).items():
        assert set(values) <= KNOWN.get(section, set()), section


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    program, command, *_ = directives(unit)["Service"]["ExecStart"].split()
    assert program.endswith("/verbund")
    known: Any = typer.main.get_command(application())
    assert command in known.commands


def test_there_is_a_unit() -> None:
    assert UNITS
