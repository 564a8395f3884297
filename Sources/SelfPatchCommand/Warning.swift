import Foundation

/// Says a sentence on standard error, beside what a command prints.
func warn(_ sentence: String) { FileHandle.standardError.write(Data("\(sentence)\n".utf8)) }
