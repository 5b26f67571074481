"""How a planned town tile looks from above: ground, gardens, roads, shadows, then what stands there, then the camera.

The sun stands in the upper left, so shadows fall to the lower right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.town.canvas import SCALE, Canvas, blend, blend_polygon, fill, fill_window, noise, shape_of, window
from segue.convert.town.objects import paint_car, paint_roof, paint_tree
from segue.convert.town.plan import MARGIN, WALK, Plan, Points, box

GROUND = np.array([(98, 116, 66), (118, 128, 78), (86, 104, 62), (132, 130, 86)], np.float32)
ROUND = np.stack([np.cos(np.linspace(0, 6, 14)), np.sin(np.linspace(0, 6, 14))], axis=1)
FIELDS = np.array([(176, 160, 104), (120, 140, 70), (142, 118, 88), (150, 156, 92), (104, 126, 64)], np.float32)


def _ground(rng: np.random.Generator, plan: Plan, edge: Canvas) -> Canvas:
    """Grass in patches of several greens; fields with furrows where no road is near."""
    side = edge.shape[0]
    coarse, middle, fine = noise(rng, side, 240, 3), noise(rng, side, 60, 4), noise(rng, side, 5, 2)
    first, second, third, dry = GROUND
    canvas = np.empty((side, side, 3), np.float32)
    canvas[:] = first
    blend(canvas, second, np.clip(0.5 + 0.45 * coarse, 0, 1))
    blend(canvas, third, np.clip(0.35 * middle, 0, 0.8))
    blend(canvas, dry, np.clip(0.35 * (noise(rng, side, 130, 4) - 0.7), 0, 0.75))
    far = np.clip((edge - 62) / 3, 0, 1)
    rows, cols = np.mgrid[:side, :side].astype(np.float32) / SCALE
    cuts = [(rng.uniform(0, math.pi), rng.uniform(0.2, 0.8, 2) * side / SCALE) for _ in range(3)]
    region = np.zeros((side, side), np.uint8)
    for bit, (a, (x, y)) in enumerate(cuts):
        region |= (math.cos(a) * (cols - x) + math.sin(a) * (rows - y) > 0).astype(np.uint8) << bit
    for number in range(8):
        tilt, period = cuts[number % 3][0] + rng.choice([0, math.pi / 2]), rng.uniform(3.2, 5.5)
        color = FIELDS[int(rng.integers(len(FIELDS)))] * rng.uniform(0.94, 1.06)
        if rng.random() < 0.3:
            continue
        share = far * (region == number) * 0.9
        if not share.any():
            continue
        wave = np.sin(2 * math.pi * (np.cos(tilt) * cols + np.sin(tilt) * rows + 0.5 * middle) / period)
        picture = color + (7.0 * wave + 4.0 * middle)[..., None]
        blend(canvas, picture, share)
    canvas += (5.0 * fine + 3.0 * middle)[..., None] * np.array([1.0, 1.0, 0.8], np.float32)
    return canvas


def _gardens(rng: np.random.Generator, plan: Plan, canvas: Canvas) -> None:
    """Lots with a lawn of their own tint and some hedges; drives; pools with a pale border."""
    side = canvas.shape[0]
    rough = noise(rng, side, 4, 2)
    for house in plan.buildings:
        if house.lot is None or (place := window(house.lot, side)) is None:
            continue
        rows, cols, origin = place
        mask = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.float32)
        fill(mask, house.lot - origin)
        tint = np.array([104, 130, 70], np.float32) + rng.normal(0, 7, 3).astype(np.float32)
        blend(canvas[rows, cols], tint + 4 * rough[rows, cols, None], mask * 0.55)
        for a, b in ((0, 3), (1, 2), (2, 3)):
            if rng.random() < 0.45:
                hedge = np.zeros(mask.shape, np.uint8)
                ends = shape_of(house.lot[[a, b]] - origin)
                cv2.line(hedge, tuple(ends[0]), tuple(ends[1]), 255, int(2.2 * SCALE), cv2.LINE_AA, 4)
                shade = 0.85 + 0.18 * rough[rows, cols, None]
                leaves = np.array([58, 80, 44], np.float32) * shade
                blend(canvas[rows, cols], leaves, hedge.astype(np.float32) / 255 * 0.9)
    for house in plan.buildings:
        if house.drive is None or (place := window(house.drive, side)) is None:
            continue
        rows, cols, origin = place
        mask = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.float32)
        fill(mask, house.drive - origin)
        stone = np.array([[172, 164, 150], [158, 146, 128], [150, 150, 148]][house.color % 3], np.float32)
        blend(canvas[rows, cols], stone + 5 * rough[rows, cols, None], mask * 0.9)
    for pool in plan.pools:
        middle = pool.mean(axis=0)
        blend_polygon(canvas, (206, 200, 188), middle + (pool - middle) * 1.32)
        blend_polygon(canvas, (74, 164, 188), pool)
        blend_polygon(canvas, (112, 196, 210), middle + (pool - middle) * 0.55 - 0.6, 0.5)


def _edge_distance(plan: Plan) -> Canvas:
    """Distance of each painted pixel to the nearest carriageway, in plan pixels; junctions get rounded corners."""
    full = plan.size + 2 * MARGIN
    side = full * SCALE
    best: Canvas = np.full((side, side), 1e3, np.float32)
    for road in plan.roads:
        lines = np.full((side, side), 255, np.uint8)
        cv2.polylines(lines, [shape_of(road.line)], False, 0, 1, cv2.LINE_8, 4)
        near = cv2.distanceTransform(lines, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / SCALE - road.width / 2
        if road.turning:
            rows, cols = np.ogrid[:side, :side]
            x, y = road.line[-1] * SCALE
            near = np.minimum(near, (np.hypot(cols - x, rows - y) / SCALE - road.turning).astype(np.float32))
        # Smooth minimum (polynomial, 5 pixels wide): the kerb of a junction is a small arc.
        mix = np.clip(0.5 + (best - near) / 10, 0, 1)
        best = best * (1 - mix) + near * mix - 5 * mix * (1 - mix)
    return cv2.GaussianBlur(best, (0, 0), 1.2)


def _roads(rng: np.random.Generator, plan: Plan, canvas: Canvas, edge: Canvas) -> None:
    """Pavement, kerb, asphalt with wear and patches, dashed centre lines that stop at junctions."""
    side = canvas.shape[0]
    fine, stain = noise(rng, side, 3, 2), noise(rng, side, 50, 4)

    def within(limit: float) -> Canvas:
        return np.clip((limit - edge) * SCALE + 0.5, 0, 1)

    blend(canvas, np.array([168, 163, 152], np.float32) + (4 * fine + 4 * stain)[..., None], within(WALK))
    blend(canvas, (192, 189, 182), within(0.9))
    asphalt = np.array([104, 105, 108], np.float32) * rng.uniform(0.9, 1.12)
    wear = np.exp(-(((edge + 4.6) / 1.6) ** 2)) * 5  # wheels polish the lanes a little lighter
    blend(canvas, asphalt + (3.5 * fine + 4.5 * stain + wear)[..., None], within(0.0))
    for road in plan.roads:
        if rng.random() < 0.7:
            i = int(rng.integers(4, len(road.line) - 3))
            tangent = road.line[i + 1] - road.line[i]
            patch = box(road.line[i], rng.uniform(5, 14), road.width * 0.22, math.atan2(tangent[1], tangent[0]))
            blend_polygon(canvas, asphalt * rng.uniform(0.8, 0.9), patch, 0.8)
    for number, road in enumerate(plan.roads):
        if not road.dashed:
            continue
        paint = np.zeros((side, side), np.uint8)
        for i in range(4, len(road.line) - 4, 5):
            ends = shape_of(road.line[[i, i + 2]])
            cv2.line(paint, tuple(ends[0]), tuple(ends[1]), 255, SCALE, cv2.LINE_AA, 4)
        for other in plan.roads[:number] + plan.roads[number + 1 :]:
            # The junction: where the end of one road meets the line of the other.
            for line, end in ((road.line, other.line[0]), (road.line, other.line[-1]), (other.line, road.line[0])):
                if np.min(np.linalg.norm(line - end, axis=1)) < 12:
                    radius = (max(road.width, other.width) / 2 + 5) * SCALE
                    cv2.circle(paint, tuple(np.round(end * SCALE).astype(int)), round(radius), 0, -1)
        blend(canvas, (226, 224, 214), paint.astype(np.float32) / 255 * 0.85 * within(-3))


def _darken(canvas: Canvas, prisms: Sequence[tuple[Points, float]], sun: Points) -> None:
    """Cast the shadows of prisms (footprint, height): each footprint swept along the sun's direction."""
    mask = np.zeros(canvas.shape[:2], np.float32)
    for outline, height in prisms:
        reach = sun * height
        for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            fill_window(mask, np.array([a, b, b + reach, a + reach]))
        fill_window(mask, outline + reach)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.6 * SCALE)
    canvas *= 1 - soft[..., None] * np.array([0.54, 0.50, 0.39], np.float32)  # the sky lights shadows blue


