"""The table: what a tutorial says, what is run for it, and what must come of that.

A step is a command without its ``segue``, or ``script NAME [arguments]`` for one of `tests.tutorials.scripts`.
``{tools}`` is the folder ``tools`` of mmseg 1.2.2, which is not kept here: its rows run where ``--tools`` names it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        seed, item: which tutorial, and what it says.
        steps: what is run, in order, in the folder of the data; all must end with 0.
        said: patterns that the last step's output must have.
        files: patterns of files that must be there afterwards.
        other: which other command it is, where Segue does the same in other words.
        left_out: why nothing is run: an issue of its own, or what Segue does not have.
    """

    seed: str
    item: str
    steps: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    other: str = ""
    left_out: str = ""


SMALL = "work_dirs/small/iter_4.pth"
TRAIN = "train small.py --work-dir work_dirs/small"
CHASE = (
    "data_root=data/CHASE_DB1 train_dataloader.dataset.dataset.data_root=data/CHASE_DB1 "
    "val_dataloader.dataset.data_root=data/CHASE_DB1 test_dataloader.dataset.data_root=data/CHASE_DB1 "
    "train_dataloader.num_workers=0 train_dataloader.persistent_workers=False val_dataloader.num_workers=0 "
    "val_dataloader.persistent_workers=False model.pretrained=None train_cfg.max_iters=1 train_cfg.val_interval=1 "
    "train_dataloader.batch_size=2 model.backbone.base_channels=8 model.decode_head.in_channels=8 "
    "model.decode_head.channels=8 model.decode_head.dilations=(1,2) model.auxiliary_head.in_channels=16 "
    "model.auxiliary_head.channels=8 val_dataloader.dataset.pipeline.1.scale=(64,64)"
)
CHASE_CONFIG = "unet-s5-d16_deeplabv3_4xb4-40k_chase-db1-128x128"
#: What other rows start from.
FIRST = (Row("", "a training that others start from", (TRAIN,), files=(SMALL, "work_dirs/small/last_checkpoint")),)

