"""UNet under the head of FCN, PSPNet or DeepLabV3. https://arxiv.org/abs/1505.04597"""

from __future__ import annotations

from segue.recipes.encoders import Encoder, PartError, pick, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods.deeplabv3 import RATES
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head, slide, two_thirds

BACKBONE = dict(
    type="UNet", in_channels=3, base_channels=64, num_stages=5, strides=(1, 1, 1, 1, 1),
    enc_num_convs=(2, 2, 2, 2, 2), dec_num_convs=(2, 2, 2, 2), downsamples=(True, True, True, True),
    enc_dilations=(1, 1, 1, 1, 1), dec_dilations=(1, 1, 1, 1), with_cp=False, conv_cfg=None, norm_cfg=sync_bn(),
    act_cfg=dict(type="ReLU"), upsample_cfg=dict(type="InterpConv"), norm_eval=False,
)


def recipe(ask: Request) -> Recipe:
    """unet-s5-d16_{fcn, pspnet, deeplabv3}; small images are tested with windows of the crop."""
    form, method = ask.components("s5-d16", "method")
    if form != "s5-d16":
        raise PartError("backbone", f"unet-{form}", ("unet-s5-d16",))
    heads = dict(
        fcn=fcn_head(64, 4, 64), pspnet=head("PSPHead", 64, 4, 16, pool_scales=(1, 2, 3, 6)),
        deeplabv3=head("ASPPHead", 64, 4, 16, dilations=RATES["8"]),
    )
    decode_head = pick("method", method, heads)
    test = slide(ask.crop, two_thirds(ask.crop))
    if ask.data_stem == "cityscapes":
        test = dict(mode="whole", crop_size=256, stride=170)
    net = Encoder(BACKBONE, (1024, 512, 256, 128, 64), None)
    return Recipe(model=encoder_decoder(net, decode_head, fcn_head(128, 3, 64, loss=0.4), test_cfg=test))
