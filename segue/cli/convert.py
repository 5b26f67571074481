"""``segue convert``: other annotation formats to images and masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

HELP = "public datasets, or annotations of other formats, to images and masks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one sub-verb for each format."""
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    _add_dataset(formats)
    _add_masks(formats)
    polygons = formats.add_parser("polygons", help="buildings/ and roads/ JSON files with x,y,x,y,... strings")
    polygons.add_argument("root", type=Path, help="folder with images/, buildings/ and roads/")
    polygons.add_argument("-o", "--out", type=Path, help="folder for the masks (default: ROOT/masks)")


def run(args: argparse.Namespace) -> int:
    """Convert and say where the masks are."""
    if args.format == "dataset":
        return _dataset(args)
    if args.format == "masks":
        return _masks(args)
    from rich.console import Console

    from segue.convert.masks import convert_polygons

    done = convert_polygons(args.root, args.out, Console())
    print(f"{done.count} masks in {done.out} (0 background, 1 building, 2 road)")
    return 0


def _add_dataset(formats: Any) -> None:
    """The arguments of ``segue convert dataset``."""
    dataset = formats.add_parser(
        "dataset",
        help="a public dataset, as its owners hand it out, to the layout that configs expect",
        description=(
            "Bring a public dataset into the layout that its dataset class reads. Without a name, list the datasets "
            "and what to download. The same command continues a run that was interrupted."
        ),
    )
    dataset.add_argument("name", nargs="?", help="cityscapes, potsdam ...; see the list")
    dataset.add_argument("inputs", nargs="*", type=Path, help="its archives (zip, tar, gz), or folders with them")
    dataset.add_argument("-o", "--out", type=Path, help="folder for the results (default: data/NAME as in configs)")
    dataset.add_argument("--force", action="store_true", help="replace files that are there")
    dataset.add_argument("--tile", type=int, nargs="+", metavar="PIXELS", help="size of tiles, or height and width")
    dataset.add_argument("--overlap", type=int, metavar="PIXELS", help="of neighboring tiles")
    dataset.add_argument("--workers", type=int, help="files worked on at once (default: one per core)")
    dataset.add_argument("--list", action="store_true", help="list the datasets")


def _add_masks(formats: Any) -> None:
    """The arguments of ``segue convert masks``."""
    masks = formats.add_parser(
        "masks",
        help="label maps of any format (labelme, COCO, YOLO, GeoJSON ...) to index PNGs",
        description=(
            "Write the label maps of a folder, or of a COCO or GeoJSON file, as PNGs of class ids, with a "
            "classes.json. Training reads all of these formats as they are, too."
        ),
    )
    masks.add_argument("source", type=Path, help="folder of images and annotations, or a file of annotations")
    masks.add_argument("out", type=Path, help="new folder for the results")
    known = "index, labelme, coco, yolo, geojson, polygons, rgb, instances or mat"
    masks.add_argument("--from", dest="mask_format", metavar="FORMAT", help=f"{known}, if it is not recognized")
    masks.add_argument("--to", default="index", choices=["index", "palette", "coco", "labelme"], help="what to write")
    masks.add_argument("--classes", nargs="+", help="names in the order of ids, or a .txt or .json file of them")
    masks.add_argument("--images", help="folder of images, if it is not recognized")
    masks.add_argument("--masks", help="folder of annotations below the source, if it is not recognized")
    masks.add_argument("--workers", type=int, help="files at once (default: one per core)")


def _masks(args: argparse.Namespace) -> int:
    """Convert label maps and print the datasets to paste."""
    from rich.console import Console

    from segue.convert.masks import convert_masks
    from segue.system.shown import visible

    one_file = args.classes and len(args.classes) == 1 and args.classes[0].endswith((".txt", ".json"))
    done = convert_masks(
        args.source,
        args.out,
        mask_format=args.mask_format,
        classes=args.classes[0] if one_file else args.classes,
        images=args.images,
        masks=args.masks,
        to=args.to,
        workers=args.workers,
        console=Console(),
    )
    print(f"{done.count} label maps of {len(done.classes)} classes in {done.out}. As datasets of a config:")
    for line in done.lines:
        print(visible(f"  {line}"))
    return 0


def _dataset(args: argparse.Namespace) -> int:
    """Convert, or list."""
    from rich.console import Console

    from segue.convert.dataset import convert_dataset, find_converter
    from segue.errors import refuse
    from segue.system.shown import visible

    if args.list or args.name is None:
        given = {"--out": args.out, "--force": args.force, "--tile": args.tile, "--overlap": args.overlap}
        refuse(
            {"NAME": args.name, "INPUTS": args.inputs, **given, "--workers": args.workers},
            "the list of datasets takes no such thing; to convert, give a name and leave --list out",
        )
        _list_datasets()
        return 0
    done = convert_dataset(
        args.name,
        args.inputs,
        args.out,
        force=args.force,
        tile=args.tile,
        overlap=args.overlap,
        workers=args.workers,
        console=Console(),
    )
    for note in done.notes:
        print(visible(f"note: {note}"))
    there = f", {done.outcome.kept} were there already" if done.outcome.kept else ""
    print(f"{done.outcome.written} files written to {done.out}{there}; type='{find_converter(args.name)[1].dataset}'")
    return 0


def _list_datasets() -> None:
    """What can be converted, as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from segue.convert.dataset import converters
    from segue.system.shown import escape

    table = Table(box=box.SIMPLE, show_lines=True, header_style="bold")
    for title in ("name", "download", "looked for", "result"):
        table.add_column(title, overflow="fold", no_wrap=title == "name")
    for name, found in converters().items():
        cut = found.tiling and f"\n--tile {' '.join(map(str, found.tiling.tile))} --overlap {found.tiling.overlap}"
        download = f"{found.download}\n{found.page}"
        table.add_row(name, *map(escape, (download, found.layout, f"data/{found.folder}: {found.makes}{cut or ''}")))
    Console(width=max(Console().width, 120)).print(table)