ROWS: tuple[Row, ...] = (
    # 000: ISIC by a script on the API
    Row("000", "a checkpoint of 19 classes to start from", ("script NINETEEN",), files=("nineteen.pth",)),
    Row(
        "000",
        "own dataset class, config edited and dumped, epochs, LinearLR + PolyLR, load_from, Runner.train",
        ("script ISIC",),
        ("mIoU",),
        ("work_dirs/isic/iter_3.pth", "work_dirs/isic/iter_6.pth", "isic_config.py"),
    ),
    Row(
        "000",
        "Runner.test, output_dir, init_model(cfg, 'iter_6.pth', 'cuda:0') and a picture",
        ("script ISIC_TEST",),
        (r"seen \(64, 64, 3\)",),
        ("work_dirs/format_results/i0.png", "isic_seen.png"),
    ),
    Row("000", "OCR's models are there", ("models ocrnet_r101-d8_4xb2-40k_cityscapes-512x1024",), ("ocrnet",)),
    Row(
        "000",
        "complexity: parameters and operations",
        ("models pspnet_r50-d8_4xb2-40k_cityscapes-512x1024",),
        (r"parameters +\d", r"flops +\d"),
        other="segue models, of whole models; memory, time and single modules are not measured",
    ),
    Row("000", "InPlace-ABNsync", left_out="not there: SyncBN is"),
    Row("000", "ACF, ground-truth OCR, Panoptic-FPN with OCR", left_out="issues of their own"),
    # 001: vessels
    Row(
        "001",
        "SGD, Adam, AdamW, RMSprop with lr_mult and decay_mult",
        ("script OPTIMIZERS",),
        (r"RMSprop \[0.01, 0.1\]",),
    ),
    Row(
        "001",
        "mim download --config NAME --dest .",
        ("weights fetch --config pspnet_r50-d8_512x1024_40k_cityscapes --dest . --offline ; allow 1",),
        (r"pspnet_r50-d8_512x1024_40k_cityscapes_20200605_003338-2966598c.pth",),
        ("pspnet_r50-d8_512x1024_40k_cityscapes.py",),
        other="segue weights fetch; offline the weights are only asked for",
    ),
    Row(
        "001",
        "tools/convert_datasets/chase_db1.py ZIP -o DIR",
        ("run {tools}/dataset_converters/chase_db1.py CHASEDB1.zip -o data/CHASE_DB1",),
        files=("data/CHASE_DB1/images/training/Image_01L.png",),
    ),
    Row(
        "001",
        "the same by Segue",
        ("convert dataset chase_db1 CHASEDB1.zip -o data/CHASE_DB1 --force",),
        files=("data/CHASE_DB1/annotations/validation/Image_11L_1stHO.png",),
    ),
    Row(
        "001",
        "train.py CONFIG --work-dir W --seed 0, data_root changed",
        (f"train {CHASE_CONFIG} --work-dir work_dirs/chase --seed 0 --cfg-options {CHASE}",),
        ("mDice: ",),
    ),
    Row("001", "DenseCRF", left_out="an issue of its own"),
    # 002: two processes
    Row(
        "002",
        "--launcher pytorch --nproc-per-node 2 --amp --cfg-options ...",
        (
            "train small.py --work-dir work_dirs/two --launcher pytorch --nproc-per-node 2 --amp --cfg-options "
            "train_cfg.max_iters=2",
        ),
        files=("work_dirs/two/iter_2.pth",),
    ),
    Row(
        "002",
        "loss.py: relative and absolute error of two logs",
        ("script LOSSES work_dirs/small/*/2*.log work_dirs/small/*/2*.log",),
        (r"4 MeanRelativeError 0.0 MeanAbsoluteError 0.0 True",),
    ),
    # 003: a notebook of 0.x; tests/compat/test_scripts.py runs its cells
    Row("003", "the notebook's cells", left_out="run by tests/compat/test_scripts.py (test_a_script_of_0x)"),
    # 004: the long tutorial
    Row(
        "004",
        "tools/train.py CONFIG --work-dir --amp --cfg-options",
        ("run {tools}/train.py small.py --work-dir work_dirs/tool --amp --cfg-options train_cfg.max_iters=2",),
        files=("work_dirs/tool/iter_2.pth",),
    ),
    Row("004", "--resume", (f"{TRAIN} --resume --cfg-options train_cfg.max_iters=5",), ("after iteration 4",)),
    Row(
        "004",
        "--resume --cfg-options load_from=CK",
        (f"{TRAIN} --resume --cfg-options train_cfg.max_iters=6 load_from={SMALL}",),
        ("[Cc]ontinuing",),
    ),
    Row(
        "004",
        "tools/test.py CONFIG CK --work-dir",
        (f"run {{tools}}/test.py small.py {SMALL} --work-dir measured",),
        ("mIoU: ",),
        ("measured/metrics.json",),
    ),
    Row(
        "004",
        "tools/test.py --out",
        (f"run {{tools}}/test.py small.py {SMALL} --work-dir m --out format_results",),
        files=("format_results/a0_leftImg8bit.png",),
    ),
    Row("004", "tools/test.py --tta", (f"run {{tools}}/test.py small.py {SMALL} --work-dir m --tta",), ("mIoU: ",)),
    Row(
        "004",
        "tools/test.py --show-dir",
        (f"run {{tools}}/test.py small.py {SMALL} --work-dir m --show-dir shown",),
        files=("shown/**/*.png",),
    ),
    Row(
        "004",
        "tools/test.py --show --wait-time 1",
        (f"run {{tools}}/test.py small.py {SMALL} --work-dir m --show --wait-time 1",),
        ("mIoU: ",),
    ),
    Row(
        "004",
        "the same by Segue",
        (f"test small.py {SMALL} --tta --out by_segue --show-dir shown_by_segue",),
        ("mIoU: ",),
        ("by_segue/a0_leftImg8bit.png", "shown_by_segue/**/*.png"),
    ),
    Row(
        "004",
        "format_only on images without label maps",
        (f"test format.py {SMALL}",),
        ("nothing is measured",),
        ("work_dirs/format_only/t0.png",),
    ),
    Row("004", "tools/misc/print_config.py", ("run {tools}/misc/print_config.py small.py",), ("FCNHead",)),
    Row("004", "OHEM on a base of 0.x's name", ("config show ohem.py",), ("OHEMPixelSampler",)),
    Row("004", "class_weight", ("train class_weight.py --work-dir w --cfg-options train_cfg.max_iters=1",)),
    Row("004", "lr_mult of 'head'", ("train rates.py --work-dir w --cfg-options train_cfg.max_iters=1",)),
    Row(
        "004",
        "cross entropy and Dice 1:3",
        ("train dice.py --work-dir w --cfg-options train_cfg.max_iters=1",),
        ("loss_dice: ",),
    ),
    Row("004", "_delete_, print(cfg.model)", ("script DELETE",), ("HRNet",)),
    Row(
        "004",
        "cfg.model.backbone.in_channels=6 by --cfg-options",
        ("config show small.py --cfg-options model.backbone.in_channels=6",),
        ("in_channels=6",),
    ),
    Row(
        "004",
        "MMSegInferencer on images and lists, files, return_datasamples",
        ("script INFERENCER",),
        (r"datasamples SegDataSample \['SegDataSample', 'SegDataSample'\]",),
        ("outputs/vis/t0.png",),
    ),
    Row(
        "004",
        "init_model, inference_model, show_result_pyplot",
        ("script APIS",),
        (r"shown \(64, 128, 3\) 2",),
        ("out/result.png",),
    ),
    Row(
        "004",
        "SegDataSample, PixelData, SegLocalVisualizer.add_datasample",
        ("script SAMPLES",),
        ("True",),
        ("drawn/**/*.png",),
    ),
    Row(
        "004",
        "SegVisualizationHook and TensorboardVisBackend, EMA and other hooks",
        ("train pictures.py --work-dir work_dirs/pictures --cfg-options train_cfg.max_iters=2",),
        files=("work_dirs/pictures/**/events.out.tfevents*", "work_dirs/pictures/**/*.png"),
    ),
    Row(
        "004",
        "tools/analyze_logs.py log.json --keys mIoU mAcc aAcc",
        (
            "run {tools}/analysis_tools/analyze_logs.py work_dirs/small/*/vis_data/scalars.json --keys mIoU mAcc aAcc "
            "--out curves.png --backend Agg",
        ),
        files=("curves.png",),
    ),
    Row(
        "004",
        "tools/analyze_logs.py log.json --keys loss",
        (
            "run {tools}/analysis_tools/analyze_logs.py work_dirs/small/*/vis_data/scalars.json --keys loss "
            "--out losses.png --backend Agg",
        ),
        files=("losses.png",),
    ),
    Row(
        "004",
        "tools/pytorch2onnx.py CONFIG --checkpoint --output-file --input-img --shape --verify --dynamic-export",
        (
            f"run tools/pytorch2onnx.py small.py --checkpoint {SMALL} --output-file tmp.onnx --input-img "
            "data/cityscapes/leftImg8bit/val/*/*.png --shape 64 128 --verify --dynamic-export",
        ),
        ("answered by Segue's export", "certified: tmp.onnx"),
        ("tmp.onnx", "tmp.onnx.json"),
    ),
    Row(
        "004",
        "tools/deploy_test.py CONFIG MODEL --backend onnxruntime --eval --out --show-dir",
        (
            "run tools/deploy_test.py small.py tmp.onnx --backend onnxruntime --eval mIoU --out out.pkl "
            "--show-dir shown",
        ),
        ("mIoU",),
        ("out/*.png", "shown/**/*.png"),
    ),
    Row("004", "tools/dist_train.sh", left_out="a shell script that starts plain python: --nproc-per-node does it"),
    # what the same user runs next
    Row(
        "next",
        "tools/misc/publish_model.py",
        (f"run {{tools}}/misc/publish_model.py {SMALL} published.pth",),
        files=("published-*.pth",),
    ),
    Row(
        "next",
        "tools/analysis_tools/browse_dataset.py",
        ("run {tools}/analysis_tools/browse_dataset.py small.py --output-dir browsed --not-show",),
        files=("browsed/*.png",),
    ),
    Row(
        "next",
        "tools/analysis_tools/get_flops.py",
        ("run {tools}/analysis_tools/get_flops.py small.py --shape 64 128",),
        (r"Flops: [\d.]+[MG]",),
    ),
    Row(
        "next",
        "tools/analysis_tools/benchmark.py",
        (f"run {{tools}}/analysis_tools/benchmark.py small.py {SMALL} --work-dir fps",),
    ),
)
