"""What to say of single names that are not there, whichever module is asked: Segue's own way."""

from __future__ import annotations

_HOUSE = "its blocks are arranged otherwise in Segue; take the backbone or head as a whole"
_SCENES = "points and boxes in space are not a matter of segmenting pictures; use a package for point clouds"
_TEXTS = "operators of detecting texts and turned boxes; use a package for that"
_BACKENDS = "files are read from the local disk; register_backend takes a backend of your own"
_STRATEGY = "strategies are Lightning's (segue train --help)"
_SEARCH = "not offered: dilations are given in the config"

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
    "RoIAwarePool3d RoIPointPool3d": _SCENES,
    "riroi_align_rotated RiRoIAlignRotated active_rotated_filter rotated_feature_align convex_iou convex_giou "
    "min_area_polygons bezier_align BezierAlign contour_expand pixel_group": _TEXTS,
    "HTTPBackend MemcachedBackend PetrelBackend": _BACKENDS,
    "PickleHandler": "pickles can run anything; keep data as .json, .yaml or .npy",
    "BaseStrategy ColossalAIStrategy DeepSpeedStrategy DDPStrategy FSDPStrategy SingleDeviceStrategy FlexibleRunner "
    "MMFullyShardedDataParallel ApexOptimWrapper": _STRATEGY,
    "BaseConvRFSearchOp Conv2dRFSearchOp RFSearchHook": _SEARCH,
    "GeneralizedAttention": "use NonLocal2d, or MultiheadAttention of mmcv.cnn.bricks.transformer",
    "NPUProfilerHook": "use ProfilerHook, or the vendor's profiler around your own code",
    "DumpResults": "it writes pickles; write what you need in process of a metric of your own "
    "(mmengine.evaluator.BaseMetric)",
    "get_max_musa_memory": "there is no such accelerator here; use torch.cuda.max_memory_allocated",
    "get_torchvision_models get_external_models get_mmcls_models get_deprecated_model_names": "segue.load and "
    "init_cfg take an address, a path or an alias",
    "LogProcessor": "the log is Segue's; numbers of your own go through self.log of a head's losses or MessageHub",
    "get_object_from_string": "use importlib.import_module",
    "install_package": "install packages yourself; nothing is installed at run time",
    "SimpleTokenizer HFTokenizer": "see segue.layers.clip_tokenizer",
}

#: name -> what to do instead
REASONS: dict[str, str] = {name: reason for names, reason in _TABLE.items() for name in names.split()}
