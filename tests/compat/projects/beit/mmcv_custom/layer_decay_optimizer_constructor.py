import json

from mmcv.runner import OPTIMIZER_BUILDERS, DefaultOptimizerConstructor
from mmcv.runner import get_dist_info


def get_num_layer(var_name, num_max_layer):
    if var_name.startswith('backbone.layer'):
        return min(int(var_name[len('backbone.layer')]), num_max_layer - 1)
    if var_name.startswith('backbone'):
        return 0
    return num_max_layer - 1


@OPTIMIZER_BUILDERS.register_module()
class StageDecayOptimizerConstructor(DefaultOptimizerConstructor):

    def add_params(self, params, module, prefix='', is_dcn_module=None):
        parameter_groups = {}
        num_layers = self.paramwise_cfg.get('num_layers') + 2
        layer_decay_rate = self.paramwise_cfg.get('layer_decay_rate')
        weight_decay = self.base_wd
        for name, param in module.named_parameters():
            if not param.requires_grad:
                continue
            if len(param.shape) == 1 or name.endswith('.bias') or name in ('pos_embed', 'cls_token'):
                group_name, this_weight_decay = 'no_decay', 0.
            else:
                group_name, this_weight_decay = 'decay', weight_decay
            layer_id = get_num_layer(name, num_layers)
            group_name = 'layer_%d_%s' % (layer_id, group_name)
            if group_name not in parameter_groups:
                scale = layer_decay_rate**(num_layers - layer_id - 1)
                parameter_groups[group_name] = {
                    'weight_decay': this_weight_decay,
                    'params': [],
                    'param_names': [],
                    'lr_scale': scale,
                    'group_name': group_name,
                    'lr': scale * self.base_lr,
                }
            parameter_groups[group_name]['params'].append(param)
            parameter_groups[group_name]['param_names'].append(name)
        rank, _ = get_dist_info()
        if rank == 0:
            to_display = {key: dict(lr=group['lr']) for key, group in parameter_groups.items()}
            print('Param groups = %s' % json.dumps(to_display, indent=2))
        params.extend(parameter_groups.values())
