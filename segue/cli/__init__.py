"""The command ``segue``: one file per verb beside this one, found by its name.

A verb's file has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(args) -> exit status``, and imports what it
needs inside ``run``, so that ``segue --help`` is instant. What a user can mend ends in one message and status 1;
Ctrl-C in 130.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

EPILOG = """examples:
  segue demo                                      train a small OCRNet on a generated town and look at it
  segue train my_config.py --work-dir runs/first  train; --resume continues
  segue test my_config.py runs/first/last.ckpt    measure
  segue predict my_config.py runs/first/last.ckpt photos/ --out seen/
"""


def verbs() -> list[str]:
    """The names of the verbs, sorted."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


def make_parser(verb: str | None) -> argparse.ArgumentParser:
    """The parser; only the verb asked for is imported, or all of them for the list of ``--help``."""
    from segue.cli._parser import Parser
    from segue.version import __version__

    parser = Parser(
        prog="segue",
        description="Semantic segmentation: mmseg's configs, models and checkpoints, in pure Python.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"segue {__version__}")
    actions = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    wrong = verb is not None and verb not in verbs() and not verb.startswith("-")
    if wrong:  # the message lists the verbs; no need to import them all
        actions.choices.update(dict.fromkeys(verbs(), parser))
    for name in [verb] if verb in verbs() else [] if wrong else verbs():
        module = importlib.import_module(f"segue.cli.{name}")
        own = actions.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    return parser


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """The options that every verb with a config takes."""
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change the config: model.backbone.depth=50 train_pipeline.2.scale=(1024,512)",
    )
    parser.add_argument(
        "--trust-config",
        action="store_true",
        help="execute config files that are more than data; only for files whose author you trust",
    )


def add_download_options(parser: argparse.ArgumentParser) -> None:
    """The options that every verb with weights takes; docs/weights.md explains them."""
    parser.add_argument("--offline", action="store_true", help="never use the network: weights must be here already")
    parser.add_argument(
        "--weights-mirror",
        metavar="HOST_OR_FOLDER",
        help="where to look for weights before their own address: https://mirror.example/pretrained, or a folder",
    )


@contextmanager
def download_settings(args: argparse.Namespace) -> Iterator[None]:
    """Put those options into the environment, where processes that training starts find them as well."""
    chosen = {
        "SEGUE_OFFLINE": "1" if getattr(args, "offline", False) else None,
        "SEGUE_WEIGHTS_MIRROR": getattr(args, "weights_mirror", None),
    }
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update({name: value for name, value in chosen.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    from segue.errors import SegueError
    from segue.system.shown import shown_messages, visible

    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0].startswith(("--local-rank=", "--local_rank=")):
        arguments = [*arguments[1:], arguments[0]]  # torch.distributed.launch puts it right after the script
    args = make_parser(arguments[0] if arguments else None).parse_args(arguments)
    try:
        with download_settings(args), shown_messages():
            status: int = args.run(args)
            return status
    except SegueError as error:
        print(f"segue {args.verb}: {visible(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        from segue.training.launch import is_first, is_own_child

        if is_first():
            print(f"segue {args.verb}: interrupted", file=sys.stderr)
        return 0 if is_own_child() else 130  # Lightning kills all where a child fails, also the one that still saves
    except BrokenPipeError:  # the reader of our output, such as `head`, has left
        sys.stderr.close()
        return 141
