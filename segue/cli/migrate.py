"""Try a project built on mmseg: which of its configs, custom modules and scripts run under Segue, with which edits.

Configs are read without executing them. Then the project's own modules are imported, and each config's model is built,
trained for one step and asked for a prediction on a generated batch. This runs the project's code, with your rights, in
processes of their own and on a copy of the project's small files; --no-code leaves it at reading. The project itself is
never changed: edits are tried on the copy and offered as a patch.

The exit status is 0 if everything runs, as it is or with those edits, and 1 if something does not.
"""

from __future__ import annotations

import argparse

HELP = "try a project built on mmseg, and write a page about what runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("project", help="the folder with the project's configs and code")
    parser.add_argument("--checkpoint", metavar="FILE", help="weights to load into the config that they fit")
    parser.add_argument("--config", metavar="FILE", help="the config for --checkpoint, by its path in the project")
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="PATTERN",
                        help="configs to run: 'configs/town/*'")  # fmt: skip
    parser.add_argument("--no-code", action="store_true", help="run nothing of the project's own code")
    parser.add_argument("--trust-config", action="store_true", help="execute config files that are more than data")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="for each file (default: 60 s)")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="configs run at once (default: 2, or a quarter of the cores up to 4)"
    )
    parser.add_argument(
        "--html", metavar="FILE", default="segue-migration.html", help="the page (default: %(default)s)"
    )
    parser.add_argument("--patch", metavar="FILE", help="the edits (default: beside the page, NAME.patch)")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON, too")


def run(args: argparse.Namespace) -> int:
    """Try, print, write."""
    from segue.api import migrate

    report = migrate(
        args.project,
        checkpoint=args.checkpoint,
        config=args.config,
        only=args.only,
        code=not args.no_code,
        trust=args.trust_config,
        time_limit=args.time_limit,
        jobs=args.jobs,
        html=args.html,
        patch=args.patch,
        json=args.json,
    )
    return 0 if report.good else 1
