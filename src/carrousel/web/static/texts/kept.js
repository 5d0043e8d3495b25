// @ts-check
export default {
  en: {
    "kept.title": "What is kept, and what the prediction owes to it",
    "kept.intro":
      "Choose a moment. Looking back from there: how much of each earlier step is still in the memory, and does the prediction rest on it?",
    "kept.moment": "Looking from",
    "kept.next": "What comes next?",
    "kept.ahead": "Which step ahead?",
    "kept.survival": "Still there",
    "kept.survival-short": "share of what it wrote",
    "kept.ledger": "Account",
    "kept.ledger-short": "what the score owes to it",
    "kept.occlusion": "Without it",
    "kept.occlusion-short": "what the prediction would lose",
    "kept.baseline": "The thin mark",
    "kept.honest": "Not a cause.",
    "kept.how": "How to read this",
    "kept.survival-means":
      "Every unit multiplies its memory by the forget gate at each step. The share is what those products leave of what the step wrote, over all units.",
    "kept.ledger-means":
      "The memory is a sum over the steps that wrote it. Read out by the chosen prediction, the parts add up to its score exactly.",
    "kept.occlusion-means":
      "The network reads again with the step replaced: words by five others in turn, steps of a series by nothing and by the step before. Far from 0, in either direction, the prediction rests on it: without the step a word would be less likely, or likelier; a forecast lower, or higher.",
    "kept.baseline-means":
      "shows what is usual at that position: the same measure on sixteen sentences of this length that the model wrote itself. Recent words are mostly kept better, whatever they are; what matters is the difference.",
    "kept.honest-means":
      "“Still there” and “account” tell where numbers came from. Only “without it” is a measurement, and of one step at a time: what two words say together is missed.",
    "kept.from": "From",
    "kept.guess": " the network expects {0} ({1}). ",
    "kept.median": " the network expects {1} at step {0}. ",
    "kept.of-what": "Of what",
    "kept.wrote": " wrote, {0} is still in the memory",
    "kept.usual": " ({0} is usual at that place)",
    "kept.without": " Without it the guess would be {0}",
    "kept.without-usual": " (usual there: {0})",
    "kept.lower": " Without it the forecast would be {0} lower",
    "kept.higher": " Without it the forecast would be {0} higher",
    "kept.more": "Show {0} more {0|step|steps}, without which less changes",
    "kept.earlier": "Earlier step",
    "kept.step": "+{0}",
    "kept.error":
      "The account adds up to the prediction’s score with a relative error of {0}. Click a row to speak about it.",
    "kept.ahead-only":
      "Further ahead, this network reads what it said itself: of that there is no account, only the measurement.",
    "kept.rnn":
      "A plain RNN overwrites its state at each step: there is no sum to take apart, only the measurement.",
  },
  fr: {
    "kept.title": "Ce qui est gardé, et ce que la prédiction lui doit",
    "kept.intro":
      "Choisissez un moment. Vu de là : que reste-t-il en mémoire de chaque pas précédent, et la prédiction s’appuie-t-elle dessus ?",
    "kept.moment": "Vu depuis",
    "kept.next": "Qu’est-ce qui vient ensuite ?",
    "kept.ahead": "Quel pas à venir ?",
    "kept.survival": "Encore là",
    "kept.survival-short": "part de ce qu’il a écrit",
    "kept.ledger": "Compte",
    "kept.ledger-short": "ce que le score lui doit",
    "kept.occlusion": "Sans lui",
    "kept.occlusion-short": "ce que la prédiction perdrait",
    "kept.baseline": "Le trait fin",
    "kept.honest": "Pas une cause.",
    "kept.how": "Comment lire",
    "kept.survival-means":
      "À chaque pas, chaque unité multiplie sa mémoire par la porte d’oubli. La part est ce que ces produits laissent de ce que le pas a écrit, toutes unités confondues.",
    "kept.ledger-means":
      "La mémoire est une somme sur les pas qui l’ont écrite. Lues par la prédiction choisie, les parts s’additionnent exactement à son score.",
    "kept.occlusion-means":
      "Le réseau relit avec le pas remplacé : un mot par cinq autres tour à tour, un pas de série par rien puis par le pas d’avant. Loin de 0, d’un côté ou de l’autre, la prédiction s’appuie dessus : sans ce pas, un mot serait moins probable, ou plus ; une prévision plus basse, ou plus haute.",
    "kept.baseline-means":
      "montre ce qui est habituel à cette place : la même mesure sur seize phrases de cette longueur que le modèle a écrites lui-même. Les mots récents sont le plus souvent mieux gardés, quels qu’ils soient ; c’est l’écart qui compte.",
    "kept.honest-means":
      "« Encore là » et « compte » disent d’où viennent les nombres. Seul « sans lui » est une mesure, et d’un pas à la fois : ce que deux mots disent ensemble lui échappe.",
    "kept.from": "Depuis",
    "kept.guess": " le réseau attend {0} ({1}). ",
    "kept.median": " le réseau attend {1} au pas {0}. ",
    "kept.of-what": "De ce que",
    "kept.wrote": " a écrit, {0} est encore en mémoire",
    "kept.usual": " ({0} est habituel à cette place)",
    "kept.without": " Sans lui, ce mot serait {0}",
    "kept.without-usual": " (habituel à cette place : {0})",
    "kept.lower": " Sans lui, la prévision serait plus basse de {0}",
    "kept.higher": " Sans lui, la prévision serait plus haute de {0}",
    "kept.more":
      "Montrer {0} {0|autre pas, sans lequel|autres pas, sans lesquels} moins de choses changent",
    "kept.earlier": "Pas précédent",
    "kept.step": "+{0}",
    "kept.error":
      "Le compte s’additionne au score de la prédiction avec une erreur relative de {0}. Cliquez une ligne pour qu’on en parle.",
    "kept.ahead-only":
      "Plus loin, ce réseau lit ce qu’il a dit lui-même : de cela il n’y a pas de compte, seulement la mesure.",
    "kept.rnn":
      "Un RNN simple écrase son état à chaque pas : il n’y a pas de somme à décomposer, seulement la mesure.",
  },
};
