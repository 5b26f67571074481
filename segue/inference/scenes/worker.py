"""What computes blocks of a plan, one after the other: in this process or in one of Ray."""

from __future__ import annotations

from pathlib import Path

from segue.errors import DataError
from segue.inference.scenes.block import Block
from segue.inference.scenes.network import Network
from segue.inference.scenes.plan import Plan, Unit, largest_tile
from segue.inference.scenes.read import Scene, open_scene
from segue.inference.scenes.write import Look, gdal, write_block


class Worker:
    """Computes blocks of a plan, and writes them.

    Args:
        network: the model; every worker has the same.
        plan: what there is to do.
        folder: of the blocks.
    """

    def __init__(self, network: Network, plan: Plan, folder: Path) -> None:
        self.network, self.plan, self.folder = network, plan, folder
        if plan.sources:
            side = largest_tile(plan.settings, [source.size for source in plan.sources])
            network.warm(side, plan.settings.batch_size)
        self._scene: tuple[int, Scene] | None = None

    def do(self, unit: Unit) -> None:
        """One block; harmless where it is there already.

        Raises:
            DataError: it cannot be read or written.
        """
        with gdal():
            scene = self._open(unit.source)
            grid = self.plan.grid(unit.source)
            block = Block(scene, self.network, self.plan.settings, grid, unit.row, unit.column, self.plan.logits)
            found = block.compute()
            for kind in self.plan.settings.kinds:
                look = self.look(kind, scene, len(found[kind]))
                write_block(self.plan.block(self.folder, unit, kind), found[kind], look, (block.top, block.left))

    def look(self, kind: str, scene: Scene, bands: int) -> Look:
        """What a raster of a kind says of itself."""
        network = self.network
        return Look(kind, network.classes, network.palette, scene.crs, scene.transform, bands)

    def _open(self, index: int) -> Scene:
        if self._scene is None or self._scene[0] != index:
            self.close()
            source = self.plan.sources[index]
            scene = open_scene(source.path, self.network, self.plan.settings)
            if scene.size != source.size:
                scene.close()
                raise DataError(f"{source.path}: it has changed since the plan was made")
            self._scene = index, scene
        return self._scene[1]

    def close(self) -> None:
        """Close the scene that is open."""
        if self._scene is not None:
            self._scene[1].close()
            self._scene = None
