_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['gears'], allow_failed_imports=False)
model = dict(type='DoubledEncoderDecoder')
