# ruff: noqa: C408  configs are written with dict(...)
# A run of mmseg 1.2.2 that tools/record_resume.py interrupts: iterations, one parameter group, an auxiliary head.
default_scope = "mmseg"
norm_cfg = dict(type="BN", requires_grad=True)
head = dict(
    type="FCNHead", num_convs=1, channels=4, num_classes=3, dropout_ratio=0.0, norm_cfg=norm_cfg, align_corners=False
)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=(32, 32)
    ),
    backbone=dict(
        type="ResNet",
        depth=18,
        num_stages=2,
        base_channels=4,
        stem_channels=4,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(0, 1),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(in_channels=8, in_index=1, loss_decode=dict(type="CrossEntropyLoss"), **head),
    auxiliary_head=dict(in_channels=4, in_index=0, loss_decode=dict(type="CrossEntropyLoss", loss_weight=0.4), **head),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=False),
    dataset=dict(
        type="BaseSegDataset",
        data_root="data",
        data_prefix=dict(img_path="images", seg_map_path="masks"),
        img_suffix=".png",
        metainfo=dict(classes=["dark", "gray", "bright"], palette=[[0, 0, 0], [100, 100, 100], [200, 200, 200]]),
        pipeline=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations"), dict(type="PackSegInputs")],
    ),
)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="SGD", lr=0.05, momentum=0.9, weight_decay=0.0005))
param_scheduler = [dict(type="PolyLR", power=0.9, eta_min=1e-4, begin=0, end=40, by_epoch=False)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=40)
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=12), logger=dict(type="LoggerHook", interval=1)
)
randomness = dict(seed=3)