def paint(plan: Plan, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint a plan: (size, size, 3) uint8, RGB."""
    turn, strength = rng.normal(math.pi / 4, 0.14), rng.uniform(0.5, 0.78)
    sun = strength * np.array([math.cos(turn), math.sin(turn)])
    edge = _edge_distance(plan)
    canvas = _ground(rng, plan, edge)
    _gardens(rng, plan, canvas)
    _roads(rng, plan, canvas, edge)
    _darken(canvas, [(box(np.array([car.x, car.y]), 6, 2.6, car.angle), 2.4) for car in plan.cars], sun)
    for car in plan.cars:
        paint_car(canvas, car)
    crowns = [(np.array([tree.x, tree.y]) + 0.95 * tree.radius * ROUND, 0.95 * tree.radius) for tree in plan.trees]
    _darken(canvas, [(house.outline, house.height) for house in plan.buildings] + crowns, sun)
    for house in plan.buildings:
        paint_roof(rng, canvas, house, sun)
    for tree in plan.trees:
        paint_tree(rng, canvas, tree, sun)
    return _camera(rng, canvas, plan.size)


def _camera(rng: np.random.Generator, canvas: Canvas, size: int) -> NDArray[np.uint8]:
    """Crop the margin, reduce, uneven light, contrast, slight blur, sensor noise."""
    inner = canvas[MARGIN * SCALE : (MARGIN + size) * SCALE, MARGIN * SCALE : (MARGIN + size) * SCALE]
    image: Canvas = cv2.resize(inner, (size, size), interpolation=cv2.INTER_AREA)
    image *= (1.05 + 0.035 * noise(rng, size, size, 1))[..., None] * rng.uniform(0.95, 1.06)
    image = image * np.array([rng.uniform(0.98, 1.03), 1.0, rng.uniform(0.96, 1.03)], np.float32)
    image = (image - 110) * 1.08 + 116
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.5))
    image += rng.normal(0, 2.0, image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)
