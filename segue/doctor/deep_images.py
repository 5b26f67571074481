"""Images of 16 bits of which the usual way to read keeps the upper 8, though their values are small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.config.builder.find import find
from segue.doctor.findings import Finding, Fix, several
from segue.doctor.sources import Source
from segue.doctor.tally import Tally


def judge_deep(source: Source, tally: Tally) -> Finding:
    """They are nearly black; what is proposed reads the stored values and tells the model of them."""
    faults = tally.faults["16-bit-image"]
    bands = tally.stored[0][0]
    mean, std = (round(sum(row[i] for row in tally.stored) / len(tally.stored), 1) for i in (1, 2))
    fixes = [] if source.pipelines else [Fix(("color_type",), "unchanged")]
    for key, steps in source.pipelines.items():
        for i, step in enumerate(steps):
            name = str(step.get("type", "")).rpartition(".")[2]
            if name == "LoadImageFromFile":
                fixes.append(Fix((f"{key}.pipeline.{i}.color_type",), "unchanged"))
            elif not _takes(step, bands):
                fixes.append(Fix((f"{key}.pipeline.{i}",), None, name, leaves_out=True))
    if source.split in ("train", "all"):
        fixes += [
            Fix(("model.backbone.in_channels",), bands),
            Fix(("model.data_preprocessor.mean",), [mean] * bands),
            Fix(("model.data_preprocessor.std",), [std] * bands),
            Fix(("model.data_preprocessor.bgr_to_rgb",), False),
        ]
    message = (
        f"{several(faults.count, 'image')} of 16 bits, nearly black in the 8 bits that are read of them. "
        "LoadImageFromFile should read the stored values, and the model be made for them."
    )
    return Finding("16-bit-image", "warning", source.split, message, faults.files, faults.count, fixes)


def _takes(step: Mapping[str, Any], bands: int) -> bool:
    """Whether a transform is defined for 16-bit images of so many bands."""
    try:
        transform = find("transforms", str(step.get("type")))
    except LookupError:
        return True  # of a user, who knows
    known, dtypes = getattr(transform, "BANDS", ()), getattr(transform, "DTYPES", ())
    return (not known or bands in known) and (not dtypes or "uint16" in dtypes)
