import SelfPatchData

/// Which detection of a class in an image found which object, at each of the ten overlaps; for objects of one size.
///
/// Detections choose in the order of their scores, each the free object that it overlaps most, of equals the last one. Objects of
/// another size and crowds are ignored: they are chosen only where no other object is overlapped enough, and what chooses them
/// counts neither as right nor as wrong; nor does what chooses nothing and has another size itself. A crowd may be chosen often.
/// Source: `evaluateImg` of pycocotools' COCOeval.
package struct DetectionMatching: Sendable {
    /// What matching asks of an object.
    package struct Object: Sendable {
        package let id: Int
        package let area: Double
        package let isCrowd: Bool

        package init(id: Int, area: Double, isCrowd: Bool) {
            self.id = id
            self.area = area
            self.isCrowd = isCrowd
        }
    }

    /// Places of the objects in the order in which they are gone through: those that are ignored come last.
    package let objectOrder: [Int]
    /// Of the objects in `objectOrder`, how many are not ignored; they come first.
    package let countedObjects: Int
    /// `[thresholds, detections]`: the place in `objectOrder` that was chosen, or -1.
    package let chosen: [Int32]
    /// `[thresholds, detections]`: whether it is neither right nor wrong.
    package let isIgnored: [Bool]

    /// - Parameters:
    ///   - areas: of the detections, which come in descending order of their scores.
    ///   - objects: in the order of the file.
    ///   - overlaps: `[detections, objects]`.
    package init(
        areas: [Double], objects: [Object], overlaps: [Double], size: COCOThresholds.Size,
        thresholds: [Double] = COCOThresholds.overlaps
    ) {
        precondition(
            overlaps.count == areas.count * objects.count,
            "\(overlaps.count) overlaps of \(areas.count) detections and \(objects.count) objects")
        let range = size.range
        func isCounted(_ object: Object) -> Bool { !object.isCrowd && range.contains(object.area) }
        let counted = objects.indices.filter { isCounted(objects[$0]) }
        let order = counted + objects.indices.filter { !isCounted(objects[$0]) }
        var chosen = [Int32](repeating: -1, count: thresholds.count * areas.count)
        var isIgnored = [Bool](repeating: false, count: chosen.count)
        var isTaken = [Bool](repeating: false, count: order.count)
        for (row, threshold) in thresholds.enumerated() {
            for place in isTaken.indices { isTaken[place] = false }
            for (detection, area) in areas.enumerated() {
                var best = min(threshold, 1 - 1e-10)
                var match = -1
                for (place, object) in order.enumerated() {
                    if isTaken[place], !objects[object].isCrowd { continue }
                    // An object that counts is at hand: what is ignored is no better.
                    if match >= 0, match < counted.count, place >= counted.count { break }
                    let overlap = overlaps[detection * objects.count + object]
                    if overlap < best { continue }
                    (best, match) = (overlap, place)
                }
                let entry = row * areas.count + detection
                if match >= 0 {
                    isTaken[match] = true
                    chosen[entry] = Int32(match)
                    isIgnored[entry] = match >= counted.count
                }
                // pycocotools marks a match by the object's id, and 0 is its mark for none.
                if match < 0 || objects[order[match]].id == 0, !range.contains(area) { isIgnored[entry] = true }
            }
        }
        objectOrder = order
        countedObjects = counted.count
        self.chosen = chosen
        self.isIgnored = isIgnored
    }

    /// The detections of one size in few bits: for each a bit a threshold.
    struct Bits: Sendable {
        /// Which found an object.
        var found: UInt16 = 0
        /// Which are neither right nor wrong.
        var ignored: UInt16 = 0
    }

    func bits(of detection: Int, among count: Int, _ objects: [Object]) -> Bits {
        var bits = Bits()
        for row in 0..<chosen.count / max(count, 1) {
            let entry = row * count + detection
            if chosen[entry] >= 0, objects[objectOrder[Int(chosen[entry])]].id != 0 { bits.found |= 1 << row }
            if isIgnored[entry] { bits.ignored |= 1 << row }
        }
        return bits
    }
}
