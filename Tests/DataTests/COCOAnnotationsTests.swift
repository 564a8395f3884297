import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// Annotations in COCO's layout: what is read, what is mended, what is refused.
@Suite struct COCOAnnotationsTests {
    @Test func readsImagesClassesAndObjects() throws {
        let read = try DrawnCOCO().read()
        let data = read.data
        #expect(data.classes.map(\.name) == ["person", "dog", "cup"] && data.classes.map(\.id) == [1, 18, 90])
        #expect(data.images.map(\.id) == [3, 7] && data.images.map(\.file) == ["a.png", "b.png"])
        #expect(read.notes == [])
        let (crowd, dog, cup) = (data.images[0].objects[0], data.images[1].objects[0], data.images[1].objects[1])
        #expect(crowd.id == 12 && crowd.isCrowd && crowd.classIndex == 0 && crowd.mask?.runs == [0, 80, 1920])
        #expect(dog.id == 11 && !dog.isCrowd && dog.classIndex == 1 && dog.area == 200.5)
        #expect(dog.box == DetectionBox(x: 10.5, y: 20, width: 20, height: 10.25))
        #expect(dog.box == DetectionBox(x: 10.5, y: 20, width: 20, height: 10.25))
        #expect(dog.mask?.area == 200 && dog.mask?.box == DetectionBox(x: 10, y: 20, width: 20, height: 10))
        #expect(cup.mask?.runs == [0, 3, 4797])
        #expect(data.hasMasks && data.objectCount == 3)
    }

