"""Which names are where: each line is a file of ``segue/compat``, the modules that show it, and the names they show."""

from __future__ import annotations

import functools

from segue.reference.blocks import BLOCKS
from segue.reference.public import definers
from segue.reference.shown import SHOWN

_LAYERS = (
    "ConvModule DepthwiseSeparableConvModule build_norm_layer build_conv_layer build_activation_layer "
    "build_padding_layer build_upsample_layer is_norm Scale HSigmoid Swish HSwish Conv2d Conv3d ConvTranspose2d "
    "ConvTranspose3d Linear MaxPool2d MaxPool3d DropPath build_dropout"
)
_INITIALIZERS = (
    "constant_init xavier_init normal_init trunc_normal_init uniform_init kaiming_init caffe2_xavier_init "
    "bias_init_with_prob initialize"
)
_BLOCKS = "BaseModule ModuleList ModuleDict Sequential"
_REGISTRIES = (
    "MODELS DATASETS TRANSFORMS METRICS HOOKS TASK_UTILS OPTIMIZERS OPTIM_WRAPPERS OPTIM_WRAPPER_CONSTRUCTORS "
    "DATA_SAMPLERS VISBACKENDS VISUALIZERS PARAM_SCHEDULERS WEIGHT_INITIALIZERS MODEL_WRAPPERS LOOPS RUNNERS "
    "RUNNER_CONSTRUCTORS EVALUATOR LOG_PROCESSORS INFERENCERS"
)
_IMAGES = (
    "imread imwrite imresize imrescale imresize_like imflip imcrop impad impad_to_multiple imrotate imnormalize "
    "imdenormalize imshow imfrombytes rescale_size bgr2rgb rgb2bgr bgr2gray gray2bgr bgr2hsv hsv2bgr"
)
_FILES = "exists isfile isdir join_path get get_text put put_text load dump list_from_file list_dir_or_file"
_TOOLS = (
    "is_str is_list is_seq_of is_list_of is_tuple_of to_1tuple to_2tuple to_3tuple to_4tuple to_ntuple "
    "is_method_overridden has_method import_modules_from_strings deprecated_api_warning"
)
_PROGRESS = "ProgressBar track_iter_progress track_progress track_parallel_progress"
_DIST = (
    "get_rank get_world_size get_dist_info is_main_process master_only barrier all_reduce reduce_mean init_dist "
    "is_distributed collect_results"
)
_BUILDERS = "build_backbone build_neck build_head build_loss build_segmentor"
_V0_REGISTRIES = "BACKBONES NECKS HEADS LOSSES SEGMENTORS"
_LOSSES = "get_class_weight reduce_loss weight_reduce_loss weighted_loss"
_SEGMENTORS = "BaseSegmentor EncoderDecoder CascadeEncoderDecoder"
_TYPES = "ConfigType OptConfigType MultiConfig OptMultiConfig TensorDict TensorList ForwardResults"
_PALETTES = " ".join(
    f"{name}_{what}"
    for name in (
        "cityscapes",
        "ade",
        "voc",
        "cocostuff",
        "loveda",
        "potsdam",
        "vaihingen",
        "isaid",
        "stare",
        "synapse",
        "bdd100k",
    )
    for what in ("classes", "palette")
)

