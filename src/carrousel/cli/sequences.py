"""What ``carrousel classify`` and ``carrousel tag`` share: files in, models, tables and a page out.

Imported when a command runs: it needs torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .. import __version__
from ..audio import Recordings, read_recordings
from ..audio.recordings import holds_sounds
from ..console import table
from ..data import ReadOptions
from ..data.read import open_table
from ..sequence import Dataset, read_folder, read_table, read_texts, read_ts, read_wide
from ..sequence.evaluation.evaluation import Evaluation
from ..sequence.evaluation.report import render
from ..sequence.evaluation.training_report import render_training
from ..sequence.inputs.tables import bare_texts, texts_in
from ..sequence.inputs.wide_files import is_wide
from ..storage.files import write_bytes, write_csv, write_json
from ..wording import counted, some
from .progress import training_bar
from .screen import reading

WIDE = (".csv", ".tsv", ".txt")
DEFAULT_ID = "id"
TEXT_COLUMNS, PATH_COLUMN = ("text", "sentence"), "path"
CHECKPOINTS = "training"  # folder inside that of the model, while it is made
PAGE = "report.html"
WRITTEN = (PAGE, "confusion.png", "answers.csv", "evaluation.json")  # by an evaluation
MOST_LINES = 30  # labels in a table on the terminal


def read_dataset(
    path: Path, columns: dict[str, Any], options: ReadOptions, *, per_step: bool, labeled: bool
) -> Dataset:
    """The sequences in a file or folder.

    Args:
        path: A ``.ts`` file; a file with a series in each line, its label first; a table (CSV,
            Parquet, workbook) with a row for each step, or, if it has a column of texts, for each
            text; a folder of folders of texts or recordings; a table of paths of recordings.
        columns: ``id_col``, ``time_col``, ``label_col``, ``text_col`` and ``channels``; ``rate``
            of recordings, None for their own.
        per_step: Whether each step has a label.
        labeled: Whether labels must be there.
    """
    with reading():
        if holds_sounds(path):
            return _recordings(path, columns, per_step, labeled)
        if path.is_dir():
            _refuse(columns, "a folder")
            return read_folder(path)
        if path.suffix.lower() == ".ts":
            _refuse(columns, "a .ts file")
            return read_ts(path)
        if not per_step and path.suffix.lower() in WIDE and is_wide(path):
            _refuse(columns, "a file with a series in each line")
            return read_wide(path)
        if per_step:
            _refuse(columns, "a table with a label for each step", "text_col")
        label_col = columns["label_col"] if labeled else None
        text_col = columns["text_col"]
        if text_col is None and not columns["channels"]:
            found = open_table(path, ["", ""], (), options).frame.columns
            text_col = next((name for name in TEXT_COLUMNS if name in found), None)
            if text_col is None and PATH_COLUMN in found:
                return _recordings(path, columns, per_step, labeled)
        if text_col is None and not per_step:
            bare = bare_texts(path, TEXT_COLUMNS[0], columns["label_col"], options)
            if bare is not None:
                _refuse(columns, "a file of texts and labels")
                return texts_in(bare, TEXT_COLUMNS[0], label_col)
        if text_col is not None and not per_step:
            _refuse(columns, "a table of texts", "time_col", "channels")
            return read_texts(
                path, text_col=text_col, label_col=label_col, id_col=columns["id_col"],
                options=options,
            )  # fmt: skip
        return read_table(
            path, id_col=columns["id_col"], time_col=columns["time_col"], label_col=label_col,
            channels=columns["channels"], per_step=per_step, options=options,
        )  # fmt: skip


def _refuse(columns: dict[str, Any], what: str, *names: str) -> None:
    """Refuse names of columns, by default all but that of labels, that mean nothing there."""
    for name in names or ("id_col", "time_col", "text_col", "channels"):
        given = columns[name]
        if given and (name, given) != ("id_col", DEFAULT_ID):
            given = given if isinstance(given, str) else given[0]
            raise ValueError(f"{name}={given!r} is not for {what}; leave it out")


def _recordings(path: Path, columns: dict[str, Any], per_step: bool, labeled: bool) -> Dataset:
    if per_step:
        raise ValueError(f"{path}: recordings have no label for each step; give classify")
    given = read_recordings(
        path, columns.get("rate"), labeled=labeled, label_col=columns["label_col"]
    )
    labels = None if given.labels is None else np.array(given.labels)
    return Dataset(given, labels, given.names)


def learn(model: Any, X: Any, y: Any, out: Path, *, resume: bool, **options: Any) -> None:
    """Fit a model and save it to ``out``; the state of training stands there until it is done, so
    that ``resume`` goes on where an earlier run was stopped."""
    checkpoints = out / CHECKPOINTS
    with training_bar("learning") as report:
        model.fit(X, y, progress=report, checkpoint=checkpoints, resume=resume, **options)
    model.save(out)
    if all(run.stopped != "interrupted" for run in model.runs_):
        for file in checkpoints.glob("network*.safetensors"):
            file.unlink()
        checkpoints.rmdir()


def one_of(data: Dataset, k: int) -> Any:
    """The sequence number ``k``, as ``explain`` takes it."""
    return data.X.take([k]) if isinstance(data.X, Recordings) else data.X[k]


def rate_of(model: Any) -> int | None:
    """The sampling rate that a model hears at; None for one that hears nothing."""
    features = getattr(model.reader_, "features", None)
    return None if features is None else features.rate


def describe(name: str, data: Dataset) -> str:
    """One line on what was read."""
    if isinstance(data.X, Recordings):
        return f"{name}: {counted(len(data), 'recording')} at {data.X.rate:,} Hz"
    if isinstance(data.X[0], str):
        return f"{name}: {counted(len(data), 'text')}"
    steps = [len(x) for x in data.X]
    extent = f"{min(steps):,}" if min(steps) == max(steps) else f"{min(steps):,}-{max(steps):,}"
    channels = counted(data.X[0].shape[1], "channel")
    return f"{name}: {counted(len(data), 'sequence')} of {extent} steps, {channels}"


def channels_of(data: Dataset) -> list[str]:
    silent = not isinstance(data.X, Recordings) and not isinstance(data.X[0], str)
    return list(data.channels) if silent else []


def class_table(evaluation: Evaluation) -> Any:
    """Figures of each class, and of all."""
    rows = [{**row, "label": str(row["label"])} for row in evaluation.by_class[:MOST_LINES]]
    title = (
        f"{evaluation.accuracy:.1%} right of {len(evaluation.truth):,}, macro F1 "
        f"{evaluation.macro_f1:.3f}, calibration error {evaluation.calibration_error:.3f}"
    )
    return table(rows, ("label",), title=title)


def confusion_table(evaluation: Evaluation) -> Any:
    """True labels down, answers across; None where there are too many for a terminal."""
    if len(evaluation.labels) > 12:
        return None
    names = [str(label) for label in evaluation.labels]
    rows = [
        {"truth": name, **dict(zip(names, map(str, counts), strict=True))}
        for name, counts in zip(names, evaluation.confusion.tolist(), strict=True)
    ]
    return table(rows, ("truth",), title="What was taken for what (columns: answers)")


def mistake_table(evaluation: Evaluation, most: int = 5) -> Any:
    """The surest wrong answers; None if there are none."""
    worst = evaluation.mistakes(most)
    if not worst:
        return None
    rows = [
        {k: v if isinstance(v, float) or v is None else str(v) for k, v in one.items()}
        for one in worst
    ]
    return table(rows, ("name", "answer", "truth"), title="Worst mistakes", wrapped=("name",))


def notes_on(evaluation: Evaluation) -> list[str]:
    """What else must be said."""
    if not evaluation.unseen:
        return []
    count = int((evaluation.truth >= evaluation.chances.shape[1]).sum())
    names = ", ".join(map(str, evaluation.unseen))
    return [f"labels that were never learned: {names}; {counted(count, 'answer')} wrong for that"]


def write_evaluation(
    folder: Path, evaluation: Evaluation, title: str, what: str, notes: Sequence[str],
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Figures, table of answers, picture and page."""
    write_json(folder / "evaluation.json", evaluation.summary())
    rows = [
        {"name": name, "truth": evaluation.labels[t], "answer": evaluation.labels[s],
         "probability": round(float(chance), 6)}
        for name, t, s, chance in zip(
            evaluation.names, evaluation.truth.tolist(), evaluation.said.tolist(),
            evaluation.chances.max(1), strict=True,
        )
    ]  # fmt: skip
    write_csv(folder / "answers.csv", rows)
    evaluation.plot().savefig(folder / "confusion.png")
    page = render(evaluation, title, what=what, notes=notes, settings=settings, version=__version__)
    write_bytes(folder / PAGE, page.encode())


