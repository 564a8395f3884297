import SelfPatchData

/// A picture of one image's views: the image with the boxes that they were cut from, and the views themselves.
///
/// Every view has a number and a color, which its box shares; below it stands what chance did to it.
package struct ViewSheet {
    package let image: Pixels
    package let settings: MultiCropSettings
    package let key: SampleKey

    /// - Parameter image: red, green, blue.
    package init(image: Pixels, settings: MultiCropSettings, key: SampleKey) {
        precondition(image.channels == 3, "a sheet of an image with \(image.channels) channels")
        self.image = image
        self.settings = settings
        self.key = key
    }

    private static let gap = 10
    private static let line = BitmapFont.height + 2
    /// Lines of words below a view.
    private static let captionLines = 5
    /// Small views stand apart, so that their words have room.
    private static let narrowest = 14 * BitmapFont.advance
    /// Longest side of the image in the picture.
    private static let imageSide = 480
    /// Local views stand below each other in rows as long as this.
    private static let rowWidth = 480

    package func picture() -> Picture {
        let recipes = MultiCrop(settings).recipes(height: image.height, width: image.width, key: key)
        let shown = shownImage()
        let places = places()
        let right = places.map { $0.left + max(settings.size(ofView: $0.view).width, Self.narrowest) }.max() ?? 0
        let bottom = places.map { $0.top + settings.size(ofView: $0.view).height }.max() ?? 0
        let viewsLeft = shown.width + 2 * Self.gap
        var picture = Picture(
            height: max(shown.height + Self.gap, bottom + Self.captionLines * Self.line) + Self.gap,
            width: viewsLeft + right + Self.gap)

        picture.draw(shown, row: Self.gap, column: Self.gap)
        // The last boxes are the smallest; drawn last, they stay whole.
        for (view, recipe) in recipes.enumerated() { draw(recipe.box, of: view, shown, in: &picture) }
        let scratch = ViewScratch()
        for place in places {
            let (view, recipe) = (place.view, recipes[place.view])
            let size = settings.size(ofView: view)
            let planes = MultiCrop(settings).view(of: image, by: recipe, size: size, scratch: scratch)
            let (top, left) = (place.top + Self.gap, viewsLeft + place.left)
            picture.draw(Pixels(planes: planes, size: size), row: top, column: left)
            picture.frame(
                rows: top..<top + size.height, columns: left..<left + size.width, thickness: 2, color: color(of: view))
            let lines = caption(view, recipe, width: max(size.width, Self.narrowest)).prefix(Self.captionLines)
            for (index, text) in lines.enumerated() {
                picture.write(text, row: top + size.height + 4 + index * Self.line, column: left)
            }
        }
        return picture
    }

    /// The image, made smaller where it is large.
    private func shownImage() -> Pixels {
        let share = min(1, Double(Self.imageSide) / Double(max(image.height, image.width)))
        let size = ViewSize(
            height: max(1, Int(Double(image.height) * share)), width: max(1, Int(Double(image.width) * share)))
        return Pixels(planes: image.resized(to: size, scratch: ViewScratch()), size: size)
    }

    /// Where the views stand: the global ones beside each other, then rows of local ones.
    private func places() -> [(view: Int, top: Int, left: Int)] {
        var places: [(view: Int, top: Int, left: Int)] = []
        var (top, left) = (0, 0)
        for view in 0..<settings.viewCount {
            let width = max(settings.size(ofView: view).width, Self.narrowest)
            let isFirstLocal = view == settings.globalCount
            if left > 0, isFirstLocal || left + width > max(Self.rowWidth, 2 * settings.globalSize.width) {
                let above = settings.size(ofView: view - 1)
                (top, left) = (top + above.height + Self.captionLines * Self.line + Self.gap, 0)
            }
            places.append((view, top, left))
            left += width + Self.gap
        }
        return places
    }

    private func draw(_ box: CropBox, of view: Int, _ shown: Pixels, in picture: inout Picture) {
        func rows(_ y: Int) -> Int { Self.gap + y * shown.height / image.height }
        func columns(_ x: Int) -> Int { Self.gap + x * shown.width / image.width }
        let (top, left) = (rows(box.top), columns(box.left))
        picture.frame(
            rows: top + 1..<max(top + 2, rows(box.top + box.height) - 1),
            columns: left + 1..<max(left + 2, columns(box.left + box.width) - 1),
            thickness: view < settings.globalCount ? 2 : 1, color: color(of: view))
        let number = "\(view + 1)"
        picture.fill(
            rows: top + 2..<top + 12, columns: left + 2..<left + 3 + number.count * BitmapFont.advance,
            with: color(of: view))
        picture.write(number, row: top + 4, column: left + 3, color: .white)
    }

    /// What was done, in lines of at most that width.
    private func caption(_ view: Int, _ recipe: ViewRecipe, width: Int) -> [String] {
        var words = ["\(view + 1)", view < settings.globalCount ? "global" : "local"]
        if recipe.isFlipped { words.append("flip") }
        if let jitter = recipe.jitter {
            for part in jitter.order {
                switch part {
                case .brightness: words.append("bri " + Self.percent(jitter.brightness))
                case .contrast: words.append("con " + Self.percent(jitter.contrast))
                case .saturation: words.append("sat " + Self.percent(jitter.saturation))
                case .hue: words.append("hue \(Int((jitter.hue * 360).rounded()))")
                }
            }
        }
        if recipe.isGreyscale { words.append("grey") }
        if let radius = recipe.blurRadius { words.append("blur \((radius * 10).rounded() / 10)") }
        if recipe.isSolarized { words.append("solarize") }
        return words.reduce(into: []) { lines, word in
            let longer = (lines.last.map { $0 + " " } ?? "") + word
            if lines.isEmpty || longer.count * BitmapFont.advance > width {
                lines.append(word)
            } else {
                lines[lines.count - 1] = longer
            }
        }
    }

    private static func percent(_ factor: Double) -> String { "\(Int((factor * 100).rounded()))" }

    private func color(of view: Int) -> PictureColor { Self.colors[view % Self.colors.count] }

    static let colors = [
        PictureColor(red: 214, green: 39, blue: 40), PictureColor(red: 31, green: 119, blue: 180),
        PictureColor(red: 44, green: 160, blue: 44), PictureColor(red: 255, green: 127, blue: 14),
        PictureColor(red: 148, green: 103, blue: 189), PictureColor(red: 23, green: 165, blue: 180),
        PictureColor(red: 227, green: 80, blue: 170), PictureColor(red: 140, green: 86, blue: 75),
        PictureColor(red: 130, green: 140, blue: 20), PictureColor(red: 90, green: 90, blue: 90),
    ]
}
