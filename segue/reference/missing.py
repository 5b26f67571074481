"""What to say of single names that are not there, whichever module is asked: Segue's own way."""

from __future__ import annotations

_HOUSE = "its blocks are arranged otherwise in Segue; take the backbone or head as a whole"
_SCENES = "points and boxes in space are not a matter of segmenting pictures; use a package for point clouds"
_ROTATED = "rotated boxes are not a matter of segmenting pictures; use a package for detection"
_BACKENDS = "files are read from the local disk; register_backend takes a backend of your own"
_TRACKERS = "not offered: use LocalVisBackend, or write a BaseVisBackend of your own for the service"
_STRATEGY = "strategies are Lightning's (segue train --help)"
_ZOO = "use torchvision.models, or a backbone of segue.backbones"
_SEARCH = "not offered: dilations are given in the config"
_FLOW = "optical flow is not offered; use cv2"
_SHOW = "draw with cv2, or with SegLocalVisualizer of mmseg.visualization"

_TABLE: dict[str, str] = {
    "Matrix_Decomposition_2D_Base NMF2D Hamburger AFNB APNB PPMConcat ACM PAM CAM DCM DisentangledNonLocal2d "
    "ReassembleBlocks PreActResidualConvUnit FeatureFusionBlock EMAModule EncModule SpatialGatherModule "
    "ObjectAttentionBlock BasePIDHead MLPMaskDecoder SideAdapterNetwork RecWithAttnbias VPDDepthDecoder "
    "CascadeFeatureFusion MLAModule BEiTAttention BEiTTransformerEncoderLayer MAEAttention "
    "MAETransformerEncoderLayer SpatialPath AttentionRefinementModule ContextPath FeatureFusionModule DetailBranch "
    "StemBlock GELayer CEBlock SemanticBranch BGALayer GlobalContextExtractor ContextGuidedBlock InputInjection "
    "DownsamplerBlock NonBottleneck1d UpsamplerBlock LearningToDownsample GlobalFeatureExtractor HRModule Mlp "
    "StemConv MSCAAttention MSCASpatialAttention MSCABlock OverlapPatchEmbed PagFM Bag LightBag RSoftmax "
    "SplitAttentionConv2d STDCModule GlobalSubsampledAttention GSAEncoderLayer LocallyGroupedSelfAttention "
    "LSAEncoderLayer ConditionalPositionEncoding register_attention_control AttentionStore UNetWrapper TextAdapter "
    "cross_attn_with_self_bias cross_attn_layer get_layer_id_for_convnext get_stage_id_for_convnext": _HOUSE,
    "voxelization dynamic_scatter Voxelization DynamicScatter boxes_iou3d boxes_iou_bev boxes_overlap_bev nms_bev "
    "nms_normal_bev nms3d nms3d_normal points_in_boxes_part points_in_boxes_cpu points_in_boxes_all PointsSampler "
    "RoIAwarePool3d RoIPointPool3d SparseConv2d SparseConv3d SparseConvTranspose2d SparseConvTranspose3d "
    "SparseInverseConv2d SparseInverseConv3d SubMConv2d SubMConv3d SparseModule SparseSequential SparseMaxPool2d "
    "SparseMaxPool3d SparseConvTensor scatter_nd": _SCENES,
    "convex_giou diff_iou_rotated_2d diff_iou_rotated_3d nms_rotated nms_quadri RiRoIAlignRotated "
    "RoIAlignRotated": _ROTATED,
    "HTTPBackend LmdbBackend MemcachedBackend PetrelBackend": _BACKENDS,
    "PickleHandler": "pickles can run anything; keep data as .json, .yaml or .npy",
    "WandbVisBackend TensorboardVisBackend MLflowVisBackend ClearMLVisBackend NeptuneVisBackend DVCLiveVisBackend "
    "AimVisBackend": _TRACKERS,
    "BaseStrategy ColossalAIStrategy DeepSpeedStrategy DDPStrategy FSDPStrategy SingleDeviceStrategy FlexibleRunner "
    "MMFullyShardedDataParallel MMSeparateDistributedDataParallel ApexOptimWrapper": _STRATEGY,
    "AlexNet VGG make_vgg_layer make_res_layer": _ZOO,
    "BaseConvRFSearchOp Conv2dRFSearchOp RFSearchHook": _SEARCH,
    "ConvAWS2d": "use ConvWS2d",
    "GeneralizedAttention": "use NonLocal2d, or MultiheadAttention of mmcv.cnn.bricks.transformer",
    "flowread flowwrite quantize_flow dequantize_flow flow_warp flow_from_bytes sparse_flow_from_bytes flowshow "
    "flow2rgb make_color_wheel": _FLOW,
    "Color color_val imshow_bboxes imshow_det_bboxes": _SHOW,
    "NaiveVisualizationHook SegVisualizationHook": "pictures are drawn by segue.report; derive other hooks from "
    "mmengine.hooks.Hook",
    "ProfilerHook NPUProfilerHook": "use torch.profiler.profile around your own code",
    "PrepareTTAHook BaseTTAModel SegTTAModel": "views are asked for in the config (tta_model and tta_pipeline) or by "
    "segue test --tta",
    "ClassBalancedDataset": "configure class_weight='auto' in the loss, or a sampler of torch.utils.data",
    "DumpResults": "write what you need in process of a metric of your own (mmengine.evaluator.BaseMetric)",
    "get_max_musa_memory": "there is no such accelerator here; use torch.cuda.max_memory_allocated",
    "BaseInferencer": "use segue.load(config, checkpoint).predict(images)",
    "OneCycleLR OneCycleParamScheduler ReduceOnPlateauLR ReduceOnPlateauMomentum "
    "ReduceOnPlateauParamScheduler": "use that of torch.optim.lr_scheduler in a loop of your own",
    "ZeroRedundancyOptimizer": "import it from torch.distributed.optim",
    "turn_on_activation_checkpointing": "set with_cp=True in the config, or call torch.utils.checkpoint.checkpoint",
    "get_torchvision_models get_external_models get_mmcls_models get_deprecated_model_names": "segue.load and "
    "init_cfg take an address, a path or an alias",
    "LogProcessor": "the log is Segue's; numbers of your own go through self.log of a head's losses or MessageHub",
    "get_object_from_string": "use importlib.import_module",
    "install_package": "install packages yourself; nothing is installed at run time",
    "CityscapesMetric": "use IoUMetric; its format_only and output_dir write label maps for the official scripts",
    "BaseAssigner HungarianAssigner ClassificationCost CrossEntropyLossCost DiceCost BaseMatchCost": "matching takes "
    "other arguments here: see segue.layers.mask_matching; train_cfg of a config takes them by name",
    "get_predefined_templates tokenize SimpleTokenizer HFTokenizer": "see segue.layers.clip_prompts and "
    "segue.layers.clip_tokenizer",
    "datafrombytes": "read volumes with nibabel or numpy.load",
    "seg_data_to_instance_data MatchMasks": "see segue.layers.mask_matching",
    "BezierAlign BorderAlign Correlation DeformRoIPool DeformRoIPoolPack ModulatedDeformRoIPoolPack PrRoIPool SAConv2d "
    "filter2d upsample2d upfirdn2d bias_act filtered_lrelu": "compiled operators of other tasks; write it with "
    "torch.nn.functional",
}

#: name -> what to do instead
REASONS: dict[str, str] = {name: reason for names, reason in _TABLE.items() for name in names.split()}