PLACES: tuple[tuple[str, str, str], ...] = (
    ("mmengine.config", "mmengine mmengine.config mmcv mmcv.utils", "Config ConfigDict DictAction"),
    ("mmengine.registry", "mmengine mmengine.registry mmcv.utils mmcv", "Registry build_from_cfg"),
    (
        "mmengine.registry",
        "mmengine.registry mmseg.registry",
        f"{_REGISTRIES} init_default_scope DefaultScope FUNCTIONS",
    ),
    ("mmengine.registry", "mmcv.transforms mmcv.transforms.builder", "TRANSFORMS"),
    ("mmengine.registry", "mmengine.dataset", "COLLATE_FUNCTIONS"),
    ("mmengine.registry", "mmcv.runner mmcv.runner.builder mmcv.runner.hooks", "HOOKS OPTIMIZERS OPTIMIZER_BUILDERS"),
    (
        "mmengine.registry",
        "mmcv.cnn",
        "MODELS ACTIVATION_LAYERS NORM_LAYERS CONV_LAYERS UPSAMPLE_LAYERS PADDING_LAYERS PLUGIN_LAYERS",
    ),
    ("mmengine.registry", "mmcv.cnn.bricks.registry", "ACTIVATION_LAYERS NORM_LAYERS CONV_LAYERS ATTENTION"),
    ("mmengine.registry", "mmseg.models mmseg.models.builder", f"{_V0_REGISTRIES} MODELS"),
    ("mmengine.registry", "mmseg.datasets mmseg.datasets.builder", "DATASETS PIPELINES"),
    ("mmengine.registry", "mmseg.core mmseg.core.builder mmseg.core.seg.builder", "PIXEL_SAMPLERS OPTIMIZER_BUILDERS"),
    ("mmengine.registry", "mmseg.utils mmseg.utils.set_env", "register_all_modules"),
    ("mmengine.structures", "mmengine.structures mmengine", "BaseDataElement PixelData InstanceData LabelData"),
    ("mmengine.structures", "mmseg.structures mmseg.structures.seg_data_sample", "SegDataSample"),
    ("mmengine.structures", "mmseg.utils mmseg.utils.typing_utils", "SampleList"),
    (
        "mmseg.samplers",
        "mmseg.structures mmseg.structures.sampler",
        "BasePixelSampler OHEMPixelSampler build_pixel_sampler",
    ),
    (
        "mmseg.samplers",
        "mmseg.structures.sampler.base_pixel_sampler mmseg.core.seg mmseg.core mmseg.core.seg.sampler",
        "BasePixelSampler OHEMPixelSampler build_pixel_sampler",
    ),
    ("mmengine.modules", "mmengine.model mmcv.runner mmcv.runner.base_module mmengine.model.base_module", _BLOCKS),
    (
        "mmengine.modules",
        "mmengine.model mmengine.model.weight_init mmcv.cnn mmcv.cnn.utils.weight_init",
        _INITIALIZERS,
    ),
    ("mmengine.modules", "mmengine.model.weight_init mmcv.cnn.utils.weight_init", "trunc_normal_"),
    ("mmengine.modules", "mmengine.model mmengine.model.utils mmcv.cnn.utils", "revert_sync_batchnorm"),
    ("mmengine.modules", "mmengine.model mmseg.utils", "is_model_wrapper"),
    ("mmengine.modules", "mmengine.model", "stack_batch"),
    ("mmseg.preprocessors", "mmseg.utils", "stack_batch"),
    ("mmseg.segmentors", "mmengine.model mmengine.model.base_model", "BaseModel"),
    ("mmseg.preprocessors", "mmengine.model mmengine.model.base_model", "BaseDataPreprocessor"),
    ("mmseg.preprocessors", "mmseg.models.segmentors mmseg.models", "SegDataPreProcessor"),
    ("mmseg.segmentors", "mmseg.models.segmentors mmseg.models", _SEGMENTORS),
    ("mmseg.segmentors", "mmseg.models.segmentors.base", "BaseSegmentor"),
    ("mmseg.segmentors", "mmseg.models.segmentors.encoder_decoder", "EncoderDecoder"),
    ("mmseg.segmentors", "mmseg.models.segmentors.cascade_encoder_decoder", "CascadeEncoderDecoder"),
    (
        "mmseg.depth_segmentor",
        "mmseg.models.segmentors.depth_estimator mmseg.models.segmentors mmseg.models",
        "DepthEstimator",
    ),
    ("mmseg.preprocessors", "mmseg.models.data_preprocessor", "SegDataPreProcessor"),
    ("mmseg.segmentors", "mmseg.models mmseg.models.builder", _BUILDERS),
    ("mmseg.segmentors", "mmengine.registry", "build_model_from_cfg"),
    ("mmseg.heads", "mmseg.models.decode_heads mmseg.models.decode_heads.decode_head mmseg.models", "BaseDecodeHead"),
    (
        "mmseg.heads",
        "mmseg.models.decode_heads.cascade_decode_head mmseg.models.decode_heads",
        "BaseCascadeDecodeHead",
    ),
    ("mmseg.heads", "mmseg.models.utils mmseg.models.utils.wrappers mmseg.ops mmseg.models.decode_heads", "resize"),
    ("mmseg.heads", "mmseg.models.losses mmseg.models.losses.accuracy", "accuracy"),
    ("mmseg.losses", "mmseg.models.losses mmseg.models.losses.utils", _LOSSES),
    ("mmseg.losses", "mmseg.models.losses mmseg.models.losses.cross_entropy_loss", "cross_entropy"),
    ("mmcv.layers", "mmcv.cnn mmcv.cnn.bricks", _LAYERS),
    ("mmcv.layers", "mmcv.cnn.bricks.drop mmcv.cnn.bricks.transformer", "DropPath build_dropout FFN"),
    ("mmcv.layers", "mmcv.cnn.bricks.conv_module", "ConvModule"),
    ("mmseg.blocks", "mmseg.models.decode_heads.psp_head mmseg.models.decode_heads.uper_head", "PPM"),
    ("mmseg.blocks", "mmseg.models.utils mmseg.models.utils.up_conv_block mmseg.models.backbones.unet", "UpConvBlock"),
    ("mmseg.blocks", "mmseg.models.backbones.unet", "BasicConvBlock InterpConv DeconvModule"),
    ("mmcv.layers", "mmcv.utils mmengine.utils.dl_utils.parrots_wrapper", "_BatchNorm _InstanceNorm SyncBatchNorm"),
    ("mmcv.transforms", "mmcv.transforms mmcv.transforms.base", "BaseTransform"),
    ("mmcv.transforms", "mmcv.transforms mmengine.dataset mmseg.datasets.pipelines", "Compose"),
    ("mmcv.transforms", "mmcv.transforms mmcv.transforms.formatting", "to_tensor"),
    ("mmcv.transforms", "mmcv.transforms.utils", "cache_randomness cache_random_params avoid_cache_randomness"),
    ("mmseg.datasets", "mmengine.dataset mmengine.dataset.base_dataset", "BaseDataset"),
    ("mmseg.datasets", "mmengine.dataset", "ConcatDataset RepeatDataset pseudo_collate"),
    ("mmseg.datasets", "mmseg.datasets mmseg.datasets.basesegdataset", "BaseSegDataset"),
    ("mmseg.custom_dataset", "mmseg.datasets mmseg.datasets.custom", "CustomDataset"),
    ("mmseg.old_loaders", "mmseg.datasets mmseg.datasets.builder", "build_dataset build_dataloader"),
    ("mmseg.datasets", "mmseg.datasets mmseg.datasets.dataset_wrappers", "ConcatDataset RepeatDataset"),
    ("mmseg.datasets", "mmcv mmengine.fileio", "FileClient"),
    ("mmengine.metrics", "mmengine.evaluator mmengine.evaluator.metric", "BaseMetric"),
    ("mmengine.metrics", "mmengine.evaluator", "Evaluator"),
    ("mmengine.metrics", "mmseg.evaluation mmseg.evaluation.metrics", "IoUMetric DepthMetric"),
    ("mmengine.metrics", "mmseg.core mmseg.core.evaluation mmseg.core.evaluation.metrics", "intersect_and_union"),
    ("mmengine.hooks", "mmengine.hooks mmcv.runner mmcv.runner.hooks mmengine.hooks.hook", "Hook"),
    ("mmengine.hooks", "mmengine.runner mmcv.runner mmengine.runner.priority", "Priority get_priority"),
    ("mmengine.optim", "mmengine.optim", "OptimWrapper DefaultOptimWrapperConstructor build_optim_wrapper"),
    ("mmengine.optim", "mmcv.runner", "DefaultOptimizerConstructor"),
    ("mmengine.runner", "mmengine.runner mmengine", "Runner"),
    (
        "mmengine.runner",
        "mmengine.runner mmcv.runner mmengine.runner.checkpoint mmcv.runner.checkpoint",
        "load_checkpoint load_state_dict save_checkpoint CheckpointLoader weights_to_cpu _load_checkpoint",
    ),
    ("mmengine.runner", "mmengine.runner mmengine.runner.amp", "autocast set_random_seed"),
    ("mmengine.runner", "mmcv.runner", "auto_fp16 force_fp32"),
    ("mmseg.apis", "mmseg.apis mmseg.apis.inference", "init_model inference_model show_result_pyplot"),
    ("mmseg.inferencer", "mmseg.apis mmseg.apis.mmseg_inferencer", "MMSegInferencer"),
    ("mmseg.old", "mmseg.apis", "init_segmentor inference_segmentor train_segmentor set_random_seed init_random_seed"),
    ("mmseg.old_testing", "mmseg.apis mmseg.apis.test", "single_gpu_test multi_gpu_test"),
    ("mmseg.old", "mmseg.apis.train", "train_segmentor set_random_seed init_random_seed"),
    ("mmseg.old", "mmseg.utils mmseg.utils.logger", "get_root_logger"),
    ("mmengine.visualization", "mmseg.visualization mmseg.visualization.local_visualizer", "SegLocalVisualizer"),
    ("mmengine.visualization", "mmengine.visualization", "Visualizer BaseVisBackend LocalVisBackend"),
    ("mmengine.visualization", "mmengine.visualization.vis_backend", "BaseVisBackend LocalVisBackend force_init_env"),
    ("mmseg.names", "mmseg.utils mmseg.utils.class_names", f"{_PALETTES} get_classes get_palette"),
    ("mmseg.names", "mmseg.core mmseg.core.evaluation", "get_classes get_palette"),
    ("mmseg.names", "mmseg.utils mmseg.utils.typing_utils", f"{_TYPES} OptSampleList"),
    ("mmseg.names", "mmseg.utils mmseg.core mmseg.core.utils", "add_prefix"),
    ("mmseg.names", "mmseg.utils", "collect_env build_dp build_ddp get_device setup_multi_processes"),
    ("mmseg.names", "mmengine.utils mmcv mmcv.utils mmengine.utils.version_utils", "digit_version get_git_hash"),
    ("mmseg.names", "mmengine.device", "get_device is_cuda_available"),
    ("mmengine.files", "mmengine.fileio mmengine", f"{_FILES}"),
    ("mmengine.files", "mmcv", "load dump list_from_file"),
    ("mmengine.files", "mmengine.utils mmcv mmcv.utils mmengine", "mkdir_or_exist scandir check_file_exist"),
    ("mmengine.tools", "mmengine.utils mmcv mmcv.utils mmengine", _TOOLS),
    ("mmengine.tools", "mmengine.utils mmcv mmcv.utils mmengine mmengine.utils.progressbar", _PROGRESS),
    ("mmengine.logs", "mmengine.logging mmengine.logging.logger mmengine", "MMLogger print_log MessageHub"),
    ("mmengine.logs", "mmengine.utils", "ManagerMixin"),
    ("mmengine.logs", "mmcv.utils mmcv", "get_logger print_log"),
    ("mmengine.processes", "mmengine.dist mmcv.runner", _DIST),
    ("mmcv.images", "mmcv mmcv.image", _IMAGES),
)

