import Foundation
import SelfPatchFormats
import SelfPatchTensors

/// A table of positions that resizes itself in an ONNX graph, by the rule of the program that trained it.
///
/// It is `PositionRule.resizing` in operators: each axis has a matrix of its cubic's weights, made in the graph of the number of
/// patches. ONNX has a Resize of its own, but what it does by given scales where the size stays the same is left to the
/// runtime, and its antialiasing needs opset 18. Everything here is float32, whatever the model is.
struct ONNXPositions {
    private let table: PositionTable

    init(_ table: PositionTable) { self.table = table }

    private var isSmoothed: Bool { table.rule == .antialiasedSize }
    /// How often the outermost entry is repeated: as far as four taps reach.
    private var border: Int { isSmoothed ? 0 : 2 }

    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - map: `[batch, width, rows, columns]`, of which the grid is taken.
    /// - Returns: `[1, rows * columns, width]`
    func add(to network: inout ONNXNetwork, images: ONNXGraph.Value, map: ONNXGraph.Value) -> ONNXGraph.Value {
        let width = table.weight.size(2)
        let (entries, padded) = padded()
        let height = size(of: map, 2, "pos_embed.rows", &network.graph)
        let breadth = size(of: map, 3, "pos_embed.columns", &network.graph)
        let untouched = untouched(images, height, breadth, &network.graph)
        let rows = weights(table.grid.rows, height, untouched, "pos_embed.rows", &network.graph)
        let columns = weights(table.grid.columns, breadth, untouched, "pos_embed.columns", &network.graph)
        let constant = network.graph.constant(
            "pos_embed", .float32, [entries.rows, entries.columns * width], padded.withBytes { Data($0) })
        let tall = network.graph.add("MatMul", [rows, constant], name: "pos_embed.tall")
        let split = network.constant("pos_embed.split", [-1, entries.columns, width])
        let parted = network.graph.add("Reshape", [tall, split], name: "pos_embed.parted")
        let wide = network.graph.add("MatMul", [columns, parted], name: "pos_embed.wide")
        let flat = network.constant("pos_embed.flat", [1, -1, width])
        return network.graph.add("Reshape", [wide, flat], name: "pos_embed.resized")
    }

    /// The table with its border repeated, and its grid then.
    private func padded() -> (entries: Grid, table: Tensor) {
        let grid = table.grid
        func places(_ count: Int) -> Tensor {
            let places = (-border..<count + border).map { min(max($0, 0), count - 1) }
            return Tensor(places, shape: [places.count])
        }
        let weight = table.weight.detached().moved(to: .cpu).cast(to: .float32)
            .reshaped(to: [grid.rows, grid.columns, table.weight.size(2)])
        let padded = weight.rows(places(grid.rows), dimension: 0).rows(places(grid.columns), dimension: 1)
        return (Grid(rows: grid.rows + 2 * border, columns: grid.columns + 2 * border), padded)
    }

    /// A size of a tensor as a number without dimensions, int64.
    private func size(
        of value: ONNXGraph.Value, _ axis: Int, _ name: String, _ graph: inout ONNXGraph
    ) -> ONNXGraph.Value {
        let shape = graph.add(
            "Shape", [value], [("start", .int(axis)), ("end", .int(axis + 1))], name: name + ".shape")
        return graph.add("Squeeze", [shape], name: name + ".count")
    }

    /// Where the rule keeps the table although its formula would change it: see `PositionRule.keeps`. Nil for rules whose
    /// formula keeps it anyway.
    private func untouched(
        _ images: ONNXGraph.Value, _ height: ONNXGraph.Value, _ breadth: ONNXGraph.Value, _ graph: inout ONNXGraph
    ) -> ONNXGraph.Value? {
        guard table.rule == .scalePlusTenth else { return nil }
        let grid = table.grid
        func whole(_ number: Int, _ name: String) -> ONNXGraph.Value {
            graph.constant(name, .int64, [], withUnsafeBytes(of: Int64(number).littleEndian) { Data($0) })
        }
        let sameRows = graph.add(
            "Equal", [height, whole(grid.rows, "pos_embed.rows.own")], name: "pos_embed.rows.same")
        let sameColumns = graph.add(
            "Equal", [breadth, whole(grid.columns, "pos_embed.columns.own")], name: "pos_embed.columns.same")
        let same = graph.add("And", [sameRows, sameColumns], name: "pos_embed.same")
        guard grid.rows == grid.columns else { return same }
        let tall = size(of: images, 2, "images.height", &graph)
        let wide = size(of: images, 3, "images.width", &graph)
        let square = graph.add("Equal", [tall, wide], name: "images.square")
        return graph.add("And", [same, square], name: "pos_embed.kept")
    }

