import Foundation

extension MachineFindings {
    /// The version that this program was built against and tested with.
    static let expectedLibtorch = "2.11.0"

    /// What to do about anything that is missing or slow here, most important first.
    static func advice(
        libtorch: Library, processor: Processor, graphics: Graphics, memory: Memory, disks: [Disk]
    ) -> [String] {
        var advice: [String] = []
        if !libtorch.version.hasPrefix(expectedLibtorch) {
            advice.append(
                "libtorch is \(libtorch.version) and selfpatch is tested with \(expectedLibtorch): `make setup` brings that one."
            )
        }
        if let problem = graphics.problem {
            advice.append(
                "\(graphics.found) GPUs cannot be used: \(problem) `make setup CUDA=1` brings the CUDA libraries.")
        } else if graphics.found == 0, FileManager.default.fileExists(atPath: "/proc/driver/nvidia") {
            advice.append("NVIDIA's driver is here but knows no GPU: see what `nvidia-smi` says.")
        }
        if processor.threads < processor.cores {
            advice.append(
                "libtorch uses \(processor.threads) of \(processor.cores) cores: OMP_NUM_THREADS may be set, or another limit."
            )
        }
        if processor.cpuLacksVectors(libtorch.cpuCapability) {
            advice.append("This processor lacks AVX2: everything will be several times slower than it could be.")
        }
        if memory.availableBytes < 3 << 30 {
            advice.append(
                "\(Amount.bytes(memory.availableBytes)) of memory are available: take a small batch, or `--batch auto`."
            )
        }
        for disk in disks {
            if let free = disk.freeBytes, free < 2 << 30 {
                advice.append(
                    "\(Amount.bytes(free)) are free at \(disk.path): checkpoints and set-up need some; make room.")
            }
        }
        return advice
    }
}

extension MachineFindings.Processor {
    func cpuLacksVectors(_ capability: String) -> Bool {
        #if arch(x86_64)
            capability == "DEFAULT" || capability == "NO AVX"
        #else
            false
        #endif
    }
}
