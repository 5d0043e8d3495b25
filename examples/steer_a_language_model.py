"""Where a French language model keeps "plural": found, tested, steered along, patched, named.

The model that ships with carrousel reads openings such as "Mes parents ne" and says the next word.
Probes look for the direction of the plural in its cell state; steering asks whether the model uses
it; patching asks which units carry it; a dictionary says what the words write.
"""

from importlib.resources import files
from pathlib import Path

import torch

import carrousel
from carrousel.explain import (
    Place,
    ablation_curves,
    activation_patching,
    probe,
    replace_writes,
    steer,
    write_dictionary,
)

model = carrousel.LanguageModel.load(Path(str(files("carrousel.web"))) / "models" / "french")
network, tokenizer = model.network, model.tokenizer

ONE = [
    "Mon père",
    "Ma mère",
    "Le chien",
    "Le garçon",
    "La fille",
    "Mon ami",
    "La femme",
    "Ce garçon",
]
MANY = ["Mes parents", "Les gens", "Les enfants", "Les hommes", "Les femmes", "Mes amis"]
MANY += ["Les garçons", "Les filles", "Les chiens", "Ces gens", "Mes enfants", "Les autres"]
AFTER = ["ne", "ne me", "ne te", "ne se", "ne nous", "se", "nous"]


def tokens_of(lines: list[str]) -> torch.Tensor:
    return torch.stack([torch.as_tensor(tokenizer.encode(line)) for line in lines])


states, plural, subjects = [], [], []
for subject in ONE + MANY:
    for after in AFTER:
        with torch.no_grad(), carrousel.trace(network) as trace:
            network(tokens_of([f"{subject} {after}"]))
        states.append(trace[-1].cell[0, -1, 0])
        plural.append(subject in MANY)
        subjects.append(subject)

# Subjects are held out whole, so that the probe cannot know them by heart.
found = probe(torch.stack(states), plural, groups=subjects)
lever = probe(torch.stack(states), plural, kind="means", groups=subjects)
print(f"plural of subjects not seen: {found.score:.0%} right; with shuffled labels "
      f"{max(found.shuffled):.0%} at best, always the commonest {found.baseline:.0%}")  # fmt: skip
assert found.score > found.baseline
print(f"by the difference of the means alone: {lever.score:.0%}")

VERBS = {"peut": "peuvent", "veut": "veulent", "va": "vont", "est": "sont", "doit": "doivent"}
singular = [tokenizer.encode(f"Il {verb}")[-1] for verb in VERBS]
several = [tokenizer.encode(f"Il {verb}")[-1] for verb in VERBS.values()]


def plural_verb(output) -> torch.Tensor:
    """The log of how much likelier a plural verb is next than a singular one, (B,)."""
    odds = output[0][:, -1].log_softmax(-1)
    return odds[:, several].logsumexp(-1) - odds[:, singular].logsumexp(-1)


openings = tokens_of([f"{subject} ne" for subject in ONE if len(subject.split()) == 2])
place = Place("cell")
print("\nplural verbs after 'Mon père ne' and the like, pushed along a direction at its last word:")
for name, direction in {"the regression's": found, "the means'": lever}.items():
    effect = steer(network, openings, direction, plural_verb, doses=(-4, -2, 0, 2, 4), place=place)
    print(f"{name} direction\n{effect.to_dataframe()}")
effect.plot().savefig("steering.png")

# Which of the numbers that "Mes parents ne" leaves would change what follows "Mon père ne"?
one, many = tokens_of(["Mon père ne"]), tokens_of(["Mes parents ne"])
carried = activation_patching(network, one, many, plural_verb, place=place)
best = carried.to_dataframe().sort("effect", descending=True).head(4)
print("\nsingle numbers of the other sentence's memory that change most:")
print(best)
carried.plot(tokens=["Mon", "père", "ne"]).savefig("patching.png")

# Do these units matter together? Beside: at random, and the largest.
rankings = {
    "regression": found.direction,
    "means": lever.direction,
    "patching": carried.effects[0].abs().amax(0),
}
curves = ablation_curves(network, openings, rankings, plural_verb, place=place)
print(f"\n{curves}")
curves.plot().savefig("ablation.png")

lines = [f"{subject} {after} {verb} pas ." for subject in ONE + MANY for after in AFTER[:5]
         for verb in ("peut", "peuvent")]  # fmt: skip
records, words = [], []
for line in lines:
    ids = tokens_of([line])
    with torch.no_grad(), carrousel.trace(network) as trace:
        network(ids)
    records.append(trace[-1])
    words.append([[tokenizer.tokens[token].strip() for token in ids[0].tolist()]])
dictionary = write_dictionary(records, entries=16, active=3)
print(f"\n{dictionary.active} of 16 entries explain {dictionary.explained:.0%} of what is written "
      f"(16 writes at random: {dictionary.random:.0%})")  # fmt: skip
for row in dictionary.uses(words, k=4)[:6]:
    print(f"  entry {row['entry']:2} in {row['share']:.0%} of the writes: {row['used by']}")
dictionary.plot().savefig("dictionary.png")

changed = replace_writes(network, openings, dictionary, plural_verb)
print(f"\nthe answer changes by, with one write replaced:\n{changed}")
