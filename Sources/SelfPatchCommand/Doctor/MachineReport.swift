extension MachineFindings {
    /// The findings for people: one fact a line, then what to do.
    var text: String {
        var lines: [(String, String)] = [
            ("libtorch", "\(libtorch.version) in \(libtorch.path)"),
            ("processor", "\(processor.name), \(processor.cores) cores"),
            ("", "libtorch: kernels for \(libtorch.cpuCapability), \(processor.threads) threads"),
            ("", "products: \(Self.speeds(processor.products))"),
            ("", Self.precisionSentence(processor)),
        ]
        if graphics.units.isEmpty {
            lines.append(
                ("GPU", graphics.found == 0 ? "none (no NVIDIA driver with a GPU)" : "\(graphics.found), not usable"))
        }
        for unit in graphics.units {
            let memory = "\(Amount.bytes(unit.freeBytes)) of \(Amount.bytes(unit.totalBytes)) free"
            lines.append(("GPU", [unit.device, unit.name, memory].compactMap { $0 }.joined(separator: ", ")))
            lines.append(("", "products: \(Self.speeds(unit.products))"))
            lines.append(("", unit.kernelProblem.map { "no kernels of ours: \($0)" } ?? "has kernels of ours"))
        }
        lines.append(
            ("memory", "\(Amount.bytes(memory.availableBytes)) of \(Amount.bytes(memory.totalBytes)) available"))
        for disk in disks {
            let space = disk.freeBytes.map { "\(Amount.bytes($0)) free" } ?? "cannot be asked"
            lines.append((disk.what == "cache" ? "disk" : "", "\(disk.what): \(space), \(disk.path)"))
        }
        if let flags = libtorch.buildFlags { lines.append(("library", "for other packages: swift build \(flags)")) }
        let facts = lines.map { name, fact in name.padding(to: 11) + fact }
        let todo = advice.isEmpty ? ["Nothing is missing."] : ["What to do:"] + advice.map { "- " + $0 }
        return (facts + [""] + todo).joined(separator: "\n")
    }

    private static func speeds(_ products: [ProductTiming]) -> String {
        products.map { "\($0.precision) \(Amount.rate($0.operationsPerSecond))" }.joined(separator: ", ")
    }

    private static func precisionSentence(_ processor: Processor) -> String {
        guard let ratio = ProductTiming.bfloat16Ratio(processor.products) else { return "" }
        let times = Amount.decimal(ratio, places: 1)
        return processor.precision == "bf16"
            ? "bf16 is \(times) x as fast as float32 here: --precision bf16 pays"
            : "bf16 is \(times) x as fast as float32 here: stay with --precision float32"
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
