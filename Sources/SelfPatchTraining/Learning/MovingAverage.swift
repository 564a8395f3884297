import SelfPatchModel
import SelfPatchTensors

extension Network {
    /// The teacher's update: every parameter moves a little towards the student's, w_T = m w_T + (1 - m) w_S.
    /// - Parameter momentum: m; 1 leaves the teacher as it is.
    package func follow(_ student: Network, momentum: Double) {
        TensorList.move(
            parameters.map(\.tensor), towards: student.parameters.map(\.tensor), weight: 1 - momentum)
    }
}
