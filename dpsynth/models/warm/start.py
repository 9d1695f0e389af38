"""The warm start: asks the door for tables and moments, and fits a chain to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.base import Progress
from dpsynth.models.state import State
from dpsynth.models.tables import draw
from dpsynth.models.warm.chain import Chain
from dpsynth.models.warm.fitting import Targets, fit
from dpsynth.models.warm.label import LabelModel, whitening
from dpsynth.models.warm.logits import OwnLogits
from dpsynth.models.warm.questions import Tables, questions, read, transitions
from dpsynth.models.warm.score_tables import blanks, score_tables
from dpsynth.models.warm.visit_label import VisitLabel, directions, products
from dpsynth.privacy.door import Door
from dpsynth.privacy.moments import ClassSums, VisitMoments, summaries
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.query import Question, joint_sensitivity
from dpsynth.privacy.scores import Scores
from dpsynth.privacy.weights import weighed
from dpsynth.schema import Schema

SHARES = {"tables": 0.5, "moments": 0.25, "label": 0.25}
ROUNDS = 50  # of simulation
LABEL_ROUNDS = 3  # of fitting a label among the visits and drawing it again
SUMMARIES = 12_000  # at most: generated patients that the label is fitted on
TRIES = 40  # rounds of generating patients with a label that was asked for


class WarmStart:
    """Three releases and what follows from them.

    1. "tables": histograms of facts and turns, transitions of each column.
    2. "moments": how facts, turn and columns of a visit go together, in scores that are
       standardised by the tables.
    3. "label": for a static label, sums of patients' summaries by class, in directions in
       which generated summaries are spherical; for a label among the visit columns, its
       moments with what is known at its visit, in such directions.

    Where groups have weights (`plan.groups`), the answers are of patients so weighed, and so is
    what is fitted to them: small groups count for more in what all groups share. Facts are then
    drawn as if nobody had been weighed (see `Chain.facts`), so that groups have their own
    shares in what is sampled, and all else follows given the facts.

    Args:
        schema, codec, plan: public, or released; the plan holds the releases of `releases`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan) -> None:
        self.codec, self.plan = codec, plan
        self.label, self.late = labels(schema, codec)
        self._own: Chain | None = None  # columns on their own
        self._chain: Chain | None = None
        self._last = np.zeros(0, dtype=bool)
        self._basis: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros((0, 0)))
        self._classes: LabelModel | None = None
        self._tables: Tables | None = None
        groups = plan.groups
        self._groups = groups if groups is not None and groups.measured else None

    @staticmethod
    def releases(schema: Schema, share: float) -> tuple[tuple[str, float], ...]:
        """What the plan must hold: names, and shares of the budget that add up to `share`."""
        wanted = dict(SHARES)
        if schema.label is None:
            wanted.pop("label")
        return tuple((name, share * part / sum(wanted.values())) for name, part in wanted.items())

    def fit(self, door: Door, state: State, progress: Progress) -> None:
        """Ask, and fit."""
        rng = np.random.default_rng(0)  # only shuffles what is already released
        asked = questions(self.codec)
        answers = state.once("tables", lambda: self._answers(door, "tables", asked))
        tables = read(self.codec, answers, self._noise("tables") * joint_sensitivity(asked))
        scores, self._last = score_tables(self.codec, tables.histograms(self.codec), self.label)
        targets = self._targets(door, state, tables, scores)
        self._tables, self._own = tables, started(self.codec, tables, scores, self.late)
        self._chain = started(self.codec, tables, scores, self.late)
        fit(self._chain, targets, rng, ROUNDS, progress)
        if self.label is not None:
            self._fit_label(door, state, rng)
        if self.late is not None:
            self._fit_visit_label(door, state, rng)
        self._chain.groups = self._groups

    def _answers(self, door: Door, name: str, asked: Sequence[Question]) -> list[np.ndarray]:
        """Of the door, about patients as they are weighed."""
        return door.measure(name, weighed(asked, self._groups))

    def sample(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int] | None = None
    ) -> Tokens:
        """Synthetic tokens; `where` fixes static fields (position: code)."""
        chain = self._chain
        assert chain is not None
        return self.labelled(
            patients, rng, where or {}, lambda rows, fixed: chain.sample(rows, rng, fixed)
        )

    def facts(
        self, patients: int, rng: np.random.Generator, where: Mapping[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Static codes (patients, fields) and numbers of visits; a static label means nothing."""
        assert self._chain is not None
        return self._chain.facts(patients, rng, where)

    def labelled(
        self,
        patients: int,
        rng: np.random.Generator,
        where: Mapping[int, int],
        unlabelled: Callable[[int, Mapping[int, int]], Tokens],
    ) -> Tokens:
        """Patients whose static label, if there is one, is drawn given the rest of them.

        A label that is asked for is met by drawing patients until enough have it, which
        keeps the law of the rest given the label (each round's chances are compared with the
        largest among them: a rare label takes no more rounds); when `TRIES` were not enough, the
        most probable of a last round are taken.

        Args:
            patients: how many.
            rng: source of labels.
            where: static fields that are fixed.
            unlabelled: draws that many patients with those static fields fixed.
        """
        fixed = dict(where)
        wanted = fixed.pop(self.label, None) if self.label is not None else None
        if self.label is None or wanted is None:
            made = unlabelled(patients, fixed)
            self.relabel(made, rng)
            return made
        parts: list[Tokens] = []
        missing, left = patients, TRIES
        while missing > 0:
            made = unlabelled(max(patients, 1000), fixed)
            chance = self._log_chances(made)[:, wanted]
            chosen = np.flatnonzero(np.log(rng.random(len(made))) < chance - chance.max())
            if left == 0:
                chosen = np.argsort(-(chance + rng.gumbel(size=len(made))), kind="stable")
            parts.append(made.take(chosen[:missing]))
            missing, left = missing - len(parts[-1]), left - 1
        made = joined(parts or [unlabelled(0, fixed)])
        made.static[:, self.label] = wanted
        return made

    def relabel(self, made: Tokens, rng: np.random.Generator) -> None:
        """Draw the label of these patients, if there is one, from the rest of them."""
        assert self._chain is not None
        self._chain.relabel(made, rng)
        if self.label is not None:
            made.static[:, self.label] = draw(np.exp(self._log_chances(made)), rng)

    @property
    def total(self) -> float:
        """How many patients there were, as the tables say; or their weights together."""
        assert self._tables is not None
        return self._tables.total

    def own_logits(self, facts: Sequence[int]) -> OwnLogits:
        """Where a network may start from; `facts` are the static fields that it models.

        The number of visits, where it varies, comes after them.
        """
        assert self._own is not None
        counted = [len(self.codec.static)] if self._own.scores.counted else []
        return OwnLogits(self._own, [*facts, *counted])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        assert self._chain is not None and self._own is not None
        scores = self._chain.scores
        held = {f"chain.{name}": value for name, value in self._chain.arrays().items()}
        held |= {f"own.{name}": value for name, value in self._own.arrays().items()}
        held |= {f"scores.static.{i:04d}": table for i, table in enumerate(scores.static)}
        held |= {f"scores.visit.{i:04d}": table for i, table in enumerate(scores.visit)}
        held |= {"scores.turn": scores.turn, "scores.scale": scores.scale}
        held |= {"last": self._last.astype(np.int8)}
        if self._chain.label is not None:
            learnt = self._chain.label.arrays()
            held |= {f"visit_label.{name}": value for name, value in learnt.items()}
        if self._classes is not None:
            held |= {"centre": self._basis[0], "whiten": self._basis[1]}
            held |= {"weights": self._classes.weights, "bias": self._classes.bias}
        return held

    def take_up(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up what `arrays` gave."""

        def parts(name: str) -> tuple[np.ndarray, ...]:
            return tuple(arrays[key] for key in sorted(arrays) if key.startswith(f"{name}."))

        scores = Scores(
            static=parts("scores.static"),
            turn=arrays["scores.turn"],
            visit=parts("scores.visit"),
            blank=blanks(self.codec),
            counted=self.codec.max_visits > 0 and not self.codec.regular,
            scale=arrays["scores.scale"],
        )
        self._chain = Chain.blank(self.codec, scores, self.late)
        self._chain.take_up({k[6:]: v for k, v in arrays.items() if k.startswith("chain.")})
        self._chain.groups = self._groups
        self._own = Chain.blank(self.codec, scores, self.late)
        self._own.take_up({k[4:]: v for k, v in arrays.items() if k.startswith("own.")})
        self._last = arrays["last"].astype(bool)
        if self.late is not None:
            held = {k[12:]: v for k, v in arrays.items() if k.startswith("visit_label.")}
            self._chain.label = VisitLabel.of(scores, self.late, held)
        if "weights" in arrays:
            self._basis = (arrays["centre"], arrays["whiten"])
            self._classes = LabelModel(*arrays["weights"].shape)
            self._classes.weights, self._classes.bias = arrays["weights"], arrays["bias"]

    def _noise(self, name: str) -> float:
        return self.plan.release(name).noise_multiplier

    def _targets(self, door: Door, state: State, tables: Tables, scores: Scores) -> Targets:
        width = sum(scores.widths)
        asked = VisitMoments(scores=scores, clip=length(scores.scale))
        found = (
            state.once("moments", lambda: self._answers(door, "moments", [asked]))[0] / tables.total
        )
        noise = self._noise("moments") * asked.sensitivity / tables.total
        unit = np.outer(scores.scale, scores.scale)
        return Targets(
            static=tables.static,
            step=tables.step,
            steps=transitions(self.codec),
            turn=tables.turn,
            moments=(found + found.T) / 2 / unit,
            clip=asked.clip,
            # Half of a score's variance told by all others: weights of variance 1 / (2 width);
            # a symmetrised moment has half the variance of its noise.
            doubt=width * (noise / unit) ** 2,
            least=0.05 * tables.noise + 1e-6,
            total=round(tables.total),
        )

    def _fit_label(self, door: Door, state: State, rng: np.random.Generator) -> None:
        assert self._chain is not None and self._tables is not None and self.label is not None
        made = self._chain.sample(min(3 * round(self._tables.total) + 1000, SUMMARIES), rng)
        scores = self._chain.scores
        fresh = whitening(summaries(scores, made, self._last))

        def ask() -> list[np.ndarray]:
            return [*fresh, *self._answers(door, "label", [self._sums(scores, fresh)])]

        *basis, sums = state.once("label", ask)
        self._basis = (basis[0], basis[1])
        asked = self._sums(scores, self._basis)
        prior = self._tables.static[self.label]
        self._classes = LabelModel(*sums.shape)
        total = self._tables.total
        noise = self._noise("label") * asked.sensitivity / total
        self._classes.fit(asked.of(made), prior, sums / total, noise)

    def _fit_visit_label(self, door: Door, state: State, rng: np.random.Generator) -> None:
        chain, tables, own, late = self._chain, self._tables, self._own, self.late
        assert chain is not None and tables is not None and own is not None and late is not None
        made = chain.sample(min(3 * round(tables.total) + 1000, SUMMARIES), rng)
        fresh = directions(chain.scores, late, made)

        def ask() -> list[np.ndarray]:
            asked = products(chain.scores, late, *fresh)
            return [*fresh, *self._answers(door, "label", [asked])]

        centre, whiten, found = state.once("label", ask)
        asked = products(chain.scores, late, centre, whiten)
        noise = self._noise("label") * asked.sensitivity / tables.total
        prior = tables.histograms(self.codec).visit[late]
        # From here on the label's own tables are as they were measured.
        chain.step[late], chain.first[late] = own.step[late], own.first[late]
        chain.label = VisitLabel.blank(asked)
        for _ in range(LABEL_ROUNDS):  # what is known of a visit holds the label before it
            logits = chain.own_logits(late, made, *np.nonzero(made.inside))
            chain.label.fit(made, logits, prior, found / tables.total, noise)
            chain.relabel(made, rng)

    def _sums(self, scores: Scores, basis: tuple[np.ndarray, np.ndarray]) -> ClassSums:
        assert self.label is not None
        return ClassSums(
            scores=scores,
            label=self.label,
            last=self._last,
            centre=basis[0],
            whiten=basis[1],
            clip=max(basis[1].shape[1], 1) ** 0.5,
        )

    def _log_chances(self, made: Tokens) -> np.ndarray:
        assert self._chain is not None and self._classes is not None
        return self._classes.log_chances(self._sums(self._chain.scores, self._basis).of(made))


def length(scale: np.ndarray) -> float:
    """How long a vector of standard scores times their scales is, about; at least 1."""
    return max(float(np.linalg.norm(scale)), 1.0)


def labels(schema: Schema, codec: Codec) -> tuple[int | None, int | None]:
    """Position of the label among the facts, or among the visit columns; none for neither."""
    if schema.label is None:
        return None, None
    facts = [field.name for field in codec.static]
    visit = [field.name for field in codec.visit]
    name = schema.label.column
    return (
        facts.index(name) if name in facts else None,
        visit.index(name) if name in visit else None,
    )


def started(codec: Codec, tables: Tables, scores: Scores, late: int | None) -> Chain:
    """The chain before it is fitted: columns on their own."""
    tiny = 0.05 * tables.noise + 1e-6
    chain = Chain.blank(codec, scores, late)
    chain.static = [np.log(share + tiny) for share in tables.static]
    chain.first = [np.log(turns[0] + tiny) for turns in tables.turn]
    for j, table in enumerate(tables.step):
        rows = table.sum(axis=1, keepdims=True)
        chain.step[j] = np.log(table + tiny) - np.log(rows + tiny * len(table))
    return chain


def joined(parts: list[Tokens]) -> Tokens:
    """Patients of all parts."""
    return Tokens(
        static=np.concatenate([part.static for part in parts]),
        visits=np.concatenate([part.visits for part in parts]),
        length=np.concatenate([part.length for part in parts]),
    )
