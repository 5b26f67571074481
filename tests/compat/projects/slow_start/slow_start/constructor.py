from mmengine.optim import DefaultOptimWrapperConstructor
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class DepthDecayConstructor(DefaultOptimWrapperConstructor):
    """Each stage learns slower than the one after it."""

    def add_params(self, params, module, **kwargs):
        decay = self.paramwise_cfg.get('decay_rate', 0.9)
        groups = {}
        for name, param in module.named_parameters():
            if not param.requires_grad:
                continue
            depth = 0 if not name.startswith('backbone') else 5
            if name.startswith('backbone.layer'):
                depth = 5 - int(name[len('backbone.layer')])
            no_decay = param.ndim == 1
            key = f'{depth}_{no_decay}'
            if key not in groups:
                groups[key] = dict(
                    params=[],
                    lr=self.base_lr * decay**depth,
                    weight_decay=0. if no_decay else self.base_wd,
                    param_names=[])
            groups[key]['params'].append(param)
            groups[key]['param_names'].append(name)
        params.extend(groups.values())
