"""How a folder's facts become values: one function for each, with its reason. Nothing here looks at files.

Every rule returns a `Choice`; the reason is printed, and stands beside the value in the config. The numbers in the
rules are the ones that docs/folder.md gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segue.recipes.data import Size
from segue.recipes.fitted import Fitted
from segue.recipes.folder.facts import Facts
from segue.recipes.parts import Section

#: Crops are multiples of this, the largest stride of the backbones.
GRID = 32
#: Sides of crops on a CPU, where a step of a larger one takes many seconds.
CPU_SIDE = 256
#: Passes over the data, and the least and most steps, where no time is given; on a CPU and on a GPU.
PASSES, STEPS = 100, {False: (300, 2_000), True: (2_000, 40_000)}
#: From this ratio of the most frequent to the rarest class on, the loss is weighted; of so many classes at most.
UNEQUAL, FEW = 20.0, 6
#: A class in fewer than this share of the images is rarely in a batch.
RARE = 0.1
#: Below these steps a model does not see enough to learn from strong augmentation; unless it sees the same images for
#: the so manieth time, which it would know by heart.
SHORT, AGAIN = 2_000, 20
#: Images with more pixels are measured in windows.
WHOLE = 1024 * 1024
_ADAM_RATE, _SGD_RATE = 1e-3, 0.02


@dataclass(frozen=True)
class Choice:
    """A value and why it is so, in one line."""

    name: str
    value: Any
    why: str


def crop(facts: Facts, own: Size) -> Choice:
    """As large as the recipe's, the images and the machine allow: context is what a segmentor sees of a scene."""
    tall, wide = min(facts.pictures.heights), min(facts.pictures.widths)
    limit = own if facts.gpu is not None else tuple(min(side, CPU_SIDE) for side in own)
    size = tuple(_fit(side, most) for side, most in zip((tall, wide), limit, strict=True))
    if size == own:
        why = "the recipe's"
    elif size == limit:
        why = f"{CPU_SIDE} on a CPU, where larger ones take many seconds a step"
    else:
        why = f"of {limit[0]} x {limit[1]} what fits the smallest image, {tall} x {wide}, in steps of {GRID}"
    return Choice("crop_size", size, why)


