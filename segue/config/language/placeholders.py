"""Templates in the text of a config: ``{{ fileDirname }}``, ``{{$VAR:default}}`` and ``{{ _base_.x.y }}``.

The first two are replaced in the text before it is read, line for line; a reference to a base becomes a token that is
replaced by the value once the bases are known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from segue.config.marks import Mark, Origin
from segue.config.tree import ConfigDict
from segue.errors import ConfigError, Problem, nearest

# The repeats are bounded so that no text can make the search slow.
_GAP = r"[ \t]{0,8}"
_FILE = re.compile(rf"\{{\{{{_GAP}(fileDirname|fileBasenameNoExtension|fileBasename|fileExtname){_GAP}\}}\}}")
_VARIABLE = re.compile(
    rf"\{{\{{{_GAP}['\"]?{_GAP}\${_GAP}(\w{{1,200}}){_GAP}:{_GAP}(\S{{0,400}}?){_GAP}['\"]?{_GAP}\}}\}}"
)
_BASE = re.compile(rf"\{{\{{{_GAP}_base_\.([\w.]{{1,300}}){_GAP}\}}\}}")
_MAX_TEMPLATES = 1000


@dataclass
class Template:
    """The text of a config after substitution.

    Attributes:
        text: with the same lines as the file.
        tokens: for each token standing for a base's value, its dotted path.
        token: what a token looks like.
        environment: the environment variables that were used.
        depends: whether the text depends on the environment.
    """

    text: str
    tokens: dict[str, str] = field(default_factory=dict)
    token: re.Pattern[str] = re.compile(r"segue_base_\d+_")
    environment: dict[str, str] = field(default_factory=dict)
    depends: bool = False


def substitute(text: str, path: str, *, predefined: bool, environment: bool) -> Template:
    """Replace what the text's templates stand for.

    Args:
        text: the file's content.
        path: its absolute path.
        predefined: whether ``{{ fileDirname }}`` and its kin are replaced.
        environment: whether ``{{$VAR:default}}`` is replaced.
    """
    template = Template(text)
    if "{{" not in text:
        return template
    if text.count("{{") > _MAX_TEMPLATES:
        raise ConfigError(
            Problem("", f"the file has more than {_MAX_TEMPLATES} templates ('{{{{')", str(Origin(path, 0)))
        )
    if predefined:
        folder, name = os.path.split(path)
        stem, extension = os.path.splitext(name)
        values = {
            "fileDirname": folder,
            "fileBasename": name,
            "fileBasenameNoExtension": stem,
            "fileExtname": extension,
        }
        template.text = _FILE.sub(lambda match: values[match[1]].replace("\\", "/"), template.text)
    if environment:
        template.text = _VARIABLE.sub(lambda match: _variable(match, path, template), template.text)
    prefix = "segue_base_"
    while prefix in template.text:
        prefix += "_"
    template.token = re.compile(prefix + r"\d+_")

    def to_token(match: re.Match[str]) -> str:
        token = f"{prefix}{len(template.tokens)}_"
        template.tokens[token] = match[1]
        before = match.string[: match.start()].rstrip()[-1:]
        quote = '"' if path.endswith(".json") and before in ":[," else ""
        return f"{quote}{token}{quote}"

    template.text = _BASE.sub(to_token, template.text)
    return template


def _variable(match: re.Match[str], path: str, template: Template) -> str:
    name, default = match[1], match[2]
    template.depends = True
    where = str(Origin(path, match.string.count("\n", 0, match.start()) + 1))
    if name in os.environ:
        value = template.environment[name] = os.environ[name]
    elif default:
        value = default
    else:
        message = f"the environment variable {name} is not set, and {{{{${name}:}}}} gives no default; set it"
        raise ConfigError(Problem("", message, where))
    if "\n" in value or "\r" in value:
        raise ConfigError(Problem("", f"the environment variable {name} has more than one line", where))
    return value


def find_base(base: ConfigDict | None, dotted: str, where: str) -> tuple[Any, Mark]:
    """The value and mark of a dotted path of dict keys in the merged bases."""
    if base is None:
        raise ConfigError(Problem("", f"{{{{_base_.{dotted}}}}} in a file that has no _base_", where))
    node: Any = base
    mark: Mark = None
    for part in dotted.split("."):
        if not isinstance(node, ConfigDict) or part not in node:
            hint = nearest(part, [*map(str, node)]) if isinstance(node, ConfigDict) else ""
            raise ConfigError(Problem("", f"the base has no {dotted!r}{hint}", where))
        node, mark = dict.__getitem__(node, part), node._marks.get(part)
    return node, mark


def fill(text: str, template: Template, where: str, value_of: Callable[[str], Any]) -> Any:
    """A string with its tokens replaced: the value itself if the string is one token, else its text."""
    if text in template.tokens:
        return value_of(template.tokens[text])

    def as_text(match: re.Match[str]) -> str:
        dotted = template.tokens.get(match[0])
        if dotted is None:
            return match[0]
        value = value_of(dotted)
        if not isinstance(value, str | int | float):
            kind = type(value).__name__
            message = f"{{{{_base_.{dotted}}}}} inside a longer text must be text or a number, not a {kind}"
            raise ConfigError(Problem("", message, where))
        return str(value)

    return template.token.sub(as_text, text)