#: packages whose files and names are Segue's components, and the rooms that these are in
ROOMS: dict[str, tuple[str, ...]] = {
    "mmseg.models.decode_heads": ("heads",),
    "mmseg.models.backbones": ("backbones",),
    "mmseg.models.necks": ("necks",),
    "mmseg.models.losses": ("losses",),
    "mmseg.models.segmentors": ("models",),
    "mmseg.models": ("models", "backbones", "necks", "heads", "losses"),
    "mmseg.datasets.transforms": ("transforms",),
    "mmseg.datasets.pipelines": ("transforms",),
    "mmseg.datasets": ("datasets", "transforms"),
    "mmseg.evaluation.metrics": ("metrics",),
    "mmseg.evaluation": ("metrics",),
    "mmcv.transforms": ("transforms",),
}

#: classes with the interface of mmseg, by name
ADAPTED = {
    "BaseDecodeHead": "mmseg.heads",
    "BaseCascadeDecodeHead": "mmseg.heads",
    "BaseSegmentor": "mmseg.segmentors",
    "EncoderDecoder": "mmseg.segmentors",
    "CascadeEncoderDecoder": "mmseg.segmentors",
    "DepthEstimator": "mmseg.depth_segmentor",
    "SegDataPreProcessor": "mmseg.preprocessors",
    "BaseSegDataset": "mmseg.datasets",
    "CustomDataset": "mmseg.custom_dataset",
    "IoUMetric": "mmengine.metrics",
    "DepthMetric": "mmengine.metrics",
    "CityscapesMetric": "mmseg.cityscapes_metric",
    "OHEMPixelSampler": "mmseg.samplers",
    "BasePixelSampler": "mmseg.samplers",
    "InterpConv": "mmseg.blocks",
    "DeconvModule": "mmseg.blocks",
}