def _fit(side: int, most: int) -> int:
    """The largest multiple of `GRID` within an image and a limit; of a smaller image the next above it."""
    return max(GRID, min(side, most) // GRID * GRID) if side >= GRID else GRID


def batch(facts: Facts, own: int, size: Size) -> Choice:
    """The recipe's, as far as memory or patience go: about one image of 512 x 512 per GiB, 2 of 256 x 256 a core."""
    pixels = size[0] * size[1]
    if facts.gpu is not None:
        most = int(facts.gpu * 512 * 512 / pixels)
        why = f"the recipe's is {own}; about one crop of 512 x 512 for each of {facts.gpu:.0f} GiB fits"
    else:
        most = round(4 * CPU_SIDE * CPU_SIDE / pixels)
        why = "on a CPU as many as have the pixels of 4 crops of 256 x 256, from 2 to 8"
        most = min(most, 8)
    return Choice("batch_size", max(2, min(own, most)), why)


def steps(facts: Facts, images: int, given: int | None = None, measured: str = "") -> Choice:
    """A number of passes over the data, within limits; or what the time allows."""
    if given is not None:
        return Choice("max_iters", given, measured or "as asked for")
    least, most = STEPS[facts.gpu is not None]
    wanted = PASSES * facts.train // images
    found = min(max(wanted, least), most)
    why = f"{PASSES} passes over {facts.train} images are {wanted}"
    if found != wanted:
        why += f"; from {least} to {most} on a {'CPU' if facts.gpu is None else 'GPU'}"
    return Choice("max_iters", found, f"{why}; --time sets it by the clock")


def _usual(facts: Facts, count: int, images: int) -> str:
    """Why augmentation is as strong as recipes have it, in so many steps of so many images; empty where it is not."""
    passes = count * images / facts.train
    if count >= SHORT:
        return "as recipes have it"
    return f"as recipes have it: each image is seen {passes:.0f} times" if passes >= AGAIN else ""


def scale(facts: Facts, size: Size, count: int, images: int) -> Choice:
    """Around the median size; not so small that crops are padded, and less in a short training on many images."""
    tall, wide = facts.pictures.median
    usual = _usual(facts, count, images)
    low, high = (0.5, 2.0) if usual else (0.75, 1.5)
    fits = max(size[0] / tall, size[1] / wide)
    least = min(1.0, max(low, round(fits + 0.004, 2)))
    why = usual or f"narrower than usual, for fewer than {SHORT:,} steps and {AGAIN} passes"
    if least > low:
        why += "; smaller images would not fill the crop"
    return Choice("ratio_range", (least, high), why)


def weights(facts: Facts) -> Choice:
    """By median frequency, within 1/10 to 10, where few classes are very unequal: the rare one would not be learned.

    Of many classes there are always rare ones, whose weights cost the others more than they gain.
    """
    ratio = facts.imbalance
    if facts.multilabel:
        return Choice("class_weight", None, "every class is a question of its own")
    if len(facts.present) > FEW:
        return Choice("class_weight", None, f"{len(facts.present)} classes: weights are for {FEW} at most")
    if ratio < UNEQUAL:
        return Choice("class_weight", None, f"the largest class has {ratio:.0f} times the smallest's pixels, below 20")
    rare = min(facts.present, key=lambda i: facts.pixels[i])
    text = f"the largest class has {ratio:,.0f} times the pixels of {facts.classes[rare]}"
    return Choice("class_weight", "auto", f"{text}: counted when training starts, kept within 1/10 and 10")


def sampler(facts: Facts) -> Choice:
    """Rare classes more often, where a class is in few of many images."""
    rare = [i for i in facts.present if facts.masks[i] < RARE * facts.train]
    if facts.multilabel or facts.train < 50 or not rare:
        why = "every class is in a tenth of the images or more" if not rare else "too few images to choose among"
        return Choice(
            "sampler", dict(type="InfiniteSampler", shuffle=True), why if not facts.multilabel else "as usual"
        )
    names = ", ".join(facts.classes[i] for i in rare[:3]) + (" ..." if len(rare) > 3 else "")
    why = f"{names}: in fewer than a tenth of the images"
    return Choice("sampler", dict(type="RareClassSampler", temperature=0.1), why)


def normalization(facts: Facts) -> Choice:
    """ImageNet's for pictures, which weights were trained with; else what the images have."""
    pictures = facts.pictures
    if pictures.usual:
        kind = "gray pictures, read as three equal channels" if pictures.gray else "pictures in colours of 8 bits"
        return Choice("mean", None, f"ImageNet's, for {kind}")
    why = f"of {pictures.looked_at} images with {pictures.bands} bands of {pictures.kind}, as they are stored"
    return Choice("mean", (pictures.mean, pictures.std), why)


def distortion(facts: Facts, count: int, images: int) -> Choice:
    """Brightness, contrast and colour, of coloured pictures in a training that is long enough."""
    pictures = facts.pictures
    if not pictures.usual or pictures.gray:
        return Choice("PhotoMetricDistortion", False, "left out: it changes colours, and these images have none")
    if usual := _usual(facts, count, images):
        return Choice("PhotoMetricDistortion", True, usual)
    return Choice("PhotoMetricDistortion", False, f"left out below {SHORT:,} steps and {AGAIN} passes over the images")


def flips(facts: Facts) -> Choice:
    """Left and right; maps have no up and down either."""
    if facts.seen_from_above:
        return Choice("direction", ["horizontal", "vertical"], "maps have neither left nor up")
    return Choice("direction", ["horizontal"], "")


def optimizer(facts: Facts, fitted: Fitted, images: int, pretrained: bool) -> Choice:
    """The recipe's, with its rate for another batch; from scratch with a rate that random weights need."""
    optim: Section = dict(fitted.optim)
    inner: Section = dict(optim["optimizer"])
    adam = "adam" in str(inner["type"]).lower()
    ratio = images / fitted.batch
    if pretrained:
        factor = ratio**0.5 if adam else ratio
        how = "by the root of it" if adam else "in proportion"
        why = f"the recipe's {inner['lr']} for a batch of {fitted.batch}, {how} for {images}"
        inner["lr"] = float(f"{inner['lr'] * factor:.2g}")
    else:
        usual = _ADAM_RATE if adam else _SGD_RATE
        inner["lr"] = usual
        optim = _equal_rates(optim)
        why = f"random weights need more than fine-tuning: {usual} for {inner['type']}, at batches of 2 to 16"
    optim["optimizer"] = inner
    return Choice("optim_wrapper", optim, why)


def _equal_rates(optim: Section) -> Section:
    """Without what lets pretrained parts learn more slowly than the rest: rates by layer, multiplied rates."""
    kept = {key: value for key, value in optim.items() if key not in ("constructor", "paramwise_cfg")}
    keys = (optim.get("paramwise_cfg") or {}).get("custom_keys") or {}
    plain = {name: {k: v for k, v in node.items() if k != "lr_mult"} for name, node in keys.items()}
    plain = {name: node for name, node in plain.items() if node}
    return kept | ({"paramwise_cfg": {"custom_keys": plain}} if plain else {})


def schedule(count: int, power: float) -> Choice:
    """Warm-up over a twentieth, 1,500 at most; then a fall to 0 at the last step, in the recipe's polynomial."""
    warm = max(1, min(1_500, count // 20))
    rise = dict(type="LinearLR", start_factor=1e-3, by_epoch=False, begin=0, end=warm)
    fall = dict(type="PolyLR", power=power, eta_min=0.0, by_epoch=False, begin=warm, end=count)
    return Choice("param_scheduler", [rise, fall], f"{warm} steps of warm-up, then down to 0 at the last, {count}")


def interval(count: int, most: int = 10) -> Choice:
    """Validations: ten, or as many as the time allows."""
    return Choice("val_interval", max(1, -(-count // most)), f"{most} validations; the best by mIoU is kept")


def windows(facts: Facts, size: Size, own: Section) -> Choice:
    """Whole images; in windows where they are large, or where the recipe's model has a fixed size."""
    largest = max(tall * wide for tall, wide in zip(facts.pictures.heights, facts.pictures.widths, strict=True))
    if own.get("mode") != "slide" and largest <= WHOLE:
        return Choice("test_cfg", dict(mode="whole"), "images are measured whole, at their own size")
    stride = tuple(side * 2 // 3 for side in size)
    why = f"the largest image has {largest / 1e6:.1f} million pixels: it is measured in windows"
    if largest <= WHOLE:
        why = "the recipe's model has one size: images are measured in windows"
    return Choice("test_cfg", dict(mode="slide", crop_size=size, stride=stride), why)


def workers(facts: Facts) -> Choice:
    """Processes that read images: one per core, four at most; none beside a single core."""
    count = min(4, facts.cores) if facts.cores > 1 else 0
    return Choice("num_workers", count, f"one for each of {facts.cores} cores, 4 at most" if count else "one core")
