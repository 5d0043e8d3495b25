"""``carrousel classify`` and ``carrousel tag``: labels for sequences, or for their steps."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from ..wording import legible, some
from . import options as o
from .scripting import write

READING = ("date_format", "day_first", "decimal", "thousands", "encoding", "sheet", "header",
           "time_zone")  # fmt: skip
WHERE, LEARNING = "Columns", "The network and its training (from the data, if not given)"

Source = Annotated[
    Path,
    typer.Argument(
        help="A .ts file; a table (CSV, Parquet, spreadsheet) with a row for each step, or for "
        "each text; a folder LABEL/*.txt or LABEL/*.wav; a table of paths of recordings."
    ),
]
Model = Annotated[Path, typer.Argument(help="Folder of a model that `train` wrote.")]
IdCol = Annotated[str, typer.Option(help="Names the sequences.", rich_help_panel=WHERE)]
TimeCol = Annotated[
    str | None,
    typer.Option(help="Sorts the steps; without, they stand in order.", rich_help_panel=WHERE),
]
LabelCol = Annotated[str, typer.Option(help="The labels.", rich_help_panel=WHERE)]
TextCol = Annotated[
    str | None,
    typer.Option(
        help="Texts, one in each row.", rich_help_panel=WHERE, show_default="text or sentence"
    ),
]
Channel = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of numbers; may be repeated.", rich_help_panel=WHERE,
        show_default="all that hold numbers",
    ),
]  # fmt: skip


def _learning(help: str, *flags: str, default: str | None = None) -> Any:
    shown: Any = False if default is None else default
    return typer.Option(*flags, help=help, rich_help_panel=LEARNING, show_default=shown)


Cell = Annotated[str | None, _learning("lstm, gru or rnn.")]
Hidden = Annotated[int | None, _learning("Units of each recurrent layer and direction.")]
Layers = Annotated[int | None, _learning("Recurrent layers.")]
Directions = Annotated[
    bool | None,
    _learning("Whether sequences are read backwards, too.", "--bidirectional/--one-direction"),
]
Convolution = Annotated[
    bool | None,
    _learning("Convolutions beside the recurrent layers.", "--convolution/--no-convolution"),
]
Beside = Annotated[
    bool | None,
    _learning(
        "A regression on fixed features that has a share in the answer.",
        "--companion/--no-companion",
    ),
]
Pooling = Annotated[str | None, _learning("last, mean, max, attention or concat.")]
Dropout = Annotated[float | None, _learning("Share of units hidden in training.")]
Ensemble = Annotated[int | None, _learning("Networks whose answers are averaged.")]
Epochs = Annotated[int | None, _learning("How often all sequences are learned from.")]
BatchSize = Annotated[int | None, _learning("Sequences in an update.")]
Rate = Annotated[float | None, _learning("At its highest.", "--learning-rate")]
Balanced = Annotated[bool, _learning("Mistakes of rare classes cost more.", "--balanced")]
Vary = Annotated[
    bool, _learning("Try to learn from variations of series; kept if that is better.", "--vary")
]
Missing = Annotated[
    bool | None,
    _learning(
        "Whether numbers may be missing in what is answered to later.",
        "--missing/--no-missing",
    ),
]
Level = Annotated[str, _learning("Tokens of texts: word, char or bpe.", default="word")]
Vectors = Annotated[Path | None, _learning("Vectors of words (word2vec or GloVe, text).")]
Seed = Annotated[int, _learning("Of all random numbers.", default="0")]
Init = Annotated[Path | None, _learning("Folder of a saved model whose networks learn on.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an earlier run was stopped.")]


def commands(tags: bool) -> typer.Typer:
    """The application of one estimator: of sequences, or of steps (``tags``)."""
    what = "a label for each step" if tags else "a label for each sequence"
    app = typer.Typer(help=f"Learn {what}; predict, evaluate, explain.", no_args_is_help=True)
    _add_train(app, tags)
    _add_use(app, tags)
    _add_explain(app, tags)
    return app


def _estimator(tags: bool) -> Any:
    from ..sequence import SequenceClassifier, SequenceTagger

    return SequenceTagger if tags else SequenceClassifier


def _dataset(path: Path, columns: dict[str, Any], settings: dict[str, Any], **how: bool) -> Any:
    """What is in a file, said in one line and one for each thing that was done."""
    from ..console import console
    from ..data import ReadOptions
    from . import sequences

    data = sequences.read_dataset(path, columns, ReadOptions(**settings), **how)
    screen = console(stderr=True)
    screen.print(sequences.describe(path.name, data))
    for note in data.notes:
        screen.print(f"  {note}")
    return data


def _opened(
    model: Path, file: Path, columns: dict[str, Any], settings: dict[str, Any], *, per_step: bool,
    labeled: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """A model, and what is in a file as it was taught to read."""
    from . import sequences

    estimator = _estimator(per_step).load(model)
    columns["rate"] = sequences.rate_of(estimator)
    data = _dataset(file, columns, settings, per_step=per_step, labeled=labeled)
    sequences.require_channels(estimator, data)
    return estimator, data


def _columns(id_col: str, time_col: str | None, label_col: str, text_col: str | None,
             channel: list[str] | None) -> dict[str, Any]:  # fmt: skip
    return {"id_col": id_col, "time_col": time_col, "label_col": label_col, "text_col": text_col,
            "channels": tuple(channel or ())}  # fmt: skip


def _add_train(app: typer.Typer, tags: bool) -> None:
    @app.command()
    @o.with_settings(*READING)
    def train(
        settings: dict[str, Any],
        file: Source,
        out: Annotated[Path, typer.Option(help="Folder of the model.")],
        validation: Annotated[
            Path | None,
            typer.Option(
                help="File to stop early and calibrate on.", show_default="a part of FILE"
            ),
        ] = None,
        id_col: IdCol = "id",
        time_col: TimeCol = None,
        label_col: LabelCol = "label",
        text_col: TextCol = None,
        channel: Channel = None,
        cell: Cell = None,
        hidden_size: Hidden = None,
        num_layers: Layers = None,
        bidirectional: Directions = None,
        convolution: Convolution = None,
        companion: Beside = None,
        pooling: Pooling = None,
        dropout: Dropout = None,
        ensemble: Ensemble = None,
        epochs: Epochs = None,
        batch_size: BatchSize = None,
        learning_rate: Rate = None,
        balanced: Balanced = False,
        vary: Vary = False,
        missing: Missing = None,
        level: Level = "word",
        vectors: Vectors = None,
        seed: Seed = 0,
        init: Init = None,
        resume: Resume = False,
    ) -> dict[str, Any]:
        """Learn from the sequences in FILE and their labels.

        A run that was stopped, by Ctrl-C or otherwise, goes on with --resume and arrives at the
        model of a run that never stopped. Beside the model stands report.html: what was chosen, how
        it learned, and how good it is on what was held out.
        """
        from ..console import console
        from ..storage.tempfiles import with_lock
        from .folders import writable_folder
        from .sequences import PAGE, learn, write_training

        options = {
            "cell": cell, "hidden_size": hidden_size, "num_layers": num_layers,
            "bidirectional": bidirectional, "convolution": convolution, "dropout": dropout,
            "ensemble": ensemble, "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "level": level, "random_state": seed,
            "vectors": None if vectors is None else str(vectors),
            "class_weight": "balanced" if balanced else None, "layout": "ntc",
            "missing": missing,
        }  # fmt: skip
        own = {"--pooling": pooling, "--companion": companion, "--vary": vary or None}
        if not tags:
            options |= {"pooling": pooling, "companion": companion}
            options |= {"augment": None if vary else False}
        elif option := next((name for name, value in own.items() if value is not None), None):
            raise ValueError(f"{option}: there is none where each step has a label")
        model = _estimator(tags)(**options)
        columns = _columns(id_col, time_col, label_col, text_col, channel)
        how = {"per_step": tags, "labeled": True}
        data = _dataset(file, columns, settings, **how)
        answers = data.answers(file.name)
        columns["rate"] = getattr(data.X, "rate", None)
        held = None if validation is None else _dataset(validation, columns, settings, **how)
        if not tags:
            _name_rare(console(), answers)
        given = None if held is None else (held.X, held.answers(validation.name))  # type: ignore[union-attr]
        with writable_folder(out), with_lock(out, wait=False):
            learn(model, data.X, answers, out, validation=given, init=init, resume=resume)
            judged = data if held is None else held
            found = model.evaluate_held_out(judged.y, judged.ids)
            title = legible(f"{out.name}, learned from {file.name}")
            write_training(out, model, found, title, "steps" if tags else "sequences", data.notes)
        _tell(console(), model, out, "tag" if tags else "classify")
        written = [str(out), str(out / PAGE)]
        return {"written": written, "chosen": model.plan_.reasons, "held_out": model.report_}


def _name_rare(screen: Any, answers: Any) -> None:
    """Classes that cannot be both learned from and judged."""
    count = Counter(answers.tolist())
    rare = [str(label) for label, times in count.items() if times == 1]
    if rare:
        screen.print(
            f"one example only: {some(rare)}; it is learned from, and how well the class is "
            "recognized cannot be said"
        )


def _tell(screen: Any, model: Any, out: Path, command: str) -> None:
    for reason in model.plan_.reasons:
        screen.print(reason)
    found = model.report_
    if "accuracy" in found:
        count = found.get("held_out", found.get("held_out_steps"))
        unit = "sequences" if "held_out" in found else "steps"
        error = found.get("expected_calibration_error")
        calibrated = "" if error is None else f", calibration error {error['after']:.3f}"
        screen.print(f"Held out: {found['accuracy']:.1%} right of {count:,} {unit}{calibrated}.")
    else:
        screen.print("Nothing was held out: how good the answers are was not measured.")
    screen.print(
        f"Written to {out}, with report.html: carrousel {command} evaluate {out} FILE",
        soft_wrap=True,
    )


def _add_use(app: typer.Typer, tags: bool) -> None:
    @app.command()
    @o.with_settings(*READING)
    def predict(
        settings: dict[str, Any],
        model: Model,
        file: Source,
        out: Annotated[
            Path | None, typer.Option(help="CSV or Parquet file. Standard output if not given.")
        ] = None,
        id_col: IdCol = "id",
        time_col: TimeCol = None,
        text_col: TextCol = None,
        channel: Channel = None,
    ) -> Any:
        """Answer to the sequences in FILE; nothing is learned."""
        from ..storage.files import frame_bytes, write_bytes
        from . import sequences
        from .folders import writable_file

        if out is not None and out.suffix not in (".csv", ".parquet"):
            raise ValueError(f"--out must end in .csv or .parquet, got {out.name}")
        if out is not None:
            writable_file(out)
        columns = _columns(id_col, time_col, "label", text_col, channel)
        estimator, data = _opened(model, file, columns, settings, per_step=tags, labeled=False)
        table = sequences.answers(estimator, data, tags)
        if out is None:
            write(frame_bytes(table, ".csv").decode())
            return table.to_dicts()
        write_bytes(out, frame_bytes(table, out.suffix))
        return {"written": [str(out)], "rows": table.height}

    @app.command()
    @o.with_settings(*READING)
    def evaluate(
        settings: dict[str, Any],
        model: Model,
        file: Source,
        out: Annotated[
            Path | None,
            typer.Option(help="Folder for report.html, confusion.png, answers.csv, "
                         "evaluation.json."),
        ] = None,
        id_col: IdCol = "id",
        time_col: TimeCol = None,
        label_col: LabelCol = "label",
        text_col: TextCol = None,
        channel: Channel = None,
    ) -> Any:  # fmt: skip
        """Compare the answers to the sequences in FILE with their labels."""
        from ..console import console
        from . import sequences
        from .folders import whole_folder

        columns = _columns(id_col, time_col, label_col, text_col, channel)
        estimator, data = _opened(model, file, columns, settings, per_step=tags, labeled=True)
        found = estimator.evaluate(data.X, data.answers(file.name), names=data.ids)
        screen, notes = console(), sequences.notes_on(found)
        for shown in (sequences.class_table(found), sequences.confusion_table(found),
                      sequences.mistake_table(found), *notes):  # fmt: skip
            if shown is not None:
                screen.print(shown)
        told = found.summary()
        if out is not None:
            with whole_folder(out) as folder:
                sequences.write_evaluation(
                    folder, found, legible(f"{file.name} by {model.name}"),
                    "steps" if tags else "sequences", [*data.notes, *notes],
                    sequences.set_options(estimator),
                )  # fmt: skip
            screen.print(f"Written to {out}{os.sep}: {', '.join(sequences.WRITTEN)}")
            told["written"] = [str(out / name) for name in sequences.WRITTEN]
        return told


def _add_explain(app: typer.Typer, tags: bool) -> None:
    @app.command()
    @o.with_settings(*READING)
    def explain(
        settings: dict[str, Any],
        model: Model,
        file: Source,
        sequence: Annotated[
            str | None, typer.Option(help="Which one, by its id.", show_default="the first")
        ] = None,
        step: Annotated[
            int | None, typer.Option(help="Whose label, from 0.", show_default="the last")
        ] = None,
        answer: Annotated[
            str | None, typer.Option(help="Which label.", show_default="the one that is given")
        ] = None,
        out: Annotated[Path | None, typer.Option(help="Picture: .png, .svg or .pdf.")] = None,
        id_col: IdCol = "id",
        time_col: TimeCol = None,
        text_col: TextCol = None,
        channel: Channel = None,
    ) -> Any:
        """What the answer to one sequence relied on, and when it was decided."""
        from ..console import console, table
        from . import sequences
        from .folders import writable_file

        if out is not None:
            writable_file(out)
        if step is not None and not tags:
            raise ValueError("--step: the whole sequence has one label")
        columns = _columns(id_col, time_col, "label", text_col, channel)
        estimator, data = _opened(model, file, columns, settings, per_step=tags, labeled=False)
        ids = [str(name) for name in data.ids]
        if sequence is not None and sequence not in ids:
            raise ValueError(
                f"--sequence: there is no {sequence!r} in {file.name}; there are {some(ids)}"
            )
        k = 0 if sequence is None else ids.index(sequence)
        known = {str(label): label for label in estimator.classes_.tolist()}
        if answer is not None and answer not in known:
            raise ValueError(f"--answer must be one of {', '.join(known)}, got {answer!r}")
        chosen = None if answer is None else known[answer]
        found = estimator.explain(
            sequences.one_of(data, k), chosen, **({"step": step} if tags else {})
        )
        screen = console()
        rows = sorted(found.table(), key=lambda row: -abs(row["removed"]))[:10]
        decided = f"decided at step {found.decided} of {len(found.steps)}"
        title = f"{ids[k]}: {found.answer}, log odds {found.believed:.2f}, {decided}"
        screen.print(table(rows, ("name",), title=title))
        told = found.summary()
        if out is not None:
            found.plot(title=f"{ids[k]}: {found.answer}").savefig(out)
            screen.print(f"Written to {out}")
            told["written"] = [str(out)]
        return told


classify, tag = commands(tags=False), commands(tags=True)
