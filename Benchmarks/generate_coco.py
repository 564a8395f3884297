"""Writes annotations in COCO's layout and a list of results, drawn from a seed: as many as COCO has, and nothing else like it.

    python3 Benchmarks/generate_coco.py DIR --images 5000 --objects 36000 --detections 100
    python3 Benchmarks/generate_coco.py DIR --split train2017 --images 118000 --objects 860000 --detections 0

DIR/annotations/instances_SPLIT.json and DIR/results.json. Objects are polygons of 12 to 40 points around a place; one in a
hundred is a crowd with run lengths. Detections lie near objects, with errors of class, place and shape, or anywhere. With --masks
they have run lengths too, for which pycocotools is needed.
"""

import argparse
import json
import math
import pathlib
import random

CLASSES = [number for number in range(1, 91) if number not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
HEIGHT, WIDTH = 480, 640


def outline(generator, x, y, width, height):
    points = generator.randint(12, 40)
    polygon = []
    for number in range(points):
        angle = 2 * math.pi * number / points
        radius = generator.uniform(0.35, 0.5)
        polygon.append(round(min(max(x + width * (0.5 + radius * math.cos(angle)), 0), WIDTH), 2))
        polygon.append(round(min(max(y + height * (0.5 + radius * math.sin(angle)), 0), HEIGHT), 2))
    return polygon


def box(generator):
    width = min(WIDTH - 2, 8 * math.exp(generator.uniform(0, 4)))
    height = min(HEIGHT - 2, max(6, width * math.exp(generator.uniform(-0.7, 0.7))))
    return [generator.uniform(0, WIDTH - width), generator.uniform(0, HEIGHT - height), width, height]


def crowd(generator):
    left, count = HEIGHT * WIDTH, []
    while left > 0:
        count.append(min(left, generator.randint(50, 3000)))
        left -= count[-1]
    return {"size": [HEIGHT, WIDTH], "counts": count}


def annotation(generator, number, image):
    place = box(generator)
    polygon = outline(generator, *place)
    xs, ys = polygon[0::2], polygon[1::2]
    place = [min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)]
    is_crowd = generator.random() < 0.01
    return {
        "segmentation": crowd(generator) if is_crowd else [polygon], "area": round(0.6 * place[2] * place[3], 4),
        "iscrowd": int(is_crowd), "image_id": image, "bbox": place, "category_id": generator.choice(CLASSES), "id": number,
    }


def detection(generator, image, objects):
    place, category = box(generator), generator.choice(CLASSES)
    if objects and generator.random() < 0.7:
        near = generator.choice(objects)
        x, y, width, height = near["bbox"]
        spread = generator.choice([0.03, 0.1, 0.3])
        place = [x + generator.gauss(0, spread) * width, y + generator.gauss(0, spread) * height,
                 max(1, width * math.exp(generator.gauss(0, spread))), max(1, height * math.exp(generator.gauss(0, spread)))]
        if generator.random() < 0.8:
            category = near["category_id"]
    return {"image_id": image, "category_id": category, "bbox": [round(value, 2) for value in place],
            "score": round(generator.random(), 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=36000)
    parser.add_argument("--detections", type=int, default=100, help="in each image")
    parser.add_argument("--masks", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    (options.folder / "annotations").mkdir(parents=True, exist_ok=True)

    images = [{"license": 1, "file_name": f"{number:012}.jpg", "coco_url": f"http://images.example/{number:012}.jpg",
               "height": HEIGHT, "width": WIDTH, "date_captured": "2013-11-14 16:28:13", "id": number}
              for number in range(1, options.images + 1)]
    by_image = {}
    with open(options.folder / f"annotations/instances_{options.split}.json", "w") as file:
        file.write('{"info": {"year": 2017}, "images": ' + json.dumps(images) + ', "annotations": [')
        for number in range(1, options.objects + 1):
            drawn = annotation(generator, number, generator.randint(1, options.images))
            if options.detections:
                by_image.setdefault(drawn["image_id"], []).append(drawn)
            file.write((", " if number > 1 else "") + json.dumps(drawn))
        categories = [{"supercategory": "thing", "id": number, "name": f"class {number}"} for number in CLASSES]
        file.write('], "categories": ' + json.dumps(categories) + "}")

    with open(options.folder / "results.json", "w") as file:
        separator = "["
        for image in range(1, options.images + 1) if options.detections else []:
            drawn = [detection(generator, image, by_image.get(image, [])) for _ in range(options.detections)]
            if options.masks:
                from pycocotools import mask

                for found in drawn:
                    runs = mask.frPyObjects([outline(generator, *found["bbox"])], HEIGHT, WIDTH)[0]
                    found["segmentation"] = {"size": runs["size"], "counts": runs["counts"].decode()}
            for found in drawn:
                file.write(separator + json.dumps(found))
                separator = ", "
        file.write("[]" if separator == "[" else "]")


if __name__ == "__main__":
    main()
