import SelfPatchData
import SelfPatchEvaluation
import Testing

@Suite struct PictureTests {
    @Test func drawingIsCutOffAtTheEdges() {
        var picture = Picture(height: 5, width: 7)
        let red = Pixels(height: 2, width: 2, channels: 3, bytes: [UInt8](repeating: 0, count: 12))
        picture.draw(red, row: 4, column: 6, scale: 3)
        picture.draw(red, row: -3, column: -3, scale: 2)
        picture.write("outside", row: -20, column: -4)
        picture.frame(rows: 0..<5, columns: 0..<7, color: .ink)
        #expect(picture[4, 6] == .black)
        #expect(picture[0, 0] == .black)
        #expect(picture[2, 3] == .white)
        #expect(picture.pixels.bytes.count == 5 * 7 * 3)
    }

    @Test func enlargedPixelsKeepTheirPlace() {
        var picture = Picture(height: 6, width: 6)
        picture.draw(Pixels(height: 2, width: 2, channels: 1, bytes: [10, 20, 30, 40]), row: 0, column: 0, scale: 3)
        for row in 0..<6 {
            for column in 0..<6 {
                let grey = UInt8(10 + 10 * (column / 3) + 20 * (row / 3))
                #expect(picture[row, column] == PictureColor(red: grey, green: grey, blue: grey))
            }
        }
    }

    @Test func everyPrintableLetterIsDrawnAndDistinct() {
        let letters = (33...126).compactMap { UnicodeScalar($0).map(Character.init) }.filter { !"{}|~^`$".contains($0) }
        let box = BitmapFont.rows(of: "\u{1F600}")
        var seen: [[UInt8]: Character] = [:]
        for letter in letters {
            let rows = BitmapFont.rows(of: letter)
            #expect(rows.count == BitmapFont.height)
            #expect(rows.allSatisfy { $0 < 32 }, "\(letter) is wider than five dots")
            #expect(rows != box, "\(letter) has no drawing")
            if let other = seen.updateValue(letter, forKey: rows) { Issue.record("\(letter) looks like \(other)") }
        }
        #expect(BitmapFont.rows(of: " ").allSatisfy { $0 == 0 })
    }

    @Test func sheetHoldsAllTilesAndText() {
        let tile = ContactSheet.Tile(
            Pixels(height: 4, width: 4, channels: 1, bytes: [UInt8](repeating: 7, count: 16)), caption: "seven")
        let sheet = ContactSheet(
            title: "A", headings: ["one", "two"], rows: [[tile, nil], [tile, tile, tile]], tileSide: 10)
        let picture = sheet.picture()
        var sevens = 0
        for row in 0..<picture.height {
            for column in 0..<picture.width where picture[row, column].red == 7 { sevens += 1 }
        }
        // 4 x 4 enlarged by 2, the largest whole number that fits into 10.
        #expect(sevens == 4 * 64)
        #expect(picture.width == 8 + 3 * 18)
    }

    @Test func emptySheetIsStillAPicture() {
        let picture = ContactSheet(title: "", rows: []).picture()
        #expect(picture.height > 0 && picture.width > 0)
    }
}
