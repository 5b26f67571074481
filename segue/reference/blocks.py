"""More rows for `places`: files of ``segue/compat``, the modules that define their names, and the names.

Modules that only pass a name on (``mmseg.models.utils`` and the like) need no row: `public` knows them.
"""

from __future__ import annotations

BLOCKS: tuple[tuple[str, str, str], ...] = (
    ("mmseg.embed", "mmseg.models.utils.embed", "AdaptivePadding PatchEmbed PatchMerging"),
    ("mmseg.embed", "mmcv.cnn.bricks.transformer", "AdaptivePadding PatchEmbed PatchMerging"),
    ("mmseg.embed", "mmseg.models.backbones.swin mmseg.models.backbones.mit mmseg.models.backbones.vit", "PatchEmbed"),
    ("mmseg.embed", "mmseg.models.backbones.swin mmseg.models.utils", "PatchMerging"),
    (
        "mmseg.embed",
        "mmseg.models.utils.shape_convert mmseg.models.backbones.mit",
        "nlc_to_nchw nchw_to_nlc nchw2nlc2nchw nlc2nchw2nlc",
    ),
    (
        "mmseg.backbone_blocks",
        "mmseg.models.backbones.bisenetv1",
        "SpatialPath AttentionRefinementModule ContextPath FeatureFusionModule",
    ),
    (
        "mmseg.backbone_blocks",
        "mmseg.models.backbones.bisenetv2",
        "DetailBranch StemBlock GELayer CEBlock SemanticBranch BGALayer",
    ),
    (
        "mmseg.backbone_blocks",
        "mmseg.models.backbones.cgnet",
        "ContextGuidedBlock GlobalContextExtractor InputInjection",
    ),
    ("mmseg.backbone_blocks", "mmseg.models.backbones.erfnet", "DownsamplerBlock UpsamplerBlock NonBottleneck1d"),
    ("mmseg.backbone_blocks", "mmseg.models.backbones.fast_scnn", "LearningToDownsample"),
    ("mmseg.backbone_blocks", "mmseg.models.backbones.mscan", "MSCAAttention MSCASpatialAttention StemConv"),
    ("mmseg.residual", "mmseg.models.backbones.resnet", "BasicBlock Bottleneck"),
    ("mmseg.resnext_block", "mmseg.models.backbones.resnext", "Bottleneck"),
    ("mmseg.resnest_block", "mmseg.models.backbones.resnest", "Bottleneck"),
    ("mmseg.residual", "mmseg.models.utils.res_layer mmseg.models.backbones.resnet", "ResLayer"),
    ("mmseg.two_branch", "mmseg.models.utils.basic_block", "BasicBlock Bottleneck"),
    ("mmseg.two_branch", "mmseg.models.utils.ppm", "DAPPM PAPPM"),
    ("mmseg.squeeze", "mmseg.models.utils.inverted_residual", "InvertedResidual InvertedResidualV3"),
    ("mmseg.squeeze", "mmseg.models.utils.se_layer", "SELayer"),
    ("mmseg.squeeze", "mmseg.models.utils.make_divisible", "make_divisible"),
    ("mmseg.vit_layers", "mmseg.models.backbones.vit", "TransformerEncoderLayer"),
    ("mmseg.mix_layers", "mmseg.models.backbones.mit", "MixFFN EfficientMultiheadAttention TransformerEncoderLayer"),
    ("mmseg.swin_layers", "mmseg.models.backbones.swin", "WindowMSA ShiftWindowMSA SwinBlock SwinBlockSequence"),
    ("mmseg.contexts", "mmseg.models.decode_heads.aspp_head", "ASPPModule"),
    ("mmseg.contexts", "mmseg.models.decode_heads.sep_aspp_head", "DepthwiseSeparableASPPModule"),
    ("mmseg.contexts", "mmseg.models.decode_heads.segformer_head", "MLP"),
    ("mmseg.contexts", "mmseg.models.utils.self_attention_block", "SelfAttentionBlock"),
    ("mmseg.contexts", "mmseg.models.decode_heads.ocr_head mmseg.models.decode_heads.ann_head", "SelfAttentionBlock"),
    ("mmseg.contexts", "mmseg.models.utils.wrappers", "Upsample"),
    (
        "mmseg.contexts",
        "mmseg.models.utils.point_sample",
        "get_uncertainty get_uncertain_point_coords_with_randomness",
    ),
    ("mmseg.contexts", "mmseg.models.decode_heads.point_head", "calculate_uncertainty"),
    ("mmseg.side_layers", "mmseg.models.utils.san_layers", "MLP LayerNorm2d"),
    ("mmseg.interlaced", "mmseg.models.decode_heads.isa_head", "SelfAttentionBlock ISALayer"),
    ("mmseg.codewords", "mmseg.models.utils.encoding", "Encoding"),
    (
        "mmcv.transformer",
        "mmcv.cnn.bricks.transformer",
        "MultiheadAttention BaseTransformerLayer TransformerLayerSequence build_attention build_feedforward_network "
        "build_positional_encoding build_transformer_layer build_transformer_layer_sequence ATTENTION "
        "FEEDFORWARD_NETWORK POSITIONAL_ENCODING TRANSFORMER_LAYER TRANSFORMER_LAYER_SEQUENCE",
    ),
    (
        "mmcv.transformer",
        "mmcv.cnn.bricks.registry",
        "FEEDFORWARD_NETWORK POSITIONAL_ENCODING TRANSFORMER_LAYER TRANSFORMER_LAYER_SEQUENCE",
    ),
    ("mmcv.plugins", "mmcv.cnn.bricks.non_local", "NonLocal1d NonLocal2d NonLocal3d"),
    ("mmcv.plugins", "mmcv.cnn.bricks.context_block", "ContextBlock"),
    ("mmcv.plugins", "mmcv.cnn.bricks.plugin", "build_plugin_layer"),
    ("mmcv.plugins", "mmcv.cnn.bricks.conv2d_adaptive_padding", "Conv2dAdaptivePadding"),
    ("mmcv.plugins", "mmcv.cnn.bricks.conv_ws", "ConvWS2d conv_ws_2d"),
    ("mmcv.plugins", "mmcv.cnn.bricks.scale", "LayerScale"),
    ("mmcv.plugins", "mmcv.cnn.utils.fuse_conv_bn", "fuse_conv_bn"),
    ("mmcv.layers", "mmcv.cnn.bricks.scale", "Scale"),
    ("mmcv.layers", "mmcv.cnn.bricks.drop", "Dropout"),
    (
        "mmcv.deformable",
        "mmcv.ops.multi_scale_deform_attn",
        "MultiScaleDeformableAttention multi_scale_deformable_attn_pytorch",
    ),
    ("mmcv.deformable", "mmcv.ops.deform_conv mmcv.ops", "DeformConv2d DeformConv2dPack deform_conv2d"),
    (
        "mmcv.deformable",
        "mmcv.ops.modulated_deform_conv mmcv.ops",
        "ModulatedDeformConv2d ModulatedDeformConv2dPack modulated_deform_conv2d",
    ),
    ("mmseg.functional", "mmseg.models.losses.cross_entropy_loss", "binary_cross_entropy mask_cross_entropy"),
    ("mmseg.functional", "mmseg.models.losses.dice_loss", "dice_loss"),
    ("mmseg.functional", "mmseg.models.losses.focal_loss", "py_sigmoid_focal_loss sigmoid_focal_loss"),
    ("mmseg.functional", "mmseg.models.losses.tversky_loss", "tversky_loss binary_tversky_loss"),
    ("mmseg.functional", "mmseg.models.losses.silog_loss", "silog_loss"),
    (
        "mmseg.functional",
        "mmseg.models.losses.lovasz_loss",
        "lovasz_grad flatten_binary_logits flatten_probs lovasz_hinge_flat lovasz_hinge lovasz_softmax_flat "
        "lovasz_softmax",
    ),
    ("mmseg.functional", "mmseg.models.losses.accuracy", "Accuracy"),
    (
        "mmengine.parameters",
        "mmengine.optim.scheduler.param_scheduler",
        "_ParamScheduler "
        "StepParamScheduler MultiStepParamScheduler ConstantParamScheduler ExponentialParamScheduler "
        "LinearParamScheduler PolyParamScheduler CosineAnnealingParamScheduler CosineRestartParamScheduler",
    ),
    (
        "mmengine.parameters",
        "mmengine.optim.scheduler.lr_scheduler",
        "StepLR MultiStepLR ConstantLR ExponentialLR LinearLR PolyLR CosineAnnealingLR CosineRestartLR",
    ),
    (
        "mmengine.parameters",
        "mmengine.optim.scheduler.momentum_scheduler",
        "StepMomentum MultiStepMomentum ConstantMomentum ExponentialMomentum "
        "LinearMomentum PolyMomentum CosineAnnealingMomentum CosineRestartMomentum",
    ),
    ("mmengine.parameters", "mmseg.engine.schedulers.poly_ratio_scheduler", "PolyLRRatio"),
    (
        "mmengine.built_in_hooks",
        "mmengine.hooks",
        "CheckpointHook EMAHook EarlyStoppingHook LoggerHook ParamSchedulerHook IterTimerHook "
        "RuntimeInfoHook DistSamplerSeedHook SyncBuffersHook EmptyCacheHook",
    ),
    (
        "mmengine.built_in_hooks",
        "mmcv.runner mmcv.runner.hooks",
        "CheckpointHook EMAHook LoggerHook IterTimerHook DistSamplerSeedHook SyncBuffersHook EmptyCacheHook",
    ),
    ("mmengine.hand_loops", "mmengine.runner", "BaseLoop EpochBasedTrainLoop IterBasedTrainLoop ValLoop TestLoop"),
    (
        "mmengine.sampling",
        "mmengine.dataset",
        "DefaultSampler InfiniteSampler default_collate worker_init_fn force_full_init",
    ),
    ("mmengine.wrappers", "mmengine.model mmengine.model.wrappers", "MMDistributedDataParallel"),
    (
        "mmengine.wrappers",
        "mmengine.model",
        "BaseAveragedModel StochasticWeightAverage ExponentialMovingAverage MomentumAnnealingEMA",
    ),
    ("mmengine.wrappers", "mmengine.optim", "AmpOptimWrapper OptimWrapperDict"),
    (
        "mmengine.small_functions",
        "mmengine.utils mmcv mmcv.utils mmengine",
        "iter_cast list_cast tuple_cast slice_list concat_list check_prerequisites requires_package "
        "requires_executable deprecated_function apply_to is_installed call_command get_installed_path is_filepath "
        "fopen symlink is_abs track_progress_rich",
    ),
    ("mmengine.timers", "mmengine.utils mmcv mmengine", "Timer check_time TimerError"),
    (
        "mmengine.small_functions",
        "mmengine.utils.dl_utils mmengine",
        "load_url TORCH_VERSION has_batch_norm tensor2imgs mmcv_full_available set_multi_processing torch_meshgrid "
        "is_jit_tracing",
    ),
    ("mmengine.small_functions", "mmcv mmcv.image mmcv.image.misc", "tensor2imgs"),
    ("mmengine.small_functions", "mmcv.utils", "TORCH_VERSION"),
    ("mmcv.layers", "mmengine.utils.dl_utils", "is_norm"),
    (
        "mmengine.small_functions",
        "mmengine.device",
        "get_max_cuda_memory is_mlu_available is_mps_available is_npu_available is_dipu_available is_musa_available "
        "is_npu_support_full_precision",
    ),
    (
        "mmengine.small_functions",
        "mmcv.utils mmcv.utils.device_type",
        "IS_MLU_AVAILABLE IS_MPS_AVAILABLE IS_CUDA_AVAILABLE IS_NPU_AVAILABLE jit skip_no_elena",
    ),
    ("mmengine.small_functions", "mmcv.version mmcv mmengine.version", "parse_version_info"),
    ("mmseg.names", "mmseg.version", "parse_version_info"),
    ("mmengine.small_functions", "mmcv.arraymisc mmcv", "quantize dequantize"),
    ("mmengine.small_functions", "mmengine.model.utils mmengine.model", "merge_dict"),
    ("mmengine.small_functions", "mmengine.evaluator", "get_metric_value"),
    ("mmseg.names", "mmcv.utils mmcv.utils.env mmengine.utils.dl_utils", "collect_env"),
    ("mmseg.names", "mmseg mmengine mmcv.runner", "digit_version"),
    (
        "mmengine.collectives",
        "mmengine.dist",
        "all_gather_object all_gather all_reduce_dict collect_results_cpu collect_results_gpu gather broadcast "
        "gather_object sync_random_seed broadcast_object_list all_reduce_params init_local_group get_backend "
        "get_local_size get_local_group get_local_rank get_default_group get_data_device get_comm_device "
        "cast_data_device infer_launcher",
    ),
    (
        "mmengine.local_files",
        "mmengine.fileio",
        "BaseStorageBackend LocalBackend HardDiskBackend register_backend BaseFileHandler JsonHandler YamlHandler "
        "register_handler copy_if_symlink_fails copyfile copyfile_from_local copyfile_to_local copytree "
        "copytree_from_local copytree_to_local generate_presigned_url get_file_backend get_local_path remove rmtree "
        "dict_from_file",
    ),
    ("mmengine.local_files", "mmengine.fileio.backends", "backends prefix_to_backends"),
    ("mmengine.local_files", "mmengine.fileio.handlers", "file_handlers"),
    (
        "mmcv.photometric",
        "mmcv.image mmcv mmcv.image.colorspace",
        "bgr2hls gray2rgb hls2bgr imconvert rgb2gray rgb2ycbcr bgr2ycbcr ycbcr2rgb ycbcr2bgr",
    ),
    (
        "mmcv.photometric",
        "mmcv.image mmcv mmcv.image.geometric",
        "imresize_to_multiple imflip_ imshear imtranslate cutout",
    ),
    (
        "mmcv.photometric",
        "mmcv.image mmcv mmcv.image.photometric",
        "imnormalize_ iminvert posterize solarize adjust_color imequalize adjust_brightness adjust_contrast "
        "lut_transform clahe adjust_sharpness auto_contrast adjust_lighting adjust_hue",
    ),
    ("mmcv.photometric", "mmcv.image mmcv mmcv.image.io", "supported_backends use_backend"),
    (
        "mmcv.parallel",
        "mmcv.parallel",
        "DataContainer collate scatter scatter_kwargs MMDataParallel MMDistributedDataParallel is_module_wrapper",
    ),
    ("mmcv.parallel", "mmcv.parallel.data_container", "DataContainer"),
    ("mmcv.parallel", "mmcv.parallel.collate", "collate"),
    ("mmcv.parallel", "mmcv.parallel.scatter_gather", "scatter scatter_kwargs"),
    ("mmcv.parallel", "mmcv.parallel.utils", "is_module_wrapper"),
    ("mmcv.parallel", "mmcv.parallel.data_parallel", "MMDataParallel"),
    ("mmcv.parallel", "mmcv.parallel.distributed", "MMDistributedDataParallel"),
    (
        "mmseg.old_evaluation",
        "mmseg.core mmseg.core.evaluation mmseg.core.evaluation.metrics",
        "eval_metrics pre_eval_to_metrics mean_iou mean_dice total_intersect_and_union total_area_to_metrics f_score",
    ),
    (
        "mmseg.old_evaluation",
        "mmseg.core mmseg.core.evaluation mmseg.core.evaluation.eval_hooks mmcv.runner",
        "EvalHook DistEvalHook",
    ),
    ("mmseg.old_evaluation", "mmcv.runner mmcv.runner.fp16_utils", "wrap_fp16_model"),
    ("mmcv.complexity", "mmcv.cnn mmcv.cnn.utils mmcv.cnn.utils.flops_counter", "get_model_complexity_info"),
    (
        "mmengine.analysis",
        "mmengine.analysis",
        "FlopAnalyzer ActivationAnalyzer flop_count activation_count parameter_count parameter_count_table "
        "get_model_complexity_info",
    ),
    (
        "mmengine.analysis",
        "mmengine.analysis.print_helper",
        "_format_size",
    ),
    (
        "mmengine.initializers",
        "mmengine.model mmengine.model.weight_init",
        "BaseInit ConstantInit XavierInit NormalInit TruncNormalInit UniformInit KaimingInit Caffe2XavierInit "
        "PretrainedInit update_init_info",
    ),
    (
        "mmengine.initializers",
        "mmengine.model mmengine.model.utils",
        "convert_sync_batchnorm detect_anomalous_params",
    ),
    ("mmengine.initializers", "mmengine.model mmengine.model.base_model", "ImgDataPreprocessor"),
    (
        "mmengine.initializers",
        "mmengine.registry mmengine",
        "STRATEGIES build_runner_from_cfg build_scheduler_from_cfg traverse_registry_tree count_registered_modules",
    ),
    ("mmengine.registry", "mmengine.optim mmengine.optim.optimizer", "OPTIM_WRAPPER_CONSTRUCTORS OPTIMIZERS"),
    ("mmengine.modules", "mmengine.model.wrappers", "is_model_wrapper"),
    ("mmcv.boxes", "mmcv.ops mmcv.ops.nms", "nms soft_nms batched_nms nms_match"),
    ("mmcv.boxes", "mmcv.ops mmcv.ops.bbox", "bbox_overlaps"),
    ("mmcv.rois", "mmcv.ops mmcv.ops.roi_align", "roi_align RoIAlign"),
    ("mmcv.rois", "mmcv.ops mmcv.ops.roi_pool", "roi_pool RoIPool"),
    (
        "mmcv.rois",
        "mmcv.ops mmcv.ops.point_sample",
        "point_sample rel_roi_point_to_rel_img_point SimpleRoIAlign",
    ),
    (
        "mmcv.operators",
        "mmcv.ops mmcv.ops.focal_loss",
        "sigmoid_focal_loss softmax_focal_loss SigmoidFocalLoss SoftmaxFocalLoss",
    ),
    ("mmcv.operators", "mmcv.ops mmcv.ops.carafe", "carafe carafe_naive CARAFE CARAFENaive CARAFEPack"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.cc_attention", "CrissCrossAttention"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.psa_mask", "PSAMask"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.corner_pool", "CornerPool"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.masked_conv", "masked_conv2d MaskedConv2d"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.tin_shift", "tin_shift TINShift"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.fused_bias_leakyrelu", "fused_bias_leakyrelu FusedBiasLeakyReLU"),
    ("mmcv.operators", "mmcv.ops mmcv.ops.info", "get_compiler_version get_compiling_cuda_version"),
    (
        "mmcv.operators",
        "mmcv.ops mmcv.ops.deprecated_wrappers",
        "Conv2d ConvTranspose2d Linear MaxPool2d SyncBatchNorm conv2d conv_transpose2d",
    ),
    (
        "mmcv.point_sets",
        "mmcv.ops",
        "chamfer_distance knn ball_query gather_points grouping_operation furthest_point_sample "
        "furthest_point_sample_with_dist three_nn three_interpolate GroupAll QueryAndGroup",
    ),
    ("mmengine.single_names", "mmengine.config mmengine", "read_base"),
    ("mmengine.single_names", "mmengine.runner", "get_state_dict find_latest_checkpoint"),
    ("mmengine.single_names", "mmengine.utils mmengine", "ManagerMeta"),
    ("mmengine.single_names", "mmengine.utils.dl_utils", "TimeCounter"),
    ("mmengine.single_names", "mmengine.logging mmengine", "HistoryBuffer"),
    ("mmengine.single_names", "mmengine.optim mmengine.optim.optimizer", "BaseOptimWrapper"),
    (
        "mmengine.single_names",
        "mmseg.engine mmseg.engine.optimizers",
        "LearningRateDecayOptimizerConstructor LayerDecayOptimizerConstructor ForceDefaultOptimWrapperConstructor",
    ),
    ("mmengine.single_names", "mmseg.utils mmseg.utils.class_names", "dataset_aliases"),
    ("mmengine.single_names", "mmseg mmcv mmengine mmseg.version mmcv.version mmengine.version", "version_info"),
    ("mmcv.images", "mmcv.visualization mmcv.visualization.image", "imshow"),
)