    @Test(.requires(SharedData.detection)) func readsTheSmallSet() throws {
        let root = try #require(SharedData.detection.path)
        for (split, images, objects, crowds) in [("train", 84, 575, 5), ("val", 32, 260, 2)] {
            let folder = try COCOFolder(root: root, split: split)
            let read = try COCOAnnotations(path: folder.annotationFile)
            #expect(read.data.classes.count == 80 && read.data.images.count == images)
            #expect(read.data.objectCount == objects && read.data.hasMasks)
            #expect(read.data.images.reduce(0) { $0 + $1.objects.count(where: \.isCrowd) } == crowds)
            let files = DetectionFiles(read.data, folder: try folder.imageFolder())
            var problems = DataProblems()
            files.check(&problems)
            #expect(problems.sentences == [])
            let sample = try files.sample(0)
            #expect(sample.image.height == read.data.images[0].height && sample.image.channels == 3)
            let selection = DetectionTrainingSelection(read.data)
            #expect(selection.crowds == crowds && selection.imagesLeftOut == 1)
            #expect(
                selection.data.objectCount + selection.crowds + selection.tooSmall + selection.outside
                    + selection.ignored == objects)
        }
    }

    // MARK: What is mended

    @Test func boxAndAreaComeFromTheMaskWhereTheyAreMissing() throws {
        var drawn = DrawnCOCO()
        drawn.annotations[0]["bbox"] = nil
        drawn.annotations[0]["area"] = nil
        drawn.annotations[2]["area"] = NSNull()
        drawn.annotations[2]["segmentation"] = nil
        drawn.annotations[1]["iscrowd"] = true
        let read = try drawn.read()
        let objects = read.data.images[1].objects
        #expect(objects[0].box == DetectionBox(x: 10, y: 20, width: 20, height: 10) && objects[0].area == 200)
        #expect(objects[1].area == 3 && objects[1].mask == nil && !read.data.hasMasks)
        #expect(read.data.images[0].objects[0].isCrowd)
        #expect(
            read.notes == [
                "1 annotation without 'bbox', taken from the mask (11)",
                "2 annotations without 'area', taken from mask or box (11, 13)",
            ])
    }

    @Test func flatAndOutlyingObjectsAreCountedAndNotTrainedOn() throws {
        var drawn = DrawnCOCO()
        drawn.images.append(["id": 9, "file_name": "c.png", "height": 31, "width": 300])
        drawn.images.append(["id": 10, "file_name": "d.png", "height": 50, "width": 50])
        func add(_ id: Int, _ box: [Double], area: Double = 9, image: Int = 7, ignore: Int = 0) {
            drawn.annotations.append([
                "id": id, "image_id": image, "category_id": 1, "bbox": box, "area": area, "ignore": ignore,
                "segmentation": [[100, 100, 200, 100, 200, 200]],
            ])
        }
        add(20, [5, 5, 0, 9])
        add(21, [80, 5, 4, 4])
        add(22, [-5, 5, 5, 4])
        add(23, [5, 5, 4, 4], area: 0)
        add(24, [5, 5, 4, 0.9])
        add(25, [5, 5, 4, 4], ignore: 1)
        add(26, [-5, 5, 5.5, 4])
        add(27, [5, 5, 4, 4], image: 9)
        let read = try drawn.read()
        #expect(
            read.notes == [
                "1 annotation with a box without area: scored, not trained on (20)",
                "2 annotations outside of the image: scored, not trained on (21, 22)",
                "8 annotations with polygons or runs that cover no pixel (20, 21, 22, 23, 24 ...)",
                "1 of 4 images without an object",
            ])
        let selection = DetectionTrainingSelection(read.data)
        #expect(selection.data.images.map(\.id) == [3, 7])
        #expect(selection.data.images[0].objects.isEmpty && selection.data.images[1].objects.map(\.id) == [11, 13, 26])
        #expect(selection.crowds == 1 && selection.ignored == 1 && selection.outside == 3 && selection.tooSmall == 2)
        #expect(selection.imagesLeftOut == 2)
        #expect(selection.words?.hasPrefix("not trained on: 2 images without objects") == true)
    }

    @Test func aSubsetOfClassesHasItsOwnNumbers() throws {
        let data = try DrawnCOCO().read().data
        let subset = try data.keeping(classes: ["cup", "person"])
        #expect(subset.classes.map(\.id) == [1, 90] && subset.images.count == 2)
        #expect(subset.images[1].objects.map(\.id) == [13] && subset.images[1].objects[0].classIndex == 1)
        #expect(subset.images[1].objects[0].mask == data.images[1].objects[1].mask)
        let error = #expect(throws: UserError.self) { try data.keeping(classes: ["dogs"]) }
        #expect(error?.message == "The data have no class 'dogs'. Did you mean 'dog'? There are: person, dog, cup.")
    }

    // MARK: What is refused

    @Test(
        arguments: [
            ("category_id", "2", "annotation 11 is of category 2, which is not listed"),
            ("image_id", "4", "annotation 11 belongs to image 4, which is not listed"),
            ("image_id", "\"7\"", "a number is expected, not '\"'"),
            ("id", "13", "two annotations have the id 13"),
            ("bbox", "[1, 2, 3]", "annotation 11 has the bbox [1.0, 2.0, 3.0]"),
            ("bbox", "[1e9, 0, 1, 5]", "annotation 11 has the bbox [1000000000.0, 0.0, 1.0, 5.0]"),
            ("bbox", "\"all\"", "a list is expected, not"), ("area", "\"large\"", "a number is expected"),
            ("segmentation", "[[1, 2, 3, 4]]", "annotation 11 of image 7 has a polygon of 4 numbers"),
            ("segmentation", "[[1, 2, 30, 4, 5, 6, 7]]", "annotation 11 of image 7 has a polygon of 7 numbers"),
            ("segmentation", "[1, 2, 30, 4, 5, 6]", "a polygon is expected, a list of numbers within the list"),
            ("segmentation", "[[1e12, 2, 30, 4, 5, 6]]", "coordinate 1000000000000.0"),
            ("segmentation", "{\"size\": [60, 81], \"counts\": \"03me4\"}", "a mask of 60 x 81"),
            ("segmentation", "{\"counts\": \"03me4\"}", "a mask of no size"),
            ("segmentation", "{\"size\": [60, 80]}", "'counts'"),
            ("segmentation", "{\"size\": [60, 80], \"counts\": \"03o\"}", "ends within a run"),
            ("segmentation", "{\"size\": [60, 80], \"counts\": [0, 4799]}", "has runs of 4799 pixels"),
            ("segmentation", "{\"size\": [60, 80], \"counts\": [0, -1]}", "has a run of -1"),
            ("segmentation", "\"polygon\"", "a segmentation is expected"),
        ])
    func oneBadFieldIsNamed(key: String, json: String, words: String) throws {
        var drawn = DrawnCOCO()
        drawn.annotations[0][key] = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        let error = #expect(throws: UserError.self) { try drawn.read() }
        let message = error?.message ?? ""
        #expect(message.hasPrefix("The annotations instances_val.json cannot be used, 1 problem:\n  "), "\(message)")
        #expect(message.contains(words), "\(message)")
    }

    @Test(arguments: ["id", "image_id", "category_id"]) func aMissingFieldIsNamed(key: String) {
        var drawn = DrawnCOCO()
        drawn.annotations[0][key] = nil
        let error = #expect(throws: UserError.self) { try drawn.read() }
        #expect(error?.message.contains("has no \(key)") == true, "\(error?.message ?? "")")
    }

    @Test func everyProblemIsTold() {
        var drawn = DrawnCOCO()
        drawn.annotations[0]["category_id"] = 5
        drawn.annotations[1]["image_id"] = 99
        drawn.annotations.append(["id": 14, "image_id": 3, "category_id": 1])
        let error = #expect(throws: UserError.self) { try drawn.read() }
        #expect(
            error?.message == """
                The annotations instances_val.json cannot be used, 3 problems:
                  annotation 11 is of category 5, which is not listed
                  annotation 12 belongs to image 99, which is not listed
                  annotation 14 has neither bbox nor segmentation
                """)
    }

    @Test func imagesAndCategoriesAreLookedAt() {
        var drawn = DrawnCOCO()
        drawn.images[1]["id"] = 7
        drawn.images[0]["width"] = 0
        drawn.categories[2]["id"] = 1
        drawn.categories[0]["id"] = nil
        let error = #expect(throws: UserError.self) { try drawn.read() }
        let message = error?.message ?? ""
        for words in [
            "two images have the id 7: 'b.png' and 'a.png'", "image 7, 'b.png', has the size 60 x 0",
            "two categories have the id 1", "category number 1 of the list has no id",
        ] {
            #expect(message.contains(words), "\(message)")
        }
    }

    @Test(
        arguments: [
            ("[]", "a list may be one of results"), ("{}", "there is no list 'annotations'; the file has nothing else"),
            ("{\"images\": [], \"categories\": []}", "there is no list 'annotations'"),
            ("{\"images\": [], \"annotations\": [], \"categories\": []}", "it lists no image"),
            ("{\"images\": {}, \"annotations\": [], \"categories\": []}", "a list is expected"),
            ("{\"info\": 1, \"licenses\": 2, \"images\": []}", "the file has info, licenses"), ("", "ends within"),
            ("{\"images\": [", "ends within"), ("no", "an object with"),
        ])
    func otherFilesAreRefused(text: String, words: String) {
        let error = #expect(throws: UserError.self) { try DrawnCOCO.read(text) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("instances_val.json") == true)
    }

    @Test func everyTruncationIsRefused() throws {
        let text = try DrawnCOCO().text()
        for length in stride(from: 0, to: text.utf8.count - 1, by: 7) {
            let part = String(decoding: text.utf8.prefix(length), as: UTF8.self)
            #expect(throws: UserError.self, "\(length) bytes") { try DrawnCOCO.read(part) }
        }
    }

    // MARK: Folders

    @Test func theLayoutIsFoundWithYearsAndWithout() throws {
        try withTemporaryFolder { folder in
            try folder.write("{}", to: "annotations/instances_val2017.json")
            try folder.write("", to: "images/a.png")
            let found = try COCOFolder(root: folder.path, split: "val")
            #expect(found.split == "val2017" && found.annotationFile.hasSuffix("/annotations/instances_val2017.json"))
            #expect(try found.imageFolder() == folder.path + "/images")
            try folder.write("", to: "val2017/a.png")
            #expect(try found.imageFolder() == folder.path + "/val2017")
            var error = #expect(throws: UserError.self) { try COCOFolder(root: folder.path, split: "train") }
            #expect(
                error?.message.contains("instances_train.json. There is 'val2017'.") == true, "\(error?.message ?? "")")
            try folder.write("{}", to: "annotations/instances_val2014.json")
            error = #expect(throws: UserError.self) { try COCOFolder(root: folder.path, split: "val") }
            #expect(error?.message.contains("any of 'val2014', 'val2017'") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aWrongLayoutIsShownTheRightOne() throws {
        try withTemporaryFolder { folder in
            try folder.write("", to: "labels/a.txt")
            let error = #expect(throws: UserError.self) { try COCOFolder(root: folder.path, split: "train") }
            #expect(error?.message.contains("DIR/annotations/instances_train.json") == true)
            try folder.write("{}", to: "annotations/instances_train.json")
            let found = try COCOFolder(root: folder.path, split: "train")
            let images = #expect(throws: UserError.self) { try found.imageFolder() }
            #expect(images?.message.contains("images/train, train, images") == true, "\(images?.message ?? "")")
        }
        #expect(throws: UserError.self) { try COCOFolder(root: "nowhere", split: "train") }
    }

    @Test func filesAreLookedAtBeforeTraining() throws {
        try withTemporaryFolder { folder in
            var drawn = DrawnCOCO()
            drawn.images.append(["id": 20, "file_name": "../c.png", "height": 5, "width": 5])
            drawn.images.append(["id": 21, "height": 5, "width": 5])
            let pixels = Pixels(height: 40, width: 51, channels: 1, bytes: [UInt8](repeating: 9, count: 2_040))
            try folder.write(PNGFile.encoded(pixels), to: "a.png")
            var problems = DataProblems()
            DetectionFiles(try drawn.read().data, folder: folder.path).check(&problems)
            #expect(
                problems.sentences == [
                    "image 3, a.png, has 40 x 51 pixels, its annotations are for 40 x 50",
                    "image 7, b.png, is not there (any more)", "image 20, ../c.png, leads out of the folder of images",
                    "image 21 has no file_name",
                ])
        }
    }
}
