import Testing
import SelfPatchFormats
@Test func usageErrorsExitWith64() { #expect(UserError("x", kind: .usage).exitCode == 64) }
