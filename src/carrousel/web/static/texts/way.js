// @ts-check
/** The first view. */
export default {
  en: {
    "way.title": "From a word to the next: the whole way",
    "way.intro":
      "A word becomes numbers, the cell adds them to what it remembers, and its state becomes a guess. Every name is a door to the view that shows it in full.",
    "way.intro-series":
      "Observations become numbers, the cell adds them to what it remembers, and its state becomes a forecast. Every name is a door to the view that shows it in full.",
    "way.modes": "The cell",
    "way.ann": "without a loop",
    "way.loop": "with its loop",
    "way.unrolled": "unrolled in time",
    "way.ann-picture": "A network without a loop: input below, answer above",
    "way.loop-picture": "A cell that hands its state to itself at the next step",
    "way.unrolled-picture": "The same cell at each step, each handing its state to the next",
    "way.ann-does":
      "Without the loop it is an ordinary network (ANN): it reads one word, and nothing of what came before.",
    "way.loop-does":
      "The loop hands the state h to the next step: what was read before comes along.",
    "way.unrolled-does": "The loop, drawn step by step. It is one cell with one set of weights.",
    "way.continue": "Continue",
    "way.temperature": "Boldness",
    "way.ends": "Here the network would end the sentence.",
    "way.station-input": "what is read",
    "way.station-numbers": "numbers",
    "way.station-loop": "the cell",
    "way.station-state": "its state",
    "way.station-head": "the guess",
    "way.input-does": "One word, or a piece of one, at each step.",
    "way.series-does": "Some observations at each step.",
    "way.numbers-does": "{0} {0|number|numbers} in its place, learned with the rest (embedding).",
    "way.state-does": "{0} {0|number|numbers}: all that it knows of the past.",
    "way.head-does": "A score for every word it knows, as probabilities.",
    "way.head-series": "The next values, by the median of its forecast.",
    "way.without": "Without it the guess would be {0}",
    "way.rests":
      "The darker a word, the more the guess “{0}” rests on it: the network has read again without it.",
    "way.ann-rests": "Without the loop only {0} counts, whatever stood before.",
  },
  fr: {
    "way.title": "D’un mot au suivant : tout le chemin",
    "way.intro":
      "Un mot devient des nombres, la cellule les ajoute à ce qu’elle a retenu, et son état devient une réponse. Chaque nom est une porte vers la vue qui le montre en entier.",
    "way.intro-series":
      "Des observations deviennent des nombres, la cellule les ajoute à ce qu’elle a retenu, et son état devient une prévision. Chaque nom est une porte vers la vue qui le montre en entier.",
    "way.modes": "La cellule",
    "way.ann": "sans boucle",
    "way.loop": "avec sa boucle",
    "way.unrolled": "déroulée dans le temps",
    "way.ann-picture": "Un réseau sans boucle : l’entrée en bas, la réponse en haut",
    "way.loop-picture": "Une cellule qui se passe son état au pas suivant",
    "way.unrolled-picture": "La même cellule à chaque pas, chacune passant son état à la suivante",
    "way.ann-does":
      "Sans la boucle, c’est un réseau ordinaire (ANN) : il lit un mot, et rien de ce qui précède.",
    "way.loop-does": "La boucle passe l’état h au pas suivant : ce qui a été lu avant vient avec.",
    "way.unrolled-does":
      "La boucle, dessinée pas à pas. C’est une seule cellule, avec les mêmes poids.",
    "way.continue": "Continuer",
    "way.temperature": "Audace",
    "way.ends": "Ici, le réseau terminerait la phrase.",
    "way.station-input": "ce qui est lu",
    "way.station-numbers": "des nombres",
    "way.station-loop": "la cellule",
    "way.station-state": "son état",
    "way.station-head": "la réponse",
    "way.input-does": "Un mot, ou un morceau de mot, à chaque pas.",
    "way.series-does": "Quelques observations à chaque pas.",
    "way.numbers-does": "{0} {0|nombre|nombres} à sa place, appris avec le reste (plongement).",
    "way.state-does": "{0} {0|nombre|nombres} : tout ce qu’elle sait du passé.",
    "way.head-does": "Un score pour chaque mot connu, en probabilités.",
    "way.head-series": "Les valeurs suivantes, par la médiane de sa prévision.",
    "way.without": "Sans lui, ce mot serait {0}",
    "way.rests":
      "Plus un mot est foncé, plus la réponse « {0} » s’appuie dessus : le réseau a relu sans lui.",
    "way.ann-rests": "Sans la boucle, seul {0} compte, quoi qu’il y ait eu avant.",
  },
};
