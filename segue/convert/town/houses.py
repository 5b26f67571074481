"""What stands along the roads: houses with their lots, drives and pools, then trees and cars."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.town.plan import MARGIN, WALK, Building, Car, Plan, Points, Tree, axes, box
from segue.convert.town.roads import edge_distance


def _footprint(rng: np.random.Generator, center: Points, angle: float, grand: bool) -> Building:
    """A rectangle or an L of two rectangles."""
    along, across = axes(angle)
    if grand:
        long, wide = rng.uniform(22, 38), rng.uniform(12, 18)
        roof, height = str(rng.choice(["flat", "flat", "flat", "hip"])), rng.uniform(16, 30)
    else:
        long, wide = rng.uniform(12, 18), rng.uniform(9, 12.5)
        roof, height = str(rng.choice(["gable", "gable", "gable", "hip", "flat"])), rng.uniform(10, 15)
    parts = [(center, long, wide)]
    outline = box(center, long, wide, angle)
    if rng.random() < 0.4 and roof != "hip":
        end, side = rng.choice([-1, 1]), rng.choice([-1, 1])
        arm, reach = wide * rng.uniform(0.75, 0.95), wide * rng.uniform(0.7, 1.1)
        wing = center + along * end * (long - arm) + across * side * (wide + reach)
        # The wing's ridge runs across the house, from its own gable back to the ridge of the house.
        parts.append((wing - across * side * wide / 2, arm, reach + wide / 2))
        u, v = end * along, side * across
        local = [(-long, -wide), (long, -wide), (long, wide + 2 * reach), (long - 2 * arm, wide + 2 * reach)]
        local += [(long - 2 * arm, wide), (-long, wide)]
        outline = np.array([center + a * u + b * v for a, b in local])
    return Building(parts, angle, outline, roof, int(rng.integers(0, 1000)), height)


def plan_buildings(rng: np.random.Generator, plan: Plan) -> NDArray[np.uint8]:
    """Rows of houses along both sides of each road, front to the road. Returns what is occupied (full, full)."""
    full = plan.size + 2 * MARGIN
    taken = (edge_distance(plan.roads, plan.size) < WALK + 3).astype(np.uint8)
    grand_town = rng.random() < 0.35
    density = rng.uniform(0.72, 0.95)
    for road in plan.roads:
        for side in (-1, 1):
            at, setback = rng.uniform(2, 8), rng.uniform(8, 16)
            while at < len(road.line) - 2:
                i = int(at)
                tangent = road.line[i + 1] - road.line[i]
                angle = math.atan2(tangent[1], tangent[0]) + (math.pi / 2 if rng.random() < 0.2 else 0.0)
                grand = rng.random() < (0.45 if grand_town else 0.07)
                _, across = axes(math.atan2(tangent[1], tangent[0]))
                edge = road.width / 2 + WALK + setback + rng.uniform(0, 4)
                center = road.line[i] + side * across * (edge + (16.0 if grand else 11.5))
                if rng.random() > density:
                    at += rng.uniform(8, 14)
                    continue
                house = _footprint(rng, center, angle + rng.normal(0, 0.02), grand)
                shape = np.round(house.outline).astype(np.int32)
                canvas = np.zeros((full, full), np.uint8)
                cv2.fillPoly(canvas, [shape], 1)
                cv2.polylines(canvas, [shape], True, 1, 11)
                if not canvas.any() or (canvas & taken).any():
                    at += 2
                    continue
                taken |= canvas
                foot = road.line[i] + side * across * road.width / 2
                along, _ = axes(math.atan2(tangent[1], tangent[0]))
                shift = along * rng.uniform(-8, 8)
                gate = (foot + shift + center + shift) / 2
                reach = float(np.linalg.norm(center - foot)) / 2
                house.drive = box(gate, reach, rng.uniform(2.5, 4.0), math.atan2(across[1], across[0]))
                house.lot = box(center + side * across * 5, 24 if not grand else 46, 33, math.atan2(along[1], along[0]))
                if not grand and rng.random() < 0.16:
                    spot = center + side * across * rng.uniform(24, 28) + along * rng.uniform(-8, 8)
                    pool = box(spot, rng.uniform(5, 8), rng.uniform(3, 4), angle)
                    patch = np.zeros_like(taken)
                    cv2.fillPoly(patch, [np.round(box(spot, 12, 8, angle)).astype(np.int32)], 1)
                    if not (patch & taken).any():
                        taken |= patch
                        plan.pools.append(pool)
                plan.buildings.append(house)
                at += 4
    return taken


def plan_trees(rng: np.random.Generator, plan: Plan, taken: NDArray[np.uint8]) -> None:
    """Single garden trees and, away from the roads, small woods; none hides a road or a roof by more than its rim."""
    full = plan.size + 2 * MARGIN
    free = cv2.distanceTransform(1 - taken, cv2.DIST_L2, 5)
    woods = [(rng.uniform(0, full, 2), rng.uniform(20, 60)) for _ in range(max(1, round((full / 200) ** 2)))]
    for number in range(int(full * full / 330)):
        if number % 2:
            center, spread = woods[int(rng.integers(len(woods)))]
            x, y = rng.normal(center, spread)
        else:
            x, y = rng.uniform(0, full, 2)
        radius = float(np.clip(rng.gamma(9.0, 0.72), 2.6, 12.0))
        column, row = int(x), int(y)
        if not (0 <= column < full and 0 <= row < full) or free[row, column] < radius * 0.85:
            continue
        if number % 2 == 0 and rng.random() < 0.55:
            continue
        plan.trees.append(Tree(float(x), float(y), radius, float(rng.random())))
    plan.trees.sort(key=lambda tree: tree.radius)


def plan_cars(rng: np.random.Generator, plan: Plan) -> None:
    """Cars drive on the right; a few stand on drives."""
    spots: list[Points] = []
    for road in plan.roads:
        at = rng.uniform(2, 20)
        while at < len(road.line) - 8:
            i = int(at)
            at += rng.uniform(10, 42)
            tangent = road.line[i + 1] - road.line[i]
            side = rng.choice([-1, 1])
            heading = math.atan2(tangent[1], tangent[0])
            _, across = axes(heading)
            place = road.line[i] + side * across * road.width * 0.25
            if all(np.linalg.norm(place - other) > 17 for other in spots):
                spots.append(place)
                heading += rng.normal(0, 0.03) + (0.0 if side > 0 else math.pi)
                plan.cars.append(Car(float(place[0]), float(place[1]), heading, int(rng.integers(0, 1000))))
    for house in plan.buildings:
        if house.drive is not None and rng.random() < 0.3:
            foot = house.drive[[0, 3]].mean(axis=0)
            ahead = house.drive[[1, 2]].mean(axis=0) - foot
            reach = float(np.linalg.norm(ahead))
            place = foot + ahead / reach * min(reach, 14.0)
            heading = math.atan2(ahead[1], ahead[0])
            plan.cars.append(Car(float(place[0]), float(place[1]), heading, int(rng.integers(0, 1000))))
