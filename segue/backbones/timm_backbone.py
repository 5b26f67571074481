"""Any encoder of timm (Wightman 2019, https://github.com/huggingface/pytorch-image-models) as a backbone.

Needs the extra ``segue[timm]``. Deviation: weights come from timm (``pretrained=True``) or from the config's
``init_cfg``; there is no ``checkpoint_path``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from torch import Tensor, nn

from segue.errors import DownloadError, InputError, MissingExtraError, nearest


class TIMMBackbone(nn.Module):
    """The feature maps of a timm model.

    Args:
        model_name: as ``timm.list_models()`` gives it.
        features_only: take the feature maps; False is for models that return such maps by themselves.
        pretrained: get timm's weights when the model is made; a config's model does so only where training starts.
        in_channels: channels of the image, any number.
        out_indices: stages whose output is returned; None: as the model has it.
        output_stride: of the last map, 8, 16 or 32, where the model offers that; None: as the model has it.
        img_size: pixels (H, W) for models that need to know; None: as the model has it.
        drop_rate, drop_path_rate: where the model offers them; None: as the model has it.

    Raises:
        MissingExtraError: timm is not installed.
        DownloadError: timm cannot get its weights.
        InputError: timm has no such model, or the model does not take an argument.
    """

    def __init__(
        self,
        model_name: str,
        *,
        features_only: bool = True,
        pretrained: bool = True,
        in_channels: int = 3,
        out_indices: Sequence[int] | None = None,
        output_stride: int | None = None,
        img_size: int | Sequence[int] | None = None,
        drop_rate: float | None = None,
        drop_path_rate: float | None = None,
    ) -> None:
        super().__init__()
        if importlib.util.find_spec("timm") is None:
            raise MissingExtraError("timm", "timm", f"TIMMBackbone (model_name={model_name!r})")
        import timm

        if not timm.is_model(model_name.partition(".")[0]):
            hint = nearest(model_name, timm.list_models()) or "; timm.list_models() gives their names"
            raise InputError(f"TIMMBackbone: timm has no model {model_name!r}{hint}")
        given = {
            "out_indices": tuple(out_indices) if out_indices is not None else None,
            "output_stride": output_stride,
            "img_size": tuple(img_size) if isinstance(img_size, Sequence) else img_size,
            "drop_rate": drop_rate,
            "drop_path_rate": drop_path_rate,
        }
        given = {key: value for key, value in given.items() if value is not None}
        try:
            self.timm_model = timm.create_model(
                model_name, features_only=features_only, pretrained=pretrained, in_chans=in_channels, **given
            )
        except (TypeError, RuntimeError, AssertionError) as error:
            raise InputError(f"TIMMBackbone: {model_name!r} cannot be made with {given}: {error}") from error
        except Exception as error:  # of whatever package timm's hub has for its requests
            if not pretrained:
                raise
            said = str(error).strip().partition("\n")[0]
            raise DownloadError(
                f"TIMMBackbone: timm cannot get the weights of {model_name!r} ({type(error).__name__}: {said}); "
                "pretrained=False starts from random ones"
            ) from error
        for unused in ("global_pool", "fc", "classifier"):
            if hasattr(self.timm_model, unused):
                setattr(self.timm_model, unused, None)
        # Some models, such as Swin, compute in (B, H, W, C).
        self.channels_last = str(getattr(self.timm_model, "output_fmt", "")).endswith("NHWC")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps (B, C_i, H_i, W_i), finest first."""
        features = self.timm_model(x)
        maps = [features] if isinstance(features, Tensor) else list(features)
        return [x.permute(0, 3, 1, 2).contiguous() for x in maps] if self.channels_last else maps