_PURE = "Segue's operators are pure PyTorch"
_EXPORT = "not offered yet: give segue.load(config, checkpoint).model to torch.export.export yourself"
#: what is not there, and Segue's own way
NOTHING: dict[str, str] = {
    "mmcv.ops": f"{_PURE}: segue.layers.points.point_sample, segue.layers.deformable_attention, "
    "torch.nn.functional, torchvision.ops",
    "mmcv.runner.IterBasedRunner": "training loops are Lightning's; use segue.train(cfg)",
    "mmcv.runner.EpochBasedRunner": "training loops are Lightning's; use segue.train(cfg)",
    "mmcv.runner.build_runner": "training loops are Lightning's; use segue.train(cfg)",
    "mmcv.onnx": _EXPORT,
    "mmcv.tensorrt": _EXPORT,
    "mmengine.runner.FlexibleRunner": "use Runner; strategies are Lightning's (segue train --help)",
    "mmengine.hub": "use segue.load",
    "mmengine.fileio.PickleHandler": "pickles can run anything; keep data as .json, .yaml or .npy",
    "mmseg.core.optimizers": "layer decay is built in: constructor='LearningRateDecayOptimizerConstructor'",
}


#: modules of mmcv 1.7 and 0.x of mmseg that show what another module has
ALIASES = {
    "mmcv.fileio": "mmengine.fileio",
    "mmseg.ops.wrappers": "mmseg.models.utils.wrappers",
    "mmseg.models.losses.lovasz": "mmseg.models.losses.lovasz_loss",
}


