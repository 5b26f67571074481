"""More rows for `places`, and which modules hold what each registry of mmengine has from the beginning."""

from __future__ import annotations

#: registry, by the name that it gives itself -> modules whose classes it has
REGISTERED: dict[str, tuple[str, ...]] = {
    "model": ("mmseg.models.segmentors", "mmengine.model"),
    "hook": ("mmengine.hooks", "mmseg.engine.hooks"),
    "vis_backend": ("mmengine.visualization",),
    "visualizer": ("mmengine.visualization", "mmseg.visualization"),
    "parameter scheduler": ("mmengine.optim", "mmseg.engine.schedulers"),
    "loop": ("mmengine.runner",),
    "data sampler": ("mmengine.dataset",),
    "optim_wrapper": ("mmengine.optim",),
    "optimizer wrapper constructor": ("mmengine.optim", "mmseg.engine.optimizers"),
    "model_wrapper": ("mmengine.model",),
    "runner": ("mmengine.runner",),
    "evaluator": ("mmengine.evaluator",),
    "log_processor": ("mmengine.runner",),
    "inferencer": ("mmseg.apis",),
    "function": ("mmengine.dataset",),
    "metric": ("mmseg.evaluation.metrics", "mmengine.evaluator"),
    "task util": ("mmseg.models.assigners",),
}

