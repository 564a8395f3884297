import SelfPatchTraining

extension InitialWeights {
    /// The weights that a run's settings name; nil where they name none.
    ///
    /// - Throws: `UserError` where they cannot be read or do not fit the run.
    package init?(_ settings: PretrainSettings) throws {
        let initial = settings.initial
        guard !initial.weights.isEmpty else { return nil }
        let trained = try TrainedNetwork(
            path: initial.weights, part: initial.network == .student ? .student : .teacher,
            heads: initial.heads > 0 ? initial.heads : nil, withProjectionHeads: true, device: .cpu)
        try self.init(
            trained.network, trained.description, path: trained.path, notes: trained.notes, for: settings)
    }
}
