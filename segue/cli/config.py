"""``segue config``: look at a config after everything is merged."""

from __future__ import annotations

import argparse
import sys

HELP = "show a config after its bases and options are merged, and where each value comes from"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``show`` and ``migrate``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the resolved config", description="Print the resolved config.")
    show.add_argument("file", help="a .py, .yaml or .json config, or a recipe's name")
    show.add_argument("--origins", action="store_true", help="print each value with the file and line that set it")
    show.add_argument(
        "--cfg-options",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="override values: model.backbone.depth=101 train_pipeline.2.prob=0.3",
    )
    form = show.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--yaml", action="store_true", help="print YAML")
    show.add_argument("--trust-config", action="store_true", help="execute the file if it is more than data")
    migrate = actions.add_parser(
        "migrate", help="print a config of mmseg 0.x as one of 1.x", description="Print a 0.x config as one of 1.x."
    )
    migrate.add_argument("file", help="a config of mmseg 0.x")
    migrate.add_argument("--out", metavar="NEW.py", help="write it there instead")
    migrate.add_argument("--check", action="store_true", help="list what becomes of each key instead")
    migrate.add_argument("--trust-config", action="store_true", help="execute the file if it is more than data")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; errors are the caller's to print."""
    from segue.config import merge_options
    from segue.config.show import origins_json, show, show_entries, show_origins
    from segue.errors import refuse
    from segue.recipes.open import open_config

    cfg = open_config(args.file, trust=args.trust_config)
    if args.action == "migrate":
        from segue.config.v0 import migrate_file

        listed = {"--out": args.out if args.check else None}
        refuse(listed, "--check lists what becomes of each key, and writes no config")
        migration = migrate_file(cfg)
        if args.check:
            show_entries(migration.entries)
        elif args.out:
            migration.cfg.dump(args.out)
        else:
            show(migration.cfg)
        return 0
    merge_options(cfg, args.cfg_options)
    if args.origins:
        refuse({"--yaml": args.yaml}, "--origins prints lines of text, or JSON with --json")
        if args.json:
            sys.stdout.write(origins_json(cfg))
        else:
            show_origins(cfg)
    else:
        show(cfg, extension=".json" if args.json else ".yaml" if args.yaml else ".py")
    return 0