SHOWN: tuple[tuple[str, str, str], ...] = (
    (
        "mmengine.trackers",
        "mmengine.visualization mmengine.visualization.vis_backend",
        "TensorboardVisBackend WandbVisBackend MLflowVisBackend ClearMLVisBackend NeptuneVisBackend "
        "DVCLiveVisBackend AimVisBackend",
    ),
    (
        "mmengine.drawing_hooks",
        "mmseg.engine mmseg.engine.hooks mmseg.engine.hooks.visualization_hook",
        "SegVisualizationHook",
    ),
    ("mmengine.views", "mmengine.model mmengine.model.test_time_aug", "BaseTTAModel"),
    ("mmengine.views", "mmseg.models.segmentors mmseg.models mmseg.models.segmentors.seg_tta", "SegTTAModel"),
    (
        "mmseg.cityscapes_metric",
        "mmseg.evaluation mmseg.evaluation.metrics mmseg.evaluation.metrics.citys_metric",
        "CityscapesMetric",
    ),
    ("mmengine.drawing_hooks", "mmengine.hooks", "NaiveVisualizationHook ProfilerHook PrepareTTAHook"),
    (
        "mmengine.plateaus",
        "mmengine.optim mmengine.optim.scheduler mmengine.optim.scheduler.lr_scheduler",
        "OneCycleLR ReduceOnPlateauLR",
    ),
    (
        "mmengine.plateaus",
        "mmengine.optim mmengine.optim.scheduler mmengine.optim.scheduler.momentum_scheduler",
        "ReduceOnPlateauMomentum",
    ),
    (
        "mmengine.plateaus",
        "mmengine.optim mmengine.optim.scheduler mmengine.optim.scheduler.param_scheduler",
        "OneCycleParamScheduler ReduceOnPlateauParamScheduler",
    ),
    (
        "mmcv.rotated",
        "mmcv.ops",
        "box_iou_rotated box_iou_quadri nms_rotated nms_quadri diff_iou_rotated_2d diff_iou_rotated_3d boxes_iou3d "
        "boxes_iou_bev boxes_overlap_bev nms_bev nms_normal_bev nms3d nms3d_normal points_in_polygons",
    ),
    (
        "mmcv.point_boxes",
        "mmcv.ops",
        "points_in_boxes_all points_in_boxes_cpu points_in_boxes_part PointsSampler voxelization Voxelization "
        "dynamic_scatter DynamicScatter scatter_nd assign_score_withk",
    ),
    (
        "mmcv.sampled_rois",
        "mmcv.ops",
        "roi_align_rotated RoIAlignRotated prroi_pool PrRoIPool border_align BorderAlign deform_roi_pool DeformRoIPool "
        "DeformRoIPoolPack ModulatedDeformRoIPoolPack",
    ),
    ("mmcv.resampling", "mmcv.ops", "upfirdn2d filter2d upsample2d bias_act filtered_lrelu Correlation"),
    ("mmcv.standardized", "mmcv.ops mmcv.ops.saconv", "SAConv2d"),
    ("mmcv.standardized", "mmcv.cnn mmcv.cnn.bricks mmcv.cnn.bricks.conv_ws", "ConvAWS2d"),
    ("mmcv.classifiers", "mmcv.cnn mmcv.cnn.alexnet", "AlexNet"),
    ("mmcv.classifiers", "mmcv.cnn mmcv.cnn.vgg", "VGG make_vgg_layer"),
    ("mmcv.classifiers", "mmcv.cnn mmcv.cnn.resnet", "ResNet make_res_layer"),
    ("mmcv.classifiers", "mmcv.cnn.resnet", "BasicBlock Bottleneck"),
    (
        "mmcv.video",
        "mmcv.video mmcv",
        "Cache VideoReader frames2video convert_video resize_video cut_video concat_video",
    ),
    (
        "mmcv.flows",
        "mmcv.video mmcv",
        "flowread flowwrite quantize_flow dequantize_flow flow_warp flow_from_bytes sparse_flow_from_bytes",
    ),
    ("mmcv.flows", "mmcv.visualization mmcv", "flowshow flow2rgb make_color_wheel"),
    ("mmcv.boxes_drawn", "mmcv.visualization mmcv", "Color color_val imshow_bboxes imshow_det_bboxes"),
    ("mmseg.matching", "mmseg.models.assigners", "BaseAssigner HungarianAssigner"),
    ("mmseg.matching", "mmseg.models.assigners", "ClassificationCost CrossEntropyLossCost DiceCost"),
    ("mmseg.matching", "mmseg.models.assigners.match_cost", "BaseMatchCost"),
    ("mmseg.matching", "mmseg.utils mmseg.utils.mask_classification", "MatchMasks seg_data_to_instance_data"),
    ("mmseg.prompts", "mmseg.utils mmseg.utils.get_templates", "get_predefined_templates"),
    ("mmseg.prompts", "mmseg.utils mmseg.utils.tokenizer", "tokenize"),
    ("mmseg.volumes", "mmseg.utils mmseg.utils.io", "datafrombytes"),
    ("mmseg.scenes", "mmseg.apis mmseg.apis.remote_sense_inferencer", "RSInferencer RSImage"),
    ("mmseg.datasets", "mmengine.dataset mmengine.dataset.dataset_wrapper", "ClassBalancedDataset"),
    (
        "mmengine.single_parts",
        "mmengine.optim mmengine.optim.optimizer mmengine.optim.optimizer.zero_optimizer",
        "ZeroRedundancyOptimizer",
    ),
    (
        "mmengine.single_parts",
        "mmengine.runner mmengine.runner.activation_checkpointing",
        "turn_on_activation_checkpointing",
    ),
    (
        "mmengine.single_parts",
        "mmengine.model mmengine.model.wrappers mmengine.model.wrappers.seperate_distributed",
        "MMSeparateDistributedDataParallel",
    ),
    ("mmengine.single_parts", "mmengine.fileio mmengine.fileio.backends", "LmdbBackend"),
    ("mmengine.single_parts", "mmengine.infer mmengine.infer.infer", "BaseInferencer"),
    (
        "mmcv.sparse",
        "mmcv.ops",
        "SparseConv2d SparseConv3d SparseConvTranspose2d SparseConvTranspose3d SparseInverseConv2d SparseInverseConv3d "
        "SubMConv2d SubMConv3d SparseModule SparseSequential SparseMaxPool2d SparseMaxPool3d SparseConvTensor",
    ),
)
