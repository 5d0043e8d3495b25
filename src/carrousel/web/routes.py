"""The API: models, and what happens inside them. Described at ``/api/openapi.json``."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from .inside import Run, kept_json, record_json
from .library import Library, Model
from .sequences import Sequence, sequence_of

LONGEST_TEXT = 2_000  # characters
LONGEST = 400  # steps of a sentence
MOST_VALUES = 20_000  # of a series

Value = Annotated[float, Field(allow_inf_nan=False)] | None


class Question(BaseModel):
    """One sequence: a sentence for a language model, values for a forecaster."""

    model_config = {"extra": "forbid"}

    text: str | None = Field(None, max_length=LONGEST_TEXT, examples=["Hier soir j'ai mangé"])
    series: list[Value] | None = Field(
        None, max_length=MOST_VALUES, description="Observations, oldest first; null is missing."
    )


class KeptQuestion(Question):
    """One sequence and the step from which to look back; by default the last."""

    at: int | None = Field(None, ge=0, description="Step from which to look back.")
    target: str | None = Field(
        None,
        max_length=100,
        description="Token whose score is shared out, by default the likeliest; or a step ahead, "
        "by default 1.",
    )


class Summary(BaseModel):
    """A model in the menu."""

    name: str
    task: str
    title: dict[str, str]
    kind: str
    family: str | None = Field(None, description="Models of one family differ in their cell.")
    language: str | None = Field(None, description="Of its sentences, as in ISO 639-1.")


class RecordAnswer(BaseModel):
    """Every gate and state of every step: ``layers[k]["gates"][name][t][unit]``."""

    kind: str
    steps: list[str]
    layers: list[dict[str, Any]]
    next: list[dict[str, Any]] | None = Field(None, description="Likeliest next words.")
    quantiles: list[list[float]] | None = Field(None, description="(h, Q) of a forecaster.")


class KeptAnswer(BaseModel):
    """One number for each step up to ``at``; see docs/explorer.md for what they mean."""

    at: int
    steps: list[str]
    target: str
    survival: list[float]
    ledger: list[float]
    initial: float
    total: float
    conservation_error: float


class Problem(BaseModel):
    error: str


def api(library: Library) -> APIRouter:
    """The routes over these models and no others."""
    router = APIRouter(prefix="/api", responses={404: {"model": Problem}, 422: {"model": Problem}})

    def find(name: str) -> Model:
        if name not in library.models:
            known = ", ".join(library.models) or "none"
            raise HTTPException(404, f"there is no model {name[:80]!r}; there are: {known}")
        return library.models[name]

    @router.get("/models", summary="The models that this explorer shows")
    def models() -> list[Summary]:
        return [Summary(**one.summary) for one in library]

    @router.get("/models/{name}", summary="A model: weights, vocabulary, series")
    def model(name: str) -> Response:
        return Response(find(name).text, media_type="application/json")

    @router.post("/models/{name}/record", summary="Run a sequence, get its record")
    def record(name: str, question: Question) -> RecordAnswer:
        one = find(name)
        sequence = _sequence(one, question)
        run = Run.of(one.network, sequence.inputs)
        assert run.output is not None
        return RecordAnswer(
            steps=sequence.steps, **record_json(run), **sequence.answer(run.output[-1])
        )

    @router.post("/models/{name}/kept", summary="What of a sequence is still in the memory")
    def kept(name: str, question: KeptQuestion) -> KeptAnswer:
        one = find(name)
        sequence = _sequence(one, question)
        at = len(sequence.steps) - 1 if question.at is None else question.at
        if at >= len(sequence.steps):
            last = len(sequence.steps) - 1
            raise ValueError(f"at must be a step of the sequence, 0 to {last}, got {at}")
        run = Run.of(one.network, sequence.inputs)
        assert run.output is not None
        reader, target = sequence.reader(one.network, run.output[at], at, question.target)
        return KeptAnswer(
            steps=sequence.steps, target=target, **kept_json(run.records[-1], at, reader)
        )

    return router


def _sequence(model: Model, question: Question) -> Sequence:
    sequence = sequence_of(model.page, question.text, question.series)
    if len(sequence.steps) > LONGEST:
        raise ValueError(
            f"the sequence has {len(sequence.steps)} steps; at most {LONGEST} are read"
        )
    return sequence
