"""argparse with the likely word beside a wrong one."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from segue.errors import nearest


class Parser(argparse.ArgumentParser):
    """A parser whose errors propose the nearest verb, choice or option."""

    def error(self, message: str) -> NoReturn:
        """Print usage and the message, and end with status 2."""
        super().error(message + self._proposal(message))

    def _proposal(self, message: str) -> str:
        choice = re.search(r"invalid choice: '(.*?)' \(", message)
        if choice:
            listed = [item for action in self._actions for item in map(str, action.choices or ())]
            return nearest(choice[1], listed, listed=0)
        unknown = re.search(r"unrecognized arguments: (--[^\s=]+)", message)
        if unknown:
            return nearest(unknown[1], sorted(self.options()), listed=0)
        return ""

    def options(self) -> set[str]:
        """The long options of this parser and of those below it."""
        found = {option for action in self._actions for option in action.option_strings if option.startswith("--")}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    found |= parser.options()
        return found
