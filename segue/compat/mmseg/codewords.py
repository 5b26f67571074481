"""Deep TEN's encoding with mmseg's attributes."""

from __future__ import annotations

from segue.layers.encoding import Encoding as _Encoding


class Encoding(_Encoding):
    """Residuals to learned codewords, added up over a map: (B, channels, H, W) to (B, num_codes, channels)."""

    def __init__(self, channels: int, num_codes: int) -> None:
        super().__init__(channels, num_codes)
        self.channels, self.num_codes = channels, num_codes
