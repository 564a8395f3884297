import SelfPatchModel

/// Tensors by the parts of their names, numbered parts that are alike shown once.
struct TensorTree {
    private var root = Part(name: "")

    /// A name may have any number of dots; a tree as deep as that would not fit on the stack.
    private static let deepest = 12

    init(_ tensors: [CheckpointInspection.Tensor]) {
        for tensor in tensors {
            root.insert(tensor.name.split(separator: ".", maxSplits: Self.deepest)[...], tensor)
        }
    }

    /// One line a tensor or part, those of a part indented below it.
    var lines: [String] { root.linesBelow }

    /// What names have in common up to a dot.
    private struct Part {
        var name: String
        /// The tensor itself, where its name ends here.
        var tensor: String?
        var numbers = 0
        var tensorCount = 0
        var parts: [Part] = []
        var places: [String: Int] = [:]

        init(name: String) { self.name = name }

        mutating func insert(_ names: ArraySlice<Substring>, _ tensor: CheckpointInspection.Tensor) {
            numbers &+= tensor.count
            tensorCount += 1
            guard let first = names.first else {
                self.tensor = "\(tensor.elementType) \(tensor.shape)"
                return
            }
            let name = String(first)
            let place = places[name] ?? parts.count
            if place == parts.count {
                places[name] = place
                parts.append(Part(name: name))
            }
            parts[place].insert(names.dropFirst(), tensor)
        }

        func renamed(_ name: String) -> Part {
            var part = self
            part.name = name
            return part
        }

        /// All names, types and shapes below; equal for parts that are alike.
        var content: [String] {
            parts.flatMap { part in part.content.map { "\(part.name).\($0)" } } + (tensor.map { [$0] } ?? [])
        }

        var lines: [String] {
            // A chain of parts with nothing beside them is one line.
            if tensor == nil, parts.count == 1 { return parts[0].renamed("\(name).\(parts[0].name)").lines }
            let what = tensor ?? "(\(tensorCount) tensors, \(TensorTree.grouped(numbers)) numbers)"
            return ["\(name)  \(what)"] + linesBelow.map { "  " + $0 }
        }

        var linesBelow: [String] {
            var lines: [String] = []
            var index = 0
            while index < parts.count {
                let part = parts[index]
                var end = index + 1
                if Int(part.name) != nil, part.tensor == nil {
                    let content = part.content
                    while end < parts.count, Int(parts[end].name) != nil, parts[end].content == content { end += 1 }
                }
                let isAlone = end - index == 1
                lines += (isAlone ? part : part.renamed("\(part.name) to \(parts[end - 1].name), each")).lines
                index = end
            }
            return lines
        }
    }

    /// 5523648 as `5,523,648`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }
}
