"""The manual pages, made from the help of the programs and from the shipped configuration."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from classifier import Program, examples_of, parsers_of
from daemon.roff import guarded, literal, text

# Of the last change to what the pages say beyond the help.
_DATED = "2026-11-22"
_MANUAL = "topicwire"
_COMMON = ("--home", "--config", "--json")  # told once, not with every command
_TABLE = re.compile(r"(?:# )?(\[+[a-z_.]+\]+)$")
_KEY = re.compile(r"(?:# )?([a-z_]+ = .*?)(?:\s+# (.*))?$")
_GOES_ON = re.compile(r"#\s{8,}(?:# )?(.*)$")


_Entries = tuple[tuple[str, str], ...]

_FILES: _Entries = (
    ("topicwire.toml", "The configuration, which --config names; see topicwire.toml(5)."),
    ("HOME/inbox/", "Articles are dropped here. A sub-folder is the name of a source, but for tmp/."),
    ("HOME/done/", "Files that were taken in, by day."),
    ("HOME/failed/", "Files that could not be read, each with a .error.json that says why."),
    ("HOME/labels/", "Labels and topics of your own."),
    ("HOME/models/", "The versions of the model; current names the one that serves."),
    ("HOME/ledger.db", "What arrived, what was concluded, whom it was told; not on a network share."),
    ("HOME/backups/", "Copies of the ledger, made each night."),
    (
        "HOME/secrets/",
        "A place for tokens, which `topicwired init` makes; the configuration names the files.",
    ),
)
_ENVIRONMENT: _Entries = (
    ("TOPICWIRE_HOME", "The home, where --home is not given; without both it is var in the working folder."),
    ("TOPICWIRE_CONFIG", "The configuration, where --config is not given."),
)
_SECRETS: _Entries = (
    (
        "SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_WEBHOOK_URL, TOPICWIRE_DATABASE_PASSWORD",
        "Secrets, where no file that the configuration names holds them and systemd gives no credential.",
    ),
)
_EXIT: _Entries = (
    ("0", "Done."),
    ("1", "It could not be done; one line on standard error says why, and where to look."),
    ("2", "A wrong call."),
    ("130", "Interrupted (Ctrl-C)."),
)


def pages(topicwired: Program, classifier: Program, toml: str, version: str) -> dict[str, str]:
    """All pages by file name. `toml` is the shipped configuration."""
    return {
        "topicwired.1": _program_page(
            topicwired,
            version,
            {"FILES": _FILES, "ENVIRONMENT": (*_ENVIRONMENT, *_SECRETS), "EXIT STATUS": _EXIT},
            ("classifier(1)", "topicwire.toml(5)", "systemd.service(5)"),
        ),
        "classifier.1": _program_page(
            classifier,
            version,
            {"FILES": _FILES[4:6], "ENVIRONMENT": _ENVIRONMENT, "EXIT STATUS": _EXIT},
            ("topicwired(1)", "topicwire.toml(5)"),
        ),
        "topicwire.toml.5": _configuration_page(
            "topicwire.toml", toml, version, ("topicwired(1)", "classifier(1)")
        ),
    }


def _program_page(
    program: Program, version: str, about: Mapping[str, _Entries], see_also: Sequence[str]
) -> str:
    purpose = (program.description or "").partition(": ")[2].rstrip(".")
    page = [
        *_head(program.prog, 1, version),
        *_section("NAME", [text(f"{program.prog} - {purpose}").replace(" - ", " \\- ", 1)]),
        *_section("SYNOPSIS", _synopsis(program)),
        *_section("DESCRIPTION", [text(f"{purpose[0].upper()}{purpose[1:]}."), *_groups(program)]),
        ".SH COMMANDS",
    ]
    for parser in parsers_of(program):
        page += _command(parser)
    page += _section("OPTIONS", _common(program))
    for heading, entries in about.items():
        page += _section(heading, _entries(entries))
    return _page([*page, *_see_also(see_also)])


def _configuration_page(name: str, toml: str, version: str, see_also: Sequence[str]) -> str:
    blocks = re.split(r"\n\n+", toml.strip())
    page = [
        *_head(name, 5, version),
        *_section("NAME", [f"{name} \\- configuration of topicwired(1)"]),
        *_section("DESCRIPTION", [text(_uncommented(blocks[0]))]),
        ".SH TABLES",
    ]
    for block in blocks[1:]:
        page += _table(block)
    return _page([*page, *_see_also(see_also)])


def _head(name: str, section: int, version: str) -> list[str]:
    return [
        "'\\\" -*- coding: utf-8 -*-",
        f'.TH {literal(name.upper())} {section} {_DATED} "topicwire {version}" {_MANUAL}',
    ]


def _section(heading: str, lines: Iterable[str]) -> list[str]:
    return [f".SH {heading}", *lines]


def _synopsis(program: Program) -> list[str]:
    return [
        f".B {program.prog}",
        ".I COMMAND",
        "[options]",
        ".br",
        f".B {program.prog}",
        ".I COMMAND",
        literal("--help") + " |",
        literal("--version"),
    ]


def _groups(program: Program) -> Iterator[str]:
    for heading, names in program.headings.items():
        yield from (".TP", text(f"To {heading}" if heading == "begin" else heading.capitalize()))
        yield ", ".join(f"\\fB{literal(name)}\\fP" for name in names if name in program.commands.choices)


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """One command: how it is called, what it does, its options, its examples."""
    yield f".SS {literal(parser.prog)}"
    subcommands = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if parser.get_default("command"):
        yield from _called(parser)
    paragraphs = (parser.description or "").split("\n\n")
    yield text(paragraphs[0])
    for paragraph in paragraphs[1:]:
        yield from (".PP", text(paragraph))
    for action in parser._actions:
        if action in subcommands or set(action.option_strings) & {"-h", *_COMMON}:
            continue
        yield from (".TP", _invocation(action), text(_help(parser, action)))
    examples = examples_of(parser)
    if examples:
        yield from (".PP", "Examples:", ".PP", ".RS 4", ".EX")
        yield from (guarded(literal(line)) for line in examples)
        yield from (".EE", ".RE")


def _called(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f".B {literal(parser.prog)}"
    yield from _usage(parser)
    yield ".PP"


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.option_strings and "--help" not in action.option_strings:
            name = f"\\fB{literal(action.option_strings[-1])}\\fP"
            called = f"{name} {_value(action)}".rstrip()
            yield called if action.required else f"[{called}]"
    for action in parser._actions:
        if not action.option_strings:
            yield _value(action)


def _value(action: argparse.Action) -> str:
    """What stands in the place of an argument: NAME, [NAME], NAME ..."""
    if action.nargs == 0:
        return ""
    if isinstance(action, argparse._SubParsersAction):
        return "[\\fICOMMAND\\fP]"
    choices = "|".join(map(str, action.choices)) if action.choices else None
    metavar = action.metavar if isinstance(action.metavar, str) else None
    name = f"\\fI{literal(metavar or choices or action.dest.upper())}\\fP"
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def _invocation(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action)
    value = _value(action)
    return ", ".join(f"\\fB{literal(name)}\\fP {value}".rstrip() for name in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action)


def _common(program: Program) -> Iterator[str]:
    yield text("Of nearly all commands:")
    told: dict[str, tuple[argparse.ArgumentParser, argparse.Action]] = {}
    for parser in (program, *parsers_of(program)):
        for action in parser._actions:
            for name in (*_COMMON, "--help", "--version"):
                if name in action.option_strings and action.help != argparse.SUPPRESS:
                    told.setdefault(name, (parser, action))
    for parser, action in told.values():
        yield from (".TP", _invocation(action), text(_help(parser, action)))


def _table(block: str) -> Iterator[str]:
    """A table of the example: what stands before it, its keys with what is said of each."""
    said: list[str] = []
    keys: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if (goes_on := _GOES_ON.match(line)) and keys:
            keys[-1][1].append(goes_on[1])
        elif table := _TABLE.match(line):
            yield from (*_keys(keys), f'.SS "{literal(table[1])}"')
            keys = []
            if said:
                yield text(" ".join(said))
                said = []
        elif (key := _KEY.match(line)) is not None:
            keys.append((key[1], [key[2] or ""]))
        else:
            said.append(line.removeprefix("#").strip())
    yield from _keys(keys)
    if said:
        yield from (".PP", text(" ".join(said)))


def _keys(keys: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for key, said in keys:
        yield from (".TP", f"\\fB{literal(key)}\\fP", text(" ".join(said).strip()) or "\\&")


def _entries(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, said in entries:
        yield from (".TP", f"\\fB{literal(name)}\\fP", text(said))


def _see_also(pages: Sequence[str]) -> list[str]:
    named = [
        re.sub(r"^(.+)(\(\d\))$", lambda found: f"\\fB{literal(found[1])}\\fP{found[2]}", page)
        for page in pages
    ]
    return _section("SEE ALSO", [", ".join(named)])


def _uncommented(block: str) -> str:
    return " ".join(line.removeprefix("#").strip() for line in block.splitlines())


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
