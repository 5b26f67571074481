_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['uda'], allow_failed_imports=False)
seed = 7
max_iters = 2
load_from = 'weights.pth'
student = {{_base_.model}}
data_preprocessor = student.pop('data_preprocessor')
model = dict(
    _delete_=True, type='DACS', model=student, alpha=0.9, pseudo_threshold=0.4, data_preprocessor=data_preprocessor)
target_dataloader = {{_base_.val_dataloader}}
target_dataloader.update(batch_size=2, sampler=dict(type='InfiniteSampler', shuffle=False))
target_dataloader['dataset']['pipeline'] = {{_base_.train_pipeline}}
