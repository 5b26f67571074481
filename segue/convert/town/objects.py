"""How single things look from above: roofs, trees, cars. Each is painted on the part of the canvas that it touches."""

from __future__ import annotations

import math

import cv2
import numpy as np

from segue.convert.town.canvas import SCALE, Canvas, blend, cover_local, window
from segue.convert.town.plan import Building, Car, Points, Tree, axes, box

TILED_ROOFS = [(178, 98, 70), (160, 82, 62), (142, 98, 76), (116, 88, 78), (96, 100, 110), (190, 120, 88)]
TILED_ROOFS += [(124, 66, 58), (178, 98, 70)]
FLAT_ROOFS = [(188, 186, 180), (158, 158, 156), (206, 200, 188), (128, 132, 138), (150, 140, 128), (110, 138, 152)]
CAR_PAINTS = [(232, 232, 230), (46, 48, 54), (150, 154, 158), (164, 40, 36), (44, 78, 132), (206, 206, 200)]


def paint_roof(rng: np.random.Generator, canvas: Canvas, house: Building, sun: Points) -> None:
    """Paint one building; each slope is lit by how much it faces the sun."""
    place = window(house.outline, canvas.shape[0], pad=2)
    if place is None:
        return
    rows, cols, origin = place
    view = canvas[rows, cols]
    local_y, local_x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32) / SCALE
    grain = rng.standard_normal(view.shape[:2]).astype(np.float32)
    palette = FLAT_ROOFS if house.roof == "flat" else TILED_ROOFS
    color = np.array(palette[house.color % len(palette)], np.float32) * rng.uniform(0.93, 1.07)
    if house.roof == "flat":
        _flat_roof(rng, view, house, color, grain, origin)
        return
    light = -sun / np.linalg.norm(sun)
    for number, (center, half_u, half_v) in enumerate(house.parts):
        along, across = axes(house.angle)
        dx, dy = local_x - (center[0] - origin[0]), local_y - (center[1] - origin[1])
        u = (dx * along[0] + dy * along[1]).astype(np.float32)
        v = (dx * across[0] + dy * across[1]).astype(np.float32)
        if number == 1 or half_v > half_u:
            along, across, u, v, half_u, half_v = across, along, v, u, half_v, half_u
        lit = np.where(v > 0, 1.0, -1.0) * float(across @ light)
        course = v
        if house.roof == "hip":
            slope = np.abs(u) - (half_u - half_v) > np.abs(v)
            lit = np.where(slope, np.where(u > 0, 1.0, -1.0) * float(along @ light), lit)
            course = np.where(slope, u, v)
            crease = np.minimum(np.abs(np.abs(u) - (half_u - half_v) - np.abs(v)), np.where(slope, 9, np.abs(v)))
        else:
            crease = np.abs(v)
        bands = 0.025 * np.sin(2 * math.pi * np.abs(course) / 1.9)
        shade = 0.86 + 0.2 * lit + bands + 0.02 * grain + 0.1 * np.clip(1 - crease / 0.8, 0, 1)
        part = cover_local(view.shape, box(center, half_u, half_v, math.atan2(along[1], along[0])) - origin)
        if number == 1:  # the wing's roof meets the house's where both are equally high: a valley at 45 degrees
            main, _, main_v = house.parts[0]
            _, normal = axes(house.angle)
            w = np.abs((local_x + origin[0] - main[0]) * normal[0] + (local_y + origin[1] - main[1]) * normal[1])
            part *= half_v - np.abs(v) > main_v - w
        blend(view, color * shade[..., None], part)
    for _ in range(int(rng.integers(0, 4))):
        center, half_u, half_v = house.parts[0]
        along, across = axes(house.angle)
        spot = center + along * half_u * rng.uniform(-0.7, 0.7) + across * half_v * rng.uniform(-0.6, 0.6)
        small = box(spot, 1.3, 1.0, house.angle)
        blend(view, (70, 62, 58), cover_local(view.shape, small + sun * 1.2 - origin) * 0.45)
        blend(view, [(148, 110, 96), (196, 204, 212)][int(rng.integers(2))], cover_local(view.shape, small - origin))


