from mmengine.registry import LOOPS
from mmengine.runner import IterBasedTrainLoop


@LOOPS.register_module()
class CountingTrainLoop(IterBasedTrainLoop):
    """Counts the images that were seen, and brightens every second batch."""

    def __init__(self, *args, shift=10, **kwargs):
        super().__init__(*args, **kwargs)
        self.shift, self.images = shift, 0

    def run_iter(self, data_batch):
        self.images += len(data_batch['inputs'])
        if self._iter % 2:
            data_batch['inputs'] = [img.clamp(max=255 - self.shift) + self.shift for img in data_batch['inputs']]
        super().run_iter(data_batch)
