"""The model card of a model that goes to a hub: ``README.md``, with what hubs read from it at its head."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

SHOWN = 40  # classes that are listed
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is known about a model.

    Attributes:
        repo: ``organization/name``.
        architecture: as its config names it: ``EncoderDecoder: ResNet, PSPHead``.
        data: the dataset that its config names, if it names one.
        classes: names, in order.
        metrics: by name; values of IoU and the like in percent.
        licence: of the weights, as hubs write it (``apache-2.0``), or in words; None: not stated.
        parameters: how many numbers it has.
        facts: further lines, name and value.
    """

    repo: str
    architecture: str
    data: str | None
    classes: Sequence[str]
    metrics: Mapping[str, float]
    licence: str | None
    parameters: int
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)

    def __str__(self) -> str:
        """The file."""
        head = yaml.safe_dump(self._head(), sort_keys=False, allow_unicode=True)
        return f"---\n{head}---\n\n" + "\n".join(self._body()) + "\n"

    def _head(self) -> dict[str, Any]:
        head: dict[str, Any] = {"library_name": "segue", "pipeline_tag": "image-segmentation"}
        head["tags"] = ["segue", "semantic-segmentation"]
        if self.licence:
            known = IDENTIFIER.fullmatch(self.licence) is not None
            head |= {"license": self.licence} if known else {"license": "other", "license_name": self.licence}
        if self.metrics:
            measured = [
                {"type": name.lower(), "name": name, "value": round(value, 4)} for name, value in self.metrics.items()
            ]
            data = {"name": self.data or "not named", "type": self.data or "not named"}
            result = {"task": {"type": "image-segmentation"}, "dataset": data, "metrics": measured}
            head["model-index"] = [{"name": self.repo.partition("/")[2], "results": [result]}]
        return head

    def _body(self) -> list[str]:
        name = self.repo.partition("/")[2]
        lines = [f"# {plain(name)}", "", f"Semantic segmentation of {len(self.classes)} classes."]
        lines += [f"{plain(self.architecture)}, {self.parameters / 1e6:.2f} M parameters."]
        lines += ["The config is data, the weights are safetensors.", "", "## How to use", ""]
        lines += ["    pip install 'segue[hub]'", f"    segue predict hf://{self.repo} photo.jpg", "", "or", ""]
        lines += ["    import segue", "", f'    model = segue.load("hf://{self.repo}")']
        lines += ['    print(model.predict("photo.jpg").shares())', "", "## Measured", ""]
        if self.metrics:
            lines += ["| metric | value |", "|---|---|"]
            lines += [f"| {plain(key)} | {value:.2f} |" for key, value in self.metrics.items()]
        else:
            lines += ["Nothing is stated."]
        lines += ["", "## Licence", "", plain(self.licence) if self.licence else "Not stated: ask the author."]
        lines += ["Data sets and weights that training started from may have terms of their own.", "", "## Classes", ""]
        named = ", ".join(plain(name) for name in self.classes[:SHOWN])
        more = len(self.classes) - SHOWN
        lines += [named + (f" and {more} more" if more > 0 else ""), "", "## Files", ""]
        lines += ["`certificate.json` holds classes, colors, metrics and the SHA-256 of the other files.", ""]
        lines += [f"- {plain(key)}: {plain(value)}" for key, value in self.facts]
        return lines


def plain(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    shown = re.sub(r"([\\`*_{}\[\]<>|#~$&])", r"\\\1", " ".join(text.split()))
    return "".join(character if character.isprintable() else "?" for character in shown)
