"""Where the roads run: through roads that wind across the tile, and side roads that leave them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.town.plan import MARGIN, Plan, Points, Road, axes


def road_polygon(road: Road) -> Points:
    """The carriageway as one polygon: the left edge forth, the turning circle if there is one, the right edge back."""
    step = np.gradient(road.line, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.linalg.norm(step, axis=1, keepdims=True)
    left, right = road.line + normal * road.width / 2, road.line - normal * road.width / 2
    if not road.turning:
        return np.concatenate([left, right[::-1]])
    start = math.atan2(*(normal[-1][::-1]))
    reach = math.pi - math.asin(min(1.0, road.width / 2 / road.turning))
    turn = start - math.pi / 2 + np.linspace(reach, -reach, 24)
    circle = road.line[-1] + road.turning * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.concatenate([left[:-2], circle, right[:-2][::-1]])


def _grow(rng: np.random.Generator, start: Points, heading: float, length: float, bend: float) -> Points:
    """A smooth centre line: the heading drifts as a slow wave."""
    steps = int(length / 3)
    phase, period = rng.uniform(0, 2 * math.pi), rng.uniform(170, 320)
    along = np.arange(steps) * 3.0
    angle = heading + bend * (np.sin(2 * math.pi * along / period + phase) - math.sin(phase))
    moves = 3.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    line: Points = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    return line


def _inside(points: Points, size: int, slack: float) -> NDArray[np.bool_]:
    """Which points lie on the padded tile or at most ``slack`` pixels off it."""
    inside: NDArray[np.bool_] = np.all((points > -slack) & (points < size + 2 * MARGIN + slack), axis=1)
    return inside


def edge_distance(roads: Sequence[Road], size: int) -> NDArray[np.float32]:
    """Distance of each padded pixel to the nearest carriageway edge; negative on it."""
    full = size + 2 * MARGIN
    best = np.full((full, full), 1e4, np.float32)
    for road in roads:
        canvas = np.full((full, full), 255, np.uint8)
        cv2.polylines(canvas, [np.round(road.line).astype(np.int32)], False, 0, 1)
        best = np.minimum(best, cv2.distanceTransform(canvas, cv2.DIST_L2, 5) - road.width / 2)
        if road.turning:
            rows, cols = np.ogrid[:full, :full]
            circle = np.hypot(cols - road.line[-1][0], rows - road.line[-1][1]) - road.turning
            best = np.minimum(best, circle.astype(np.float32))
    return best


def plan_roads(rng: np.random.Generator, plan: Plan) -> None:
    """One through road for each 300 pixels of tile, then side roads that leave it at about right angles."""
    size, full = plan.size, plan.size + 2 * MARGIN
    heading = rng.uniform(0, math.pi)
    through = max(1, round(size / 400))
    for number in range(through):
        _, across = axes(heading)
        middle = np.array([full / 2, full / 2]) + across * (number - (through - 1) / 2) * 230
        middle = middle + rng.uniform(-0.14, 0.14, 2) * size
        bend = rng.uniform(0.1, 0.4)
        ahead = _grow(rng, middle, heading, full, bend)
        back = _grow(rng, middle, heading + math.pi, full, rng.uniform(0.1, 0.4))
        line = np.concatenate([back[:0:-1], ahead])
        keep = _inside(line, size, 40)
        plan.roads.append(Road(line[keep], rng.uniform(17, 21), dashed=True))
    queue = list(plan.roads)
    while queue and len(plan.roads) < 3 + (size // 128) ** 2 // 2:
        parent = queue.pop(0)
        at = rng.uniform(10, 30)
        while at < len(parent.line) - 12:
            i = int(at)
            at += rng.uniform(26, 46)
            tangent = parent.line[i] - parent.line[i - 1]
            side = rng.choice([-1, 1])
            direction = math.atan2(tangent[1], tangent[0]) + side * (math.pi / 2 + rng.uniform(-0.2, 0.2))
            if not _inside(parent.line[i : i + 1], size, -20)[0] or rng.random() < 0.25:
                continue
            line = _grow(rng, parent.line[i], direction, rng.uniform(110, 420), rng.uniform(0.0, 0.3))
            field_ = edge_distance(plan.roads, size)
            first = int((parent.width / 2 + 52) / 3)  # leave room for a row of houses beside the parent
            cells = np.clip(np.round(line).astype(int), 0, full - 1)
            near = field_[cells[:, 1], cells[:, 0]] < 8
            outside = ~_inside(line, size, 30)
            hit = np.flatnonzero(near[first:])
            leave = np.flatnonzero(outside)
            end, turning = len(line), 13.0
            if len(leave):
                end, turning = int(leave[0]), 0.0
            if len(hit) and hit[0] + first < end:
                end, turning = min(int(hit[0]) + first + 5, len(line)), 0.0
            middle = cells[first : max(first + 1, end - 14)]
            if end < first + 12 or field_[middle[:, 1], middle[:, 0]].min() < 42:
                continue
            road = Road(line[:end], rng.uniform(12.5, 15.5), dashed=bool(rng.random() < 0.4), turning=turning)
            plan.roads.append(road)
            queue.append(road)
