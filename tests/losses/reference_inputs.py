"""Logits, labels and depths as functions of their size, for which the losses of mmseg 1.2.2 were recorded."""

from __future__ import annotations

import torch

from tests.goldens_check import goldens_tool

tool = goldens_tool()
#: (2, 4, 8, 8), about -5 to 5
LOGITS = torch.cat([3 * tool.image(8, 8, 4), 3 * tool.image(8, 8, 4, salt="b")])
#: (2, 8, 8), 0 to 3, none ignored
LABELS = torch.stack([tool.labels(64, 64, 4, salt=salt)[::8, ::8] for salt in "ab"])
LABELS[LABELS == 255] = 0
#: The same with the two upper rows ignored.
PARTLY = LABELS.clone()
PARTLY[:, :2] = 255
#: (2, 8, 8), 0 and 1
BINARY = (LABELS > 1).long()
#: (2, 1, 8, 8): positive, and true ones of which the first row is missing
DEPTHS = LOGITS[:, :1].abs() + 0.1
TRUE_DEPTHS = LOGITS[:, 1:2].abs()
TRUE_DEPTHS[:, :, 0] = 0
