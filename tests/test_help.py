"""What every command of both programs says of itself: help, examples that can be typed, and how soon."""

from __future__ import annotations

import argparse
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import pytest

from classifier import cli as classifier_cli
from classifier.helping import Program, described, examples_of, parsers_of
from daemon import cli as daemon_cli

PROGRAMS = {"classifier": classifier_cli.program, "topicwired": daemon_cli.program}
COMMON = {"--home", "--config", "--json", "--help", "--version"}  # which nearly all commands have


def walk() -> Iterator[tuple[Program, argparse.ArgumentParser]]:
    for make in PROGRAMS.values():
        program = make()
        for parser in parsers_of(program):
            yield program, parser


WALKED = [pytest.param(program, parser, id=parser.prog) for program, parser in walk()]
CALLABLE = [
    pytest.param(program, parser, id=parser.prog)
    for program, parser in walk()
    if parser.get_default("command")
]


def words_of(example: str) -> list[str]:
    """The words of our command in a line that a shell understands: up to a pipe or a redirection."""
    lexer = shlex.shlex(example, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set("|<>&;()"), lexer))


@pytest.mark.parametrize(("program", "parser"), WALKED)
def test_every_command_and_every_option_has_help(program: Program, parser: argparse.ArgumentParser) -> None:
    assert parser.description, "no description"
    silent = [action.dest for action in parser._actions if not action.help and action.dest != "help"]
    subcommands = [a.dest for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    assert [each for each in silent if each not in subcommands] == []


@pytest.mark.parametrize(("program", "parser"), CALLABLE)
def test_every_example_can_be_typed_as_it_stands(program: Program, parser: argparse.ArgumentParser) -> None:
    examples = examples_of(parser)

    assert examples, f"{parser.prog}: end its docstring with a paragraph of indented command lines"
    for example in examples:
        name, *arguments = words_of(example)
        assert name == program.prog
        assert program.parse_args(arguments).command is parser.get_default("command"), example


@pytest.mark.parametrize(("program", "parser"), CALLABLE)
def test_every_option_is_used_in_an_example_of_its_command(
    program: Program, parser: argparse.ArgumentParser
) -> None:
    used = {word.partition("=")[0] for example in examples_of(parser) for word in words_of(example)}
    options = [action.option_strings for action in parser._actions if action.option_strings]

    assert [names for names in options if not used & set(names) and not COMMON & set(names)] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_options_that_all_commands_have_are_used_in_an_example_of_some(name: str) -> None:
    program = PROGRAMS[name]()
    used = {word for parser in parsers_of(program) for line in examples_of(parser) for word in words_of(line)}

    assert {"--home", "--config", "--json"} <= used


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_command_stands_under_a_heading_of_the_programs_help(name: str) -> None:
    program = PROGRAMS[name]()
    headed = [command for names in program.headings.values() for command in names]

    assert sorted(headed) == sorted(program.commands.choices)
    assert "more:" not in program.format_help()


def test_the_lines_that_end_a_docstring_are_examples_if_each_calls_the_program() -> None:
    text = "Do it.\n\n    With care, and\n    slowly."
    calls = "\n\n        topicwired do \\\n            --all\n        topicwired do\n    "

    told = ("Do it.\n\nWith care, and\nslowly.", "    topicwired do \\\n        --all\n    topicwired do")
    assert described(f"{text}{calls}", "topicwired") == told
    assert described(f"Do it.{calls}", "topicwired") == ("Do it.", told[1])
    assert described(f"{text}\n\n    Not so.", "topicwired")[1] == ""
    assert described(f"{text}{calls}", "classifier")[1] == ""
    assert described("topicwired does it.", "topicwired") == ("topicwired does it.", "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_version_is_that_of_the_package(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[name]().parse_args(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{name} {version('topicwire')}\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_shell_completes_the_commands_and_options_of_both_programs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = PROGRAMS[name]()
    options = program.parse_args(["completion", "bash"])
    assert options.command(options) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)

    def completed(*words: str) -> list[str]:
        asked = f"COMP_WORDS=({' '.join([name, *words])}); COMP_CWORD={len(words)}; _shtab_{name}"
        call = f"source {script}; {asked}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=True).stdout.split()

    assert completed("che") == ["check"]
    assert set(program.commands.choices) <= set(completed(""))
    leaf = {"classifier": ("explain", "--to"), "topicwired": ("retry", "--al")}[name]
    assert completed(*leaf) == [{"classifier": "--topic", "topicwired": "--all"}[name]]


def test_help_comes_in_a_fraction_of_the_time_that_scikit_learn_takes_to_load() -> None:
    """Best of several in processor time, so that a busy machine counts less.

    All commands are built before one of them shows its help, so the longest help stands for all.
    """
    yardstick = min(seconds("-c", "import sklearn") for _ in range(2))
    for package, make in (("classifier", classifier_cli.program), ("daemon", daemon_cli.program)):
        longest = max(parsers_of(make()), key=lambda parser: len(parser.format_help())).prog.split()[1:]
        call = f"from {package}.cli import main; import sys; main(sys.argv[1:])"
        for words in ([], longest):
            ours = min(seconds("-c", call, *words, "--help") for _ in range(3))
            assert ours < 0.15 * yardstick, f"{package} {words}: {ours:.3f} s to {yardstick:.3f} s"


def seconds(*arguments: str) -> float:
    """Processor time of a process of Python's, all told."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
