"""STDC of its authors (github.com/MichaelFan01/STDC-Seg), whose modules are numbered through all stages."""

from __future__ import annotations

from segue.checkpoints.foreign.rules import Rule, Source

#: modules of stages 3 to 5
MODULES = {"stdc1": (2, 2, 2), "stdc2": (4, 5, 3)}


def rules(name: str) -> tuple[Rule, ...]:
    """The rules for ``stdc1`` or ``stdc2``."""
    places = ["0", "1", *(f"{stage}.{i}" for stage, count in enumerate(MODULES[name], 2) for i in range(count))]
    return (
        *(
            rule
            for i, place in enumerate(places)
            for rule in (
                Rule(rf"features\.{i}\.conv_list\.(.+)", rf"stages.{place}.layers.\1"),
                Rule(rf"features\.{i}\.avd_layer\.0\.(.+)", rf"stages.{place}.downsample.conv.\1"),
                Rule(rf"features\.{i}\.avd_layer\.1\.(.+)", rf"stages.{place}.downsample.bn.\1"),
                Rule(rf"features\.{i}\.(.+)", rf"stages.{place}.\1"),
            )
        ),
        Rule(r".+", None),  # the classifier, and copies of the modules by stage
    )


COUNT = {name: sum(modules) + 2 for name, modules in MODULES.items()}
MARKS = (r"features\.0\.conv\.weight$", r"features\.2\.avd_layer\.0\.weight$", r"features\.2\.conv_list\.0\.conv\.")

SOURCES = (
    Source("stdc1", "STDC1 weights of its authors", MARKS, rules("stdc1"), never=(rf"features\.{COUNT['stdc1']}\.",)),
    Source("stdc2", "STDC2 weights of its authors", (*MARKS, rf"features\.{COUNT['stdc2'] - 1}\."), rules("stdc2")),
)