@functools.cache
def modules() -> dict[str, dict[str, str]]:
    """Every module of the tables: its names, and the file of each.

    A name that a module takes from the one that defines it, as `public` knows, has the same file there.
    """
    found: dict[str, dict[str, str]] = {}
    for file, where, names in (*PLACES, *BLOCKS, *SHOWN):
        for module in where.split():
            found.setdefault(module, {}).update(dict.fromkeys(names.split(), file))
    own = {module: dict(names) for module, names in found.items()}
    for module, files in found.items():  # a row for a package answers for the file that defines the name, too
        for name, file in files.items():
            definer = definers().get(module, {}).get(name)
            if definer:
                own.setdefault(definer, {}).setdefault(name, file)
    for module, files in own.items():
        for name, file in files.items():
            found.setdefault(module, {}).setdefault(name, file)
    for module, defined in definers().items():
        for name, definer in defined.items():
            file = own.get(definer, {}).get(name) or ("" if definer else _shared(module, name, own))
            if file:
                found.setdefault(module, {}).setdefault(name, file)
    for part in ("config", "fileio", "logging", "registry", "utils"):  # shown at the top, too
        for name, file in found.get(f"mmengine.{part}", {}).items():
            found["mmengine"].setdefault(name, file)
    for module, other in ALIASES.items():
        found.setdefault(module, {}).update(found.get(other, {}))
    return found


def _shared(module: str, name: str, found: dict[str, dict[str, str]]) -> str:
    """The file of a value that does not say where it is defined: the one that answers it nearby."""
    top = ".".join(module.split(".")[:2])
    files = {names[name] for other, names in found.items() if name in names and f"{other}.".startswith(f"{top}.")}
    return files.pop() if len(files) == 1 else ""