def _flat_roof(
    rng: np.random.Generator, view: Canvas, house: Building, color: Canvas, grain: Canvas, origin: Points
) -> None:
    """A pale parapet around a flat surface with boxes, skylights and sometimes solar panels on it."""
    outline = house.outline - origin
    whole = cover_local(view.shape, outline)
    inner = np.clip(cv2.distanceTransform((whole > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / SCALE - 1.1, 0, 1)
    blend(view, np.minimum(color * 1.14 + 8, 238), whole)
    smooth = cv2.GaussianBlur(grain, (0, 0), 9) * 14
    blend(view, color * (0.96 + 0.02 * grain + 0.05 * smooth)[..., None], inner)
    along, across = axes(house.angle)
    solar = rng.random() < 0.35
    for center, half_u, half_v in house.parts[:1]:
        if solar:
            for u in np.arange(-half_u + 5, half_u - 8, 5.0):
                panel = box(center + along * u + across * half_v * 0.35, 1.9, half_v * 0.32, house.angle) - origin
                blend(view, (44, 58, 92), cover_local(view.shape, panel))
                glint = np.concatenate([panel[:2], panel[1::-1] + np.array([0, 0.6])])
                blend(view, (92, 110, 146), cover_local(view.shape, glint) * 0.6)
        for _ in range(int(rng.integers(1, 5))):
            spot = center + along * half_u * rng.uniform(-0.75, 0.75) - across * half_v * rng.uniform(0.05, 0.65)
            unit = box(spot, rng.uniform(1.2, 3.0), rng.uniform(1.0, 2.2), house.angle) - origin
            blend(view, (66, 66, 72), cover_local(view.shape, unit + 1.2) * 0.55)
            metal = [(218, 218, 214), (170, 176, 180), (120, 150, 172)][int(rng.integers(3))]
            blend(view, metal, cover_local(view.shape, unit))


def paint_tree(rng: np.random.Generator, canvas: Canvas, tree: Tree, sun: Points) -> None:
    """A round canopy of leaf clumps, bright towards the sun."""
    r = tree.radius
    place = window(np.array([[tree.x - r, tree.y - r], [tree.x + r, tree.y + r]]), canvas.shape[0])
    if place is None:
        return
    rows, cols, origin = place
    view = canvas[rows, cols]
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32) / SCALE
    x, y = x - (tree.x - origin[0]), y - (tree.y - origin[1])
    light = -sun / np.linalg.norm(sun)
    angle = np.arctan2(y, x)
    waves = np.zeros_like(angle)
    for lobes in (3, 5, 7, 11):
        waves += rng.uniform(0.03, 0.08) * np.sin(lobes * angle + rng.uniform(0, 6.3))
    far = np.hypot(x, y) / (r * (0.95 + waves))
    mask = np.clip((1 - far) * r * SCALE * 0.8, 0, 1)
    clumps = np.zeros(view.shape[:2], np.float32)
    for _ in range(int(6 + 2.2 * r)):
        a, d, s = rng.uniform(0, 6.3), r * math.sqrt(rng.uniform(0, 0.85)), r * rng.uniform(0.16, 0.3)
        cx, cy = d * math.cos(a), d * math.sin(a)
        bump = np.clip(1 - ((x - cx) ** 2 + (y - cy) ** 2) / s**2, 0, 1)
        lit = ((x - cx) * light[0] + (y - cy) * light[1]) / s
        clumps = np.maximum(clumps, bump * (0.55 + 0.45 * lit)).astype(np.float32)
    dome = (x * light[0] + y * light[1]) / r
    shade = 0.72 + 0.26 * dome + 0.42 * clumps + 0.04 * rng.standard_normal(view.shape[:2])
    base = np.array([66, 92, 44], np.float32) * (1 - tree.hue) + np.array([96, 112, 56], np.float32) * tree.hue
    blend(view, base * shade[..., None].astype(np.float32), mask.astype(np.float32))


def paint_car(canvas: Canvas, car: Car) -> None:
    """Body, cabin glass, roof."""
    place = window(box(np.array([car.x, car.y]), 7, 4, car.angle), canvas.shape[0])
    if place is None:
        return
    rows, cols, origin = place
    view = canvas[rows, cols]
    middle = np.array([car.x, car.y]) - origin
    along, across = axes(car.angle)
    paint = np.array(CAR_PAINTS[car.color % len(CAR_PAINTS)], np.float32)
    nose = [(-6, -2.2), (-5.4, -2.6), (5, -2.6), (6, -1.8), (6, 1.8), (5, 2.6), (-5.4, 2.6), (-6, 2.2)]
    body = np.array([middle + u * along + v * across for u, v in nose])
    blend(view, paint, cover_local(view.shape, body))
    blend(view, (38, 46, 56), cover_local(view.shape, box(middle - 0.4 * along, 3.6, 2.1, car.angle)))
    roof = box(middle - 0.7 * along, 2.1, 1.9, car.angle)
    blend(view, np.minimum(paint * 1.08 + 8, 250), cover_local(view.shape, roof))