def write_training(
    out: Path, model: Any, found: Any, title: str, what: str, notes: Sequence[str] = ()
) -> None:
    """The page beside a model that was learned: see ``training_report.py``."""
    page = render_training(
        title, model.runs_, found, what=what, notes=notes, reasons=model.plan_.reasons,
        report=model.report_, settings=set_options(model), version=__version__,
    )  # fmt: skip
    write_bytes(out / PAGE, page.encode())


def set_options(model: Any) -> dict[str, Any]:
    """Those that were chosen by somebody."""
    return {k: v for k, v in model.get_params().items() if v is not None}


def answers(model: Any, data: Dataset, per_step: bool) -> pl.DataFrame:
    """A row for each sequence (each step): its name, the answer and all probabilities."""
    chances = model.predict_proba(data.X)
    ids = list(data.ids)
    columns: dict[str, Any] = {"id": ids}
    if per_step:
        lengths = [len(one) for one in chances]
        columns = {
            "id": [name for name, n in zip(ids, lengths, strict=True) for _ in range(n)],
            "step": [step for n in lengths for step in range(n)],
        }
        chances = np.concatenate(chances)
    classes = model.classes_.tolist()
    columns["answer"] = [str(classes[k]) for k in chances.argmax(1)]
    columns |= {f"p({label})": chances[:, k].round(6) for k, label in enumerate(classes)}
    return pl.DataFrame(columns)


def require_channels(model: Any, data: Dataset) -> None:
    """Whether sequences are of the kind that the model reads."""
    kind = "numbers"
    if isinstance(data.X, Recordings):
        kind = "sound"
    elif isinstance(data.X[0], str):
        kind = "texts"
    if kind != model.reader_.kind:
        raise ValueError(f"the model reads {model.reader_.kind}, the file holds {kind}")
    if kind == "numbers" and data.X[0].shape[1] != (wanted := model.reader_.channels):
        raise ValueError(
            f"the model reads {counted(wanted, 'channel')}, the file has {data.X[0].shape[1]} "
            f"({some(data.channels, 12)}); name them with --channel"
        )
