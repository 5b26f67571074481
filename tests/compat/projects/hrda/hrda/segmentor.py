from copy import deepcopy

from mmseg.core import add_prefix
from mmseg.models.builder import SEGMENTORS
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.ops import resize


@SEGMENTORS.register_module()
class HRDAEncoderDecoder(EncoderDecoder):

    def __init__(self, backbone, decode_head, neck=None, auxiliary_head=None, train_cfg=None, test_cfg=None,
                 pretrained=None, init_cfg=None, scales=[1], feature_scale=None):
        self.feature_scale_all_strs = ['all']
        super(HRDAEncoderDecoder, self).__init__(
            backbone=deepcopy(backbone),
            decode_head=decode_head,
            neck=neck,
            auxiliary_head=auxiliary_head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            pretrained=pretrained,
            init_cfg=init_cfg)
        self.scales = scales

    def extract_unscaled_feat(self, img):
        x = self.backbone(img)
        if self.with_neck:
            x = self.neck(x)
        return x

    def extract_feat(self, img):
        mres_feats = []
        for s in self.scales:
            scaled = img if s == 1 else resize(img, scale_factor=s, mode='bilinear', align_corners=False)
            mres_feats.append(self.extract_unscaled_feat(scaled))
        return mres_feats

    def encode_decode(self, img, img_metas):
        out = self._decode_head_forward_test(self.extract_feat(img), img_metas)
        return resize(input=out, size=img.shape[2:], mode='bilinear', align_corners=self.align_corners)

    def forward_train(self, img, img_metas, gt_semantic_seg, seg_weight=None, return_feat=False):
        losses = dict()
        mres_feats = self.extract_feat(img)
        if return_feat:
            losses['features'] = mres_feats
        loss_decode = self.decode_head.forward_train(mres_feats, img_metas, gt_semantic_seg, self.train_cfg,
                                                     seg_weight)
        losses.update(add_prefix(loss_decode, 'decode'))
        return losses
