_base_ = ['_base_/fcn_r18_0x.py', '_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['hooks_0x'], allow_failed_imports=False)
custom_hooks = [dict(type='LinesHook', name='log.json')]
model = dict(decode_head=dict(type='LovelyFCNHead', weight=0.7))
