"""From a folder to a config: what the label doctor found becomes values, by written rules, each with its reason.

`planned` makes the plan of a report; `segue.recipes.folder.rules` holds the rules, one function each.
"""

from __future__ import annotations

from segue.recipes.folder.planning import Plan, planned, write

__all__ = ["Plan", "planned", "write"]
