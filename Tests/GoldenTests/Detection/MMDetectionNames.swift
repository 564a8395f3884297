/// What mmdetection calls the parameters of a Mask R-CNN on the authors' backbone.
enum MMDetectionNames {
    /// Our parts and theirs.
    private static let parts = [
        ("levels.0.first", "backbone.fpn1.0"), ("levels.0.norm", "backbone.fpn1.1"),
        ("levels.0.second", "backbone.fpn1.3"), ("levels.1.first", "backbone.fpn2.0"),
        ("proposals.hidden", "rpn_head.rpn_conv"), ("proposals.objectness", "rpn_head.rpn_cls"),
        ("proposals.shift", "rpn_head.rpn_reg"), ("boxes.hidden", "roi_head.bbox_head.shared_fcs"),
        ("boxes.classes", "roi_head.bbox_head.fc_cls"), ("boxes.shift", "roi_head.bbox_head.fc_reg"),
        ("masks.doubling", "roi_head.mask_head.upsample"), ("masks.logits", "roi_head.mask_head.conv_logits"),
    ]
    /// Lists of convolutions, whose parts lie one name deeper there.
    private static let lists = [
        ("pyramid.lateral", "neck.lateral_convs"), ("pyramid.output", "neck.fpn_convs"),
        ("masks.convolutions", "roi_head.mask_head.convs"),
    ]

    /// - Parameter name: of a parameter or running statistic of `MaskRCNN`; the backbone's are the same.
    static func name(of name: String) -> String {
        for (ours, theirs) in parts where name.hasPrefix(ours + ".") {
            return theirs + name.dropFirst(ours.count)
        }
        for (ours, theirs) in lists where name.hasPrefix(ours + ".") {
            let rest = name.dropFirst(ours.count + 1).split(separator: ".", maxSplits: 1)
            if rest.count == 2 { return "\(theirs).\(rest[0]).conv.\(rest[1])" }
        }
        return name
    }
}
