"""What a command says of itself: its help is its docstring, and its examples are the lines that end it.

Nothing of what a command does is here, nor anything heavy: `--help` loads this and no more.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["CommandParser"]
    Command = Callable[[argparse.Namespace], int]

EXAMPLES = "examples:"
_RAW = "    "  # what is indented so is shown as it stands
_WIDEST = 100  # columns: longer lines are hard to read


class HelpFormatter(argparse.HelpFormatter):
    """Paragraphs are filled and stay apart; indented ones, as examples are, stay as they stand."""

    def __init__(self, prog: str, **given: Any) -> None:
        super().__init__(prog, **given)
        self._width = min(self._width, _WIDEST)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(self._filled(each, width, indent) for each in text.split("\n\n"))

    def _filled(self, paragraph: str, width: int, indent: str) -> str:
        if paragraph.startswith((_RAW, EXAMPLES)):
            return textwrap.indent(paragraph, indent)
        return super()._fill_text(paragraph, width, indent)


class CommandParser(argparse.ArgumentParser):
    """A parser whose help has paragraphs and examples."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, **given})


class Program(CommandParser):
    """The parser of a whole program, whose help shows its commands by what people come for."""

    def __init__(
        self, name: str, docstring: str | None, headings: Mapping[str, Sequence[str]], then: str
    ) -> None:
        """`headings`: the names of the commands under each; `then`: where to read on."""
        super().__init__(prog=name, description=described(docstring, name)[0], epilog=then)
        self.headings = headings
        self.add_argument("--version", action=_Version, nargs=0, help="show which version this is, and exit")
        self.commands: Commands = self.add_subparsers(
            title="commands", required=True, metavar="COMMAND", parser_class=CommandParser
        )

    def format_help(self) -> str:
        """As argparse has it, but that the commands stand under their headings."""
        listed = {action.dest: action for action in self.commands._get_subactions()}
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for heading, names in self.headings.items():
            formatter.start_section(heading)
            formatter.add_arguments([listed.pop(name) for name in names if name in listed])
            formatter.end_section()
        formatter.start_section("more")
        formatter.add_arguments(list(listed.values()))
        formatter.end_section()
        formatter.start_section("options")
        formatter.add_arguments([action for action in self._actions if action.option_strings])
        formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()


def described(docstring: str | None, program: str) -> tuple[str, str]:
    """The text of a docstring, and its examples: the last paragraph where each line calls the program.

    A line that ends in a backslash goes on in the next, as a shell has it.
    """
    first, _, rest = (docstring or "").partition("\n")
    paragraphs = re.split(r"\n\s*\n", f"{first.strip()}\n{textwrap.dedent(rest)}".strip())
    last = textwrap.dedent(paragraphs[-1])
    if len(paragraphs) == 1 or not all(line.startswith(f"{program} ") for line in _joined(last)):
        return "\n\n".join(paragraphs), ""
    return "\n\n".join(paragraphs[:-1]), textwrap.indent(last, _RAW)


def examples_of(parser: argparse.ArgumentParser) -> list[str]:
    """The command lines that a command's help gives as examples; one that goes on is one."""
    text = parser.epilog or ""
    if not text.startswith(EXAMPLES):
        return []
    return [" ".join(line.split()) for line in _joined(text.removeprefix(EXAMPLES).strip())]


def parsers_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command behind this one, each before those that stand behind it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield each
                yield from parsers_of(each)


def add_command(commands: Any, name: str, command: Command) -> CommandParser:
    """A command whose help is its docstring."""
    parser = add_group(commands, name, command.__doc__)
    parser.set_defaults(command=command)
    return parser


def add_group(commands: Any, name: str, docstring: str | None) -> CommandParser:
    """A command that does nothing but have others behind it, or `add_command` without what is called."""
    text, examples = described(docstring, commands._prog_prefix.split()[0])
    parser: CommandParser = commands.add_parser(
        name,
        help=text.split("\n\n", 1)[0].replace("%", "%%"),
        description=text,
        epilog=f"{EXAMPLES}\n{examples}" if examples else None,
    )
    return parser


def add_completion(commands: Any, program: Callable[[], Program]) -> None:
    """The command that prints what makes a shell complete the words of this program."""
    name = commands._prog_prefix.split()[0]
    folder = "~/.local/share/bash-completion/completions"
    parser = add_group(
        commands,
        "completion",
        f"""Print what makes a shell complete commands, options and files; once for each new version.

        {name} completion bash > {folder}/{name}
        {name} completion zsh > ~/.zfunc/_{name}
        {name} completion fish > ~/.config/fish/completions/{name}.fish
        """,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "tcsh"), help="whose words")
    parser.set_defaults(command=lambda options: _complete(program(), options.shell))


def _complete(program: Program, shell: str) -> int:
    import shtab

    for parser in (program, *parsers_of(program)):
        for action in parser._actions:
            if action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(program, shell))
    return 0


def _joined(lines: str) -> list[str]:
    return lines.replace("\\\n", " ").splitlines()


class _Version(argparse.Action):
    """What is installed is asked only when somebody wants to know: it takes as long as all of --help."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('topicwire')}")
        parser.exit()
