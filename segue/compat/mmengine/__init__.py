"""mmengine's names. The registries know Segue's components from here on."""

from segue.compat import components
from segue.compat.mmengine.registry import stand_behind

stand_behind(components)