    /// The matrix `[output, input]` that resizes one axis.
    private func weights(
        _ input: Int, _ count: ONNXGraph.Value, _ untouched: ONNXGraph.Value?, _ name: String,
        _ graph: inout ONNXGraph
    ) -> ONNXGraph.Value {
        var terms = Terms(graph: graph, name: name)
        let output = terms.graph.add("Cast", [count], [("to", .int(1))], name: name + ".float")
        let divisor = table.rule == .scalePlusTenth ? terms.of("Add", output, 0.1) : output
        var step = terms.of("Div", terms.number(Float(input)), divisor)
        if let untouched {
            step = terms.graph.add("Where", [untouched, terms.number(1), step], name: name + ".step")
        }
        let range = terms.graph.add("Range", [terms.number(0), output, terms.number(1)], name: name + ".range")
        let axis = terms.graph.constant(name + ".axis", [1])
        let places = terms.graph.add("Unsqueeze", [range, axis], name: name + ".places")
        let positions = terms.of("Sub", terms.of("Mul", terms.of("Add", places, 0.5), step), 0.5)
        let taps = (-border..<input + border).map(Float.init)
        let entries = terms.graph.constant(
            name + ".entries", .float32, [1, taps.count], taps.withUnsafeBytes { Data($0) })
        var distance = terms.graph.add("Abs", [terms.of("Sub", positions, entries)], name: name + ".distance")
        if isSmoothed { distance = terms.of("Div", distance, terms.of("Max", step, 1)) }
        var weights = cubic(distance, sharpness: isSmoothed ? -0.5 : -0.75, &terms)
        if isSmoothed {
            let sum = terms.graph.add("ReduceSum", [weights, axis], [("keepdims", .int(1))], name: name + ".sum")
            weights = terms.of("Div", weights, sum)
        }
        graph = terms.graph
        return weights
    }

    /// Keys' cubic convolution. Its two pieces are 0 where they end, so that each may be taken at the nearest distance of its
    /// own range, and both summed.
    private func cubic(_ distance: ONNXGraph.Value, sharpness a: Float, _ terms: inout Terms) -> ONNXGraph.Value {
        let near = terms.of("Min", distance, 1)
        let inner = terms.of("Sub", terms.of("Mul", near, a + 2), a + 3)
        let first = terms.of("Add", terms.of("Mul", inner, terms.of("Mul", near, near)), 1)
        let far = terms.of("Min", terms.of("Max", distance, 1), 2)
        let outer = terms.of("Add", terms.of("Mul", terms.of("Sub", terms.of("Mul", far, a), 5 * a), far), 8 * a)
        let second = terms.of("Sub", terms.of("Mul", outer, far), 4 * a)
        return terms.of("Add", first, second)
    }

    /// Operators of two terms, and numbers, named by their order.
    private struct Terms {
        var graph: ONNXGraph
        let name: String
        private var count = 0
        private var numbers: [Float: ONNXGraph.Value] = [:]

        init(graph: ONNXGraph, name: String) {
            self.graph = graph
            self.name = name
        }

        mutating func of(_ operation: String, _ a: ONNXGraph.Value, _ b: ONNXGraph.Value) -> ONNXGraph.Value {
            count += 1
            return graph.add(operation, [a, b], name: "\(name).\(count).\(operation)")
        }

        mutating func of(_ operation: String, _ a: ONNXGraph.Value, _ b: Float) -> ONNXGraph.Value {
            of(operation, a, number(b))
        }

        mutating func number(_ value: Float) -> ONNXGraph.Value {
            if let known = numbers[value] { return known }
            let made = graph.constant("\(name).number.\(value)", value)
            numbers[value] = made
            return made
        }
    }
}
