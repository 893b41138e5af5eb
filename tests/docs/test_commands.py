"""Every command that README and docs show is one that the command line takes."""

import re
import shlex

import click
import pytest
from documented import PAGES, blocks, name_of

from study.cli.main import study

VARIABLES = {"$seed": "0", "$same": "--set epochs=2"}
MODULES = {"study.run": "run", "study.status": "status", "study.bench": "bench"}
INLINE = re.compile(r"`((?:study|python -m study\S*) (?!COMMAND)[^`]+)`")


def commands(text):
    """The words of every `study` command in a shell script, quoted ones too."""
    text = text.replace("\\\n", " ")
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    for line in re.split(r"\n|&&|; ", text):
        words = shlex.split(line, comments=True)
        for nested in (word for word in words if word.startswith("study ")):
            yield shlex.split(nested)[1:]
        if words[:2] == ["python", "-m"] and words[2] in MODULES:
            yield [MODULES[words[2]], *words[3:]]
        elif words[:1] == ["study"]:
            yield words[1:]


def parse(words):
    """Parse the words of a command, as far as before it begins.

    Raises:
        click.UsageError: there is no such command or option, or a value is bad.
    """
    group = click.Context(study, info_name="study")
    name, command, rest = study.resolve_command(group, words)
    command.make_context(name, rest, parent=group)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_can_be_given(page):
    for block in blocks(page, "bash"):
        for words in commands(block.text):
            parse(words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_within_a_sentence_exist(page):
    for shown in INLINE.findall(page.read_text()):
        for words in commands(shown):
            try:
                parse(words)
            except click.MissingParameter:  # a sentence may leave out which study
                assert len(words) == 1, shown


def test_the_readme_has_a_row_for_every_command():
    rows = re.findall(r"^\| `study (\w+)", PAGES[0].read_text(), re.MULTILINE)
    assert rows == list(study.commands)


def test_an_option_that_does_not_exist_is_noticed():
    (words,) = commands("study run --grid quick --no-such-option # really")
    with pytest.raises(click.NoSuchOption):
        parse(words)
