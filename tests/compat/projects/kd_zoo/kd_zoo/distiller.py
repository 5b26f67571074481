import torch
from mmcv.runner import force_fp32
from mmseg.core import add_prefix
from mmseg.models import build_segmentor
from mmseg.models.builder import SEGMENTORS, build_loss, build_neck
from mmseg.models.segmentors import EncoderDecoder
from mmseg.ops import resize


@SEGMENTORS.register_module()
class Distiller(EncoderDecoder):
    """A student beside a frozen teacher; gradients are taken in its own step."""

    def __init__(self, teacher_cfg, distill_loss, adapter, **kwargs):
        super(Distiller, self).__init__(**kwargs)
        self.teacher = build_segmentor(teacher_cfg)
        self.distill_loss = build_loss(distill_loss)
        self.adapter = build_neck(adapter)
        for p in self.teacher.parameters():
            p.requires_grad = False
        self.fp16_enabled = False
        self.local_iter = 0

    def train(self, mode=True):
        super(Distiller, self).train(mode)
        self.teacher.eval()
        return self

    @force_fp32(apply_to=('student', 'teacher'))
    def distill(self, student, teacher):
        teacher = resize(teacher, size=student.shape[2:], mode='bilinear', align_corners=False)
        return {self.distill_loss.loss_name: self.distill_loss(self.adapter(student), teacher)}

    def forward_train(self, img, img_metas, gt_semantic_seg):
        x = self.extract_feat(img)
        losses = dict()
        seg_logits = self.decode_head.forward(x)
        losses.update(add_prefix(self.decode_head.losses(seg_logits, gt_semantic_seg), 'decode'))
        with torch.no_grad():
            teacher = self.teacher.encode_decode(img, img_metas)
        losses.update(add_prefix(self.distill(seg_logits, teacher), 'kd'))
        assert img_metas[0]['img_norm_cfg']['to_rgb'] and gt_semantic_seg.dim() == 4
        return losses

    def train_step(self, data_batch, optimizer, **kwargs):
        losses = self(**data_batch)
        loss, log_vars = self._parse_losses(losses)
        self.local_iter += 1
        log_vars['local_iter'] = float(self.local_iter)
        return dict(loss=loss * 0.5, log_vars=log_vars, num_samples=len(data_batch['img_metas']))
