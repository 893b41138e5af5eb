"""The command line: `study COMMAND`, and what the `python -m` forms share with it."""

import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from study.cli.bench import bench
from study.cli.data import data
from study.cli.options import CONTEXT, EXIT_INTERRUPTED, EXIT_USAGE, INTERRUPTED, Failure
from study.cli.present import claims, compare, explore, report, score
from study.cli.run import run
from study.cli.search import search
from study.cli.status import status
from study.cli.watch import watch

COMMANDS = (run, search, score, report, explore, claims, compare, status, watch, bench, data)


def main(words: Sequence[str] | None = None) -> int:
    """`study`: one of the commands; without words, their list."""
    return carry_out(study, "study", words)


def train(words: Sequence[str] | None = None) -> int:
    """`python -m study.run`: the options of `study run`, or, with --search, of `study search`."""
    words = sys.argv[1:] if words is None else words
    return carry_out(_meant(words), "study", words)


def carry_out(command: click.Command, name: str, words: Sequence[str] | None = None) -> int:
    """Parse words and do what a command does.

    Args:
        command: one of COMMANDS, or their group.
        name: what its usage shows and its errors begin with.
        words: its arguments; None: those of this process.

    Returns:
        The exit status: 0 done, 1 failure, 2 usage, 130 stopped.
    """
    arguments = None if words is None else [str(word) for word in words]
    try:
        return command.main(arguments, name, standalone_mode=False) or 0
    except click.ClickException as error:
        ctx = getattr(error, "ctx", None)
        message = _elsewhere(error) or error.format_message()
        print(f"{ctx.command_path if ctx else name}: {message}", file=sys.stderr)
        return error.status if isinstance(error, Failure) else error.exit_code
    except click.Abort:  # interrupted before the command had begun
        print(f"{name}: {INTERRUPTED}", file=sys.stderr)
        return EXIT_INTERRUPTED


class _Group(click.Group):
    """The commands in the order of their use; options before a command are pointed to theirs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].partition("=")[0] in _options(run) | _options(search):
            words = shlex.join(["study", str(_meant(args).name), *args])
            raise Failure(f"options come after the command: {words}", ctx, EXIT_USAGE)
        return super().parse_args(ctx, args)


def _print_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from study.config.package_hash import package_hash

    try:
        number = version("vae-study")
    except PackageNotFoundError:
        number = "not installed"
    click.echo(f"study {number}, code {package_hash()}")
    ctx.exit()


@click.group("study", cls=_Group, invoke_without_command=True, context_settings=CONTEXT)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and a hash of the code.",
)
@click.pass_context
def study(ctx: click.Context) -> None:
    """Train, search, score and show studies of variational autoencoders.

    `study COMMAND --help` explains a command. For completion in a shell, put this into ~/.bashrc:
    eval "$(_STUDY_COMPLETE=bash_source study)"
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in COMMANDS:
    study.add_command(command)


def _meant(words: Sequence[str]) -> click.Command:
    """Which of the two commands that train takes these options."""
    return search if any(word.partition("=")[0] == "--search" for word in words) else run


def _options(command: click.Command) -> set[str]:
    names = {name for option in command.params for name in option.opts}
    return {name for name in names if name.startswith("-")}


def _elsewhere(error: click.ClickException) -> str:
    """Which commands have the option that this one has not; "" where none has."""
    if not isinstance(error, click.NoSuchOption):
        return ""
    owners = [f"study {one.name}" for one in COMMANDS if error.option_name in _options(one)]
    return f"{error.option_name} is an option of {' and '.join(owners)}" if owners else ""
