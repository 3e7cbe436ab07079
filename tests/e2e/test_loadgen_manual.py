"""The manual page, --help and the shell's completion of loadgen say the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from processes import tool
from programs import BIN_DIR

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "loadgen.1"
LOADGEN = str(BIN_DIR / "loadgen")
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


def help_groups(*command: str) -> dict[str, list[str]]:
    """The flags under each heading of --help, in order."""
    done = tool(LOADGEN, *command, "--help")
    assert done.returncode == 0 and done.stderr == b""
    groups: dict[str, list[str]] = {}
    heading = ""
    for line in done.stdout.decode().splitlines():
        if re.fullmatch(r"[A-Z][A-Za-z ]*:", line):
            heading = line[:-1]
        elif line.startswith("  -") and heading != "Examples":
            groups.setdefault(heading, []).extend(FLAG.findall(line.split()[0]))
    return groups


def manual_sections() -> dict[str, dict[str, list[str]]]:
    """Section -> subsection -> the flags that tags (.TP, .TQ) name in it."""
    sections: dict[str, dict[str, list[str]]] = {}
    section = subsection = ""
    tag = False
    for line in MANUAL.read_text().splitlines():
        if line.startswith((".SH ", ".SS ")):
            name = line[4:].strip('"')
            section, subsection = (name, "") if line.startswith(".SH") else (section, name)
        elif line in (".TP", ".TQ"):
            tag = True
            continue
        elif tag:
            flags = FLAG.findall(re.sub(r"\\f.", "", line.replace(r"\-", "-")))
            sections.setdefault(section, {}).setdefault(subsection, []).extend(flags)
        tag = False
    return sections


def flags_of(groups: dict[str, list[str]]) -> set[str]:
    return {flag for flags in groups.values() for flag in flags}


def test_manual_names_every_option_and_no_other() -> None:
    wanted = help_groups()
    assert len(wanted) >= 6 and "--connections" in wanted["Connections"]
    found = manual_sections()["OPTIONS"]
    assert list(found) == list(wanted)
    for group, flags in wanted.items():
        assert sorted(found[group]) == sorted(flags), group


@pytest.mark.parametrize("command", ["versus", "merge"])
def test_manual_names_every_option_of_the_subcommands(command: str) -> None:
    groups = help_groups(command)
    found = flags_of(manual_sections()[command.upper()])
    assert found <= flags_of(groups)
    # What both have in common stands in one place; --help is self-evident.
    shared = help_groups()
    own = {flag for group, flags in groups.items() for flag in flags if flag not in shared.get(group, [])}
    assert own <= found


def test_manual_is_read_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(MANUAL)], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout.decode())
    assert "--find-knee" in text and "EXIT STATUS" in text


def test_manual_has_examples_that_are_command_lines() -> None:
    """None is refused for its flags: with --help at the end all before it has been read."""
    page = MANUAL.read_text().replace(r"\-", "-")
    examples = re.findall(r"^    loadgen (.*)$", page[page.index(".SH EXAMPLES"):], re.MULTILINE)
    assert len(examples) >= 6
    for example in examples:
        words = [word.strip("'") for word in example.split()]
        done = tool(LOADGEN, *words, "--help")
        assert done.returncode == 0, (example, done.stderr)


def complete(*words: str) -> list[str]:
    """What bash offers for the last word."""
    script = """
        source <("$1" --completion bash)
        shift
        COMP_WORDS=(loadgen "$@") COMP_CWORD=$#
        _loadgen
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = tool("bash", "--norc", "-uc", script, "bash", LOADGEN, *words)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode().split()


def test_bash_completes_every_option_and_no_other() -> None:
    assert sorted(complete("-")) == sorted(flags_of(help_groups()))
    for command in ("versus", "merge"):
        assert sorted(complete(command, "-")) == sorted(flags_of(help_groups(command)))
    assert complete("--find") == ["--find-knee"]
    assert complete("http://h/", "-c", "4", "--pipe") == ["--pipeline"]


def test_bash_completes_commands_and_values(tmp_path: Path) -> None:
    assert complete("ver") == ["versus"]
    assert complete("http://h/", "ver") == []
    assert complete("--arrivals", "") == ["constant", "poisson"]
    assert complete("--arrivals", "p") == ["poisson"]
    assert complete("--completion", "") == ["bash"]
    assert complete("--rate", "") == []
    mix = tmp_path / "mix.json"
    mix.touch()
    assert complete("--mix", f"{tmp_path}/m") == [str(mix)]
    assert complete("merge", f"{tmp_path}/m") == [str(mix)]
