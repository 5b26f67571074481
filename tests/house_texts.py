"""Whether what a text names exists: names below ``segue``, commands with their options, files."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping

from tests.house_rules import ROOT

#: ``segue.name`` in a text, but not in a path, a file's name or an address
_DOTTED = re.compile(r"(?<![\w/.@-])segue((?:\.[A-Za-z_]\w*)+)(?![\w/]|-\w|\.\w)")
_FILES = ("py", "yaml", "yml", "json", "toml", "html", "patch", "md", "egg", "lock")
#: ``segue verb``, and what follows in the line up to the end of the command
_COMMAND = re.compile(r"(?<![\w./-])(?<!from )(?<!import )segue ([a-z][\w-]*)((?: (?!segue )[^`\n|;&# ]+)*)")
#: ``segue`` as the first word of something else
_NO_VERB = {"stage": "what a migration's worker prints when it gets on"}
_PATH = re.compile(r"(?<![\w./*-])(segue|tests|docs|benchmarks|examples)/[\w/.*-]*\w")


def dotted_names(text: str) -> set[str]:
    """The names below ``segue`` in a text."""
    found = {match[1][1:] for match in _DOTTED.finditer(text)}
    return {name for name in found if name.rpartition(".")[2] not in _FILES}


def exists(name: str) -> bool:
    """Whether ``segue.NAME`` can be imported, or is an attribute of what can be."""
    parts = name.split(".")
    for count in range(len(parts), -1, -1):
        try:
            value = importlib.import_module(".".join(["segue", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(value, part) and not _of_instances(value, part):
                return False
            value = getattr(value, part, None)
        return True
    return False


def _of_instances(value: object, name: str) -> bool:
    """Whether objects of a class have an attribute that the class itself has not."""
    return (isinstance(value, type) and f"self.{name}" in inspect.getsource(value)) or name in getattr(
        value, "__annotations__", {}
    )


def wrong_commands(text: str, verbs: Mapping[str, Mapping[str, set[str]]]) -> list[str]:
    """Commands in a text that do not exist: ``segue VERB``, ``segue VERB ACTION``, or an option of one.

    Args:
        text: of a file.
        verbs: the actions of each verb with their options; "" are its own.
    """
    wrong = []
    for match in _COMMAND.finditer(text):
        verb, words = match[1], match[2].split()
        if verb not in verbs:
            wrong += [f"segue {verb}"] if verb not in _NO_VERB else []
            continue
        actions = verbs[verb]
        first = words[0].rstrip(".,:") if words else ""
        if len(actions) > 1 and re.fullmatch(r"[a-z]+", first) and first not in {*actions, *PROSE}:
            wrong.append(f"segue {verb} {first}")
        known = actions[first if first in actions else ""] | (
            set() if first in actions else set().union(*actions.values())
        )
        options = [word for word in re.findall(r"(?<![\w-])--[a-z][\w-]*", " ".join(words)) if word not in known]
        wrong += [f"segue {verb} {option}" for option in options]
    return wrong


#: Words that may follow a verb in a sentence.
PROSE = {"and", "or", "is", "reads", "on", "of", "to", "it", "in", "for", "with", "does", "writes", "can"}


def wrong_paths(text: str) -> list[str]:
    """Files and folders of the repository that a text names and that are not there; ``NAME`` stands for any."""
    named = {match[0] for match in _PATH.finditer(text)}
    return sorted(path for path in named if not any(ROOT.glob(path.replace("NAME", "*"))))
