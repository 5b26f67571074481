_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['adversary', 'adversary.optional_kernels'], allow_failed_imports=True)
model = dict(type='AdversarialEncoderDecoder', epsilon=4.0, decode_head=dict(type='BoundedFCNHead'))
optim_wrapper = dict(clip_grad=dict(_delete_=True, max_norm=2.0))
