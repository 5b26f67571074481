_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['edge_losses'], allow_failed_imports=False)
model = dict(
    decode_head=dict(
        loss_decode=[
            dict(type='OldFormLoss', loss_weight=0.5),
            dict(type='PolyLoss', epsilon=2.0, loss_weight=0.3),
            dict(type='EdgeDice', loss_weight=0.2, class_weight=[1.0, 0.5, 2.0]),
            dict(type='BalancedCE', loss_weight=0.1),
        ]))
