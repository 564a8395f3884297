import SelfPatchFormats
import Testing

@Suite struct FilePathTests {
    @Test(arguments: [
        ("v", "."), ("v/", "."), ("", "."), (".", "."), ("..", "."), ("/", "/"), ("//", "/"), ("/v", "/"), ("/v/", "/"),
        ("a/v", "a"), ("a/v//", "a"), ("a//v", "a"), ("./v", "."), ("../v", ".."), ("/a/b", "/a"), ("a/b/", "a"),
        ("ä/é", "ä"), ("é", "."), ("名前.safetensors", "."),
    ])
    func aPathLiesInTheFolderThatDirnameNames(path: String, folder: String) {
        #expect(FilePath.folder(of: path) == folder)
    }
}
