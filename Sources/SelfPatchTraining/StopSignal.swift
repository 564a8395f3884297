import Foundation

/// Ctrl-C, a request to end (SIGTERM) or a closed terminal (SIGHUP): the first one asks the run to finish its step and
/// save, a second one leaves at once. Files are written whole or not at all, so leaving at once harms nothing.
package enum StopSignal {
    /// The signals that ask a run to stop.
    package static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// The signal that came first, or nil.
    package static var received: Int32? { firstSignal == 0 ? nil : firstSignal }

    /// The exit code that a shell expects after this signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    package static func exitCode(of signal: Int32) -> Int32 { 128 + signal }

    /// The name of a signal as people know it.
    package static func name(of signal: Int32) -> String {
        switch signal {
        case SIGINT: "Ctrl-C"
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP (the terminal closed)"
        default: "signal \(signal)"
        }
    }

    /// Starts to listen. Where the caller ignores SIGHUP, as `nohup` does, it stays ignored. Ctrl-C's signal is obeyed even
    /// there: shells ignore it for what they start in the background, and whoever sends it to a run means it.
    ///
    /// A write beyond the allowed file size becomes an error that can be reported, too, instead of the end of the process.
    package static func install() {
        firstSignal = 0
        _ = handlerStack
        signal(SIGXFSZ, SIG_IGN)
        for number in signals {
            var action = sigaction()
            sigaction(number, nil, &action)
            #if canImport(Glibc)
                if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1, number == SIGHUP {
                    continue
                }
                action.__sigaction_handler.sa_handler = handle
            #else
                if unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self) == 1, number == SIGHUP { continue }
                action.__sigaction_u.__sa_handler = handle
            #endif
            action.sa_flags = Int32(SA_RESTART) | Int32(SA_ONSTACK)
            sigemptyset(&action.sa_mask)
            sigaction(number, &action, nil)
        }
        // Whoever started this process may have held these signals back, as worker threads of other programs do.
        var held = sigset_t()
        sigemptyset(&held)
        for number in signals { sigaddset(&held, number) }
        pthread_sigmask(SIG_UNBLOCK, &held, nil)
    }
}

// One word, written by the handler once and read by the loop: whole on every machine that this runs on.
private nonisolated(unsafe) var firstSignal: Int32 = 0

// A stack of the handler's own for the main thread: kernels that libtorch runs keep numbers below the stack pointer, farther than
// a system leaves alone when it puts a handler there, and crashed now and then after a signal.
private let handlerStack: Void = {
    var stack = stack_t()
    stack.ss_size = 1 << 18
    stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: stack.ss_size, alignment: 16)
    sigaltstack(&stack, nil)
}()

/// Only what a handler may do: look at a word, write a word, leave.
private func handle(_ signal: Int32) {
    if firstSignal != 0 { _exit(128 + signal) }
    firstSignal = signal
}
