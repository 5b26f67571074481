"""VPD: depth from the features of Stable Diffusion. https://arxiv.org/abs/2303.02153"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder
from segue.recipes.schedules import adamw, warmup

FOLDER = "https://download.openmmlab.com/mmsegmentation/v0.5/vpd"
UNET = dict(
    image_size=32, in_channels=4, out_channels=4, model_channels=320, attention_resolutions=[4, 2, 1],
    num_res_blocks=2, channel_mult=[1, 2, 4, 4], num_heads=8, use_spatial_transformer=True, transformer_depth=1,
    context_dim=768, use_checkpoint=True, legacy=False,
)
AUTOENCODER = dict(
    z_channels=4, double_z=True, resolution=256, in_channels=3, out_ch=3, ch=128, ch_mult=[1, 2, 4, 4],
    num_res_blocks=2, attn_resolutions=[], dropout=0.0,
)
RATES = dict(warm_up_steps=[10000], cycle_lengths=[10000000000000], f_start=[1e-06], f_max=[1.0], f_min=[1.0])
DIFFUSION = dict(
    base_learning_rate=0.0001,
    target="ldm.models.diffusion.ddpm.LatentDiffusion",
    checkpoint=f"{FOLDER}/stable_diffusion_v1-5_pretrain_third_party.pth",
    params=dict(
        linear_start=0.00085, linear_end=0.012, num_timesteps_cond=1, log_every_t=200, timesteps=1000,
        first_stage_key="jpg", cond_stage_key="txt", image_size=64, channels=4, cond_stage_trainable=False,
        conditioning_key="crossattn", monitor="val/loss_simple_ema", scale_factor=0.18215, use_ema=False,
        scheduler_config=dict(target="ldm.lr_scheduler.LambdaLinearScheduler", params=RATES),
        unet_config=dict(target="ldm.modules.diffusionmodules.openaimodel.UNetModel", params=UNET),
        first_stage_config=dict(
            target="ldm.models.autoencoder.AutoencoderKL",
            params=dict(
                embed_dim=4, monitor="val/rec_loss", ddconfig=AUTOENCODER, lossconfig=dict(target="torch.nn.Identity")
            ),
        ),
        cond_stage_config=dict(target="ldm.modules.encoders.modules.AbstractEncoder"),
    ),
)


def recipe(ask: Request) -> Recipe:
    """vpd_sd: crops of 480 leave out the border that NYU's depth maps lack."""
    if ask.parts != ("sd",):
        raise PartError("backbone", "_".join(ask.parts), ("sd",))
    backbone = dict(
        type="VPD", diffusion_cfg=DIFFUSION, class_embed_path=f"{FOLDER}/nyu_class_embeddings.pth",
        class_embed_select=True, pad_shape=512, unet_cfg=dict(use_attn=False),
    )
    small = ask.crop == (480, 480)
    border = dict(fmap_border=(1, 1)) if small else {}
    head = dict(type="VPDDepthHead", in_channels=[320, 640, 1280, 1280], max_depth=10, **border)
    head.update(num_classes=ABSENT, align_corners=ABSENT)
    stride = (160, 160) if small else (ask.crop[0] // 4, ask.crop[1] // 4)
    test = dict(mode="slide_flip", crop_size=ask.crop, stride=stride)
    model = dict(encoder_decoder(Encoder(backbone, ()), head, train_cfg=ABSENT, test_cfg=test), type="DepthEstimator")
    keys = {"backbone.encoder_vq": dict(lr_mult=0), "backbone.unet": dict(lr_mult=0.01)}
    warm, end = ask.iters * 12 // 25, ask.iters * 24 // 25
    schedule = [
        warmup(warm, 3e-2),
        dict(type="PolyLRRatio", eta_min_ratio=3e-2, power=0.9, begin=warm, end=end, by_epoch=False),
        dict(type="ConstantLR", by_epoch=False, factor=1, begin=end, end=ask.iters),
    ]
    return Recipe(
        model=model,
        optim=adamw(
            *(0.001, 0.1, None), clip_grad=None, constructor="ForceDefaultOptimWrapperConstructor",
            paramwise_cfg=dict(bias_decay_mult=0, force_default_settings=True, custom_keys=keys),
        ),
        schedule=schedule,
        interval=1000,
        preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, seg_pad_val=0),
        more=dict(
            find_unused_parameters=True,
            default_hooks=dict(checkpoint=dict(interval=2000, save_best="rmse", rule="less", max_keep_ckpts=1)),
        ),
    )
