"""The tables of docs/results.md from the JSON files of `scripts/results score`, one folder for each seed: `scripts/results table OUT...`."""

import json
import pathlib
import statistics
import sys

COLUMNS = [
    # name of the files, heading
    ("untrained", "untrained"),
    ("dino-same-steps", "DINO, same steps"),
    ("dino", "DINO"),
    ("selfpatch", "DINO + SelfPatch"),
]


def neighbors(feature, k):
    def value(document):
        scores = next(result["scores"] for result in document["report"]["results"] if result["feature"] == feature)
        return next(score["top1"] for score in scores if score["neighborCount"] == k)
    return value


def best_probe(feature):
    return lambda document: max(r["top1"] for r in document["report"]["results"] if r["feature"] == feature)


def head(document):
    return 100 * document["report"]["mIoU"]


ROWS = [
    # heading, measure in the files' names, figure in per cent
    ("k-NN, summary, k 10", "knn", neighbors("summary", 10)),
    ("k-NN, summary, k 20", "knn", neighbors("summary", 20)),
    ("k-NN, mean patch, k 10", "knn", neighbors("mean-patch", 10)),
    ("k-NN, mean patch, k 20", "knn", neighbors("mean-patch", 20)),
    ("student: k-NN, summary, k 20", "knn-student", neighbors("summary", 20)),
    ("student: k-NN, mean patch, k 20", "knn-student", neighbors("mean-patch", 20)),
    ("linear, summary", "linear", best_probe("summary")),
    ("linear, mean patch", "linear", best_probe("mean-patch")),
    ("patches, k-NN: mIoU", "patches", lambda document: 100 * document["meanIoU"]),
    ("patches, k-NN: accuracy", "patches", lambda document: 100 * document["accuracy"]),
    ("linear head: mIoU", "head-linear", head),
    ("Semantic FPN: mIoU", "head-semantic-fpn", head),
    ("videos: J&F", "track", lambda document: 100 * document["score"]["global"]["J&F"]),
    ("videos: J", "track", lambda document: 100 * document["score"]["global"]["J"]["mean"]),
    ("videos: F", "track", lambda document: 100 * document["score"]["global"]["F"]["mean"]),
]


def values(folders, column, measure, figure):
    """One figure for each seed that has it: {folder: figure}."""
    found = {}
    for folder in folders:
        path = folder / "scores" / f"{column}.{measure}.json"
        if path.exists():
            found[folder] = figure(json.loads(path.read_text()))
    return found


def summary(figures, sign=""):
    """Mean and sample deviation; the number of seeds where it is not that of all."""
    if not figures:
        return "-"
    mean = f"{statistics.mean(figures):{sign}.1f}"
    return f"{mean} ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else mean


def table(headings, rows):
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines).replace("|  |", "| |")


def costs(folders):
    """Steps, and processor minutes where the run was made by `scripts/results pretrain`."""
    steps, minutes = ["steps"], ["processor minutes"]
    for column, _ in COLUMNS:
        counts = sorted(set(values(folders, column, "knn", lambda document: document["steps"]).values()))
        steps.append(" or ".join(f"{count:,}" for count in counts) or "-")
        files = [folder / f"{column}.seconds" for folder in folders]
        minutes.append(summary([sum(map(float, file.read_text().split())) / 60 for file in files if file.exists()]))
    return [row + ["-"] for row in (steps, minutes)]


def main():
    folders = [pathlib.Path(name) for name in sys.argv[1:]]
    if missing := [str(folder) for folder in folders if not (folder / "scores").is_dir()]:
        sys.exit(f"results: {', '.join(missing)}: no folder 'scores' there; make it with scripts/results score")
    means, each = costs(folders), []
    for heading, measure, figure in ROWS:
        cells = [values(folders, column, measure, figure) for column, _ in COLUMNS]
        dino, selfpatch = cells[2], cells[3]
        gains = [selfpatch[folder] - dino[folder] for folder in folders if folder in dino and folder in selfpatch]
        means.append([heading, *(summary(list(cell.values())) for cell in cells), summary(gains, "+")])
        each.append([heading, *(", ".join(f"{f:.1f}" for f in cell.values()) or "-" for cell in cells),
                     ", ".join(f"{gain:+.1f}" for gain in gains) or "-"])
    headings = ["", *(heading for _, heading in COLUMNS), "SelfPatch - DINO"]
    print(f"Per cent; mean ± sample deviation over {len(folders)} seeds ({', '.join(map(str, folders))}).\n")
    print(table(headings, means))
    print("\nEach seed:\n")
    print(table(headings, each))


main()
