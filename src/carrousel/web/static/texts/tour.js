// @ts-check
export default {
  en: {
    "tour.next": "Next",
    "tour.back": "Back",
    "tour.end": "Finish",
    "tour.close": "Leave the tour",
    "tour.ann": "A network without memory",
    "tour.ann-says":
      "An ordinary neural network (ANN) takes one input, multiplies it by weights and answers. Show it the words of this sentence one by one and each answer is about one word alone.\nTo guess what follows “et des”, it would have to remember what was eaten.",
    "tour.loop": "The loop",
    "tour.loop-says":
      "A recurrent network (RNN) hands itself a note. At each step it reads the new input and its own hidden state from the step before, and squashes the two into a new hidden state.\nThe same weights are used at every step: the loop is one cell, unrolled in time.",
    "tour.short": "A short memory",
    "tour.short-says":
      "But the note is rewritten at each step. Learning needs to send the error back through all those rewritings, and on the way it is multiplied again and again.",
    "tour.vanishing": "The vanishing gradient",
    "tour.vanishing-says":
      "Multiply by 0.5 ten times and a thousandth is left. The first steps of a long sequence then learn nothing, since w := w − α·∇ with a gradient ∇ of nearly zero moves nothing.\nMove the sliders: the curves are computed anew.",
    "tour.gates": "Gates",
    "tour.gates-says":
      "The LSTM adds a second state beside the note, the cell state, and gates that guard it. A gate is a row of numbers between 0 (closed) and 1 (open), one for each unit, that multiplies what wants to pass.",
    "tour.join": "Put together what is known",
    "tour.join-says":
      "Each step begins by joining two vectors: the hidden state from before and the new input. All four gates look at this one vector, each with weights of its own.",
    "tour.forget": "The forget gate",
    "tour.forget-says":
      "Which of what I remember still matters? Near 1 the memory stays, near 0 it is erased. The line along the top is multiplied by it, and by nothing else.",
    "tour.write": "Input gate and candidate",
    "tour.write-says":
      "The candidate is what could be written down, between −1 and 1. The input gate decides how much of it is worth writing.",
    "tour.update": "The new cell state",
    "tour.update-says":
      "Old memory × forget gate + candidate × input gate. A sum, not a rewriting: this is why the error can travel back along the line without vanishing.\nClick the operation to see the sum with this step’s numbers.",
    "tour.show": "Output gate and hidden state",
    "tour.show-says":
      "Not everything that is remembered needs saying now. The output gate chooses what of the cell state becomes the hidden state: the answer of this step, and the note for the next.",
    "tour.time": "A whole sentence",
    "tour.time-says":
      "The same numbers for every unit (a row) and every word (a column). Rows on top remember longest. Click any spot to follow one unit, or change the sentence above.",
    "tour.long": "The long memory",
    "tour.long-says":
      "Back to the hamburger: how much of each word is still in the memory at the end, and would the guess change without it? The thin marks show what is usual at that place, so that you can judge for yourself whether content words are kept better.",
    "tour.train": "Watch one learn",
    "tour.train-says":
      "Train small networks here, in the browser. Some tasks need a memory longer than a plain RNN can learn to have.",
    "tour.uses": "What it is good for",
    "tour.uses-says":
      "Text, speech, music, sensors, sales: whatever comes in order. Here a network forecasts a series, with intervals, and shows what each forecast rests on. Drag a point of the past.\nAll numbers on this page are computed by the network in your browser.",
  },
  fr: {
    "tour.next": "Suivant",
    "tour.back": "Précédent",
    "tour.end": "Terminer",
    "tour.close": "Quitter la visite",
    "tour.ann": "Un réseau sans mémoire",
    "tour.ann-says":
      "Un réseau de neurones ordinaire (ANN) prend une entrée, la multiplie par des poids et répond. Montrez-lui les mots de cette phrase un à un : chaque réponse ne parle que d’un seul mot.\nPour deviner ce qui suit « et des », il devrait se souvenir de ce qui a été mangé.",
    "tour.loop": "La boucle",
    "tour.loop-says":
      "Un réseau récurrent (RNN) se passe un billet à lui-même. À chaque pas, il lit la nouvelle entrée et son propre état caché du pas précédent, et fond les deux en un nouvel état caché.\nLes mêmes poids servent à chaque pas : la boucle est une seule cellule, déroulée dans le temps.",
    "tour.short": "Une mémoire courte",
    "tour.short-says":
      "Mais le billet est réécrit à chaque pas. Pour apprendre, il faut renvoyer l’erreur à travers toutes ces réécritures, et en chemin elle est multipliée encore et encore.",
    "tour.vanishing": "Le gradient qui s’évanouit",
    "tour.vanishing-says":
      "Multipliez dix fois par 0,5 : il reste un millième. Les premiers pas d’une longue séquence n’apprennent alors rien, car w := w − α·∇ avec un gradient ∇ presque nul ne bouge rien.\nDéplacez les curseurs : les courbes sont recalculées.",
    "tour.gates": "Les portes",
    "tour.gates-says":
      "Le LSTM ajoute au billet un second état, l’état de cellule, et des portes qui le gardent. Une porte est une rangée de nombres entre 0 (fermée) et 1 (ouverte), un par unité, qui multiplie ce qui veut passer.",
    "tour.join": "Réunir ce qu’on sait",
    "tour.join-says":
      "Chaque pas commence par concaténer deux vecteurs : l’état caché d’avant et la nouvelle entrée. Les quatre portes regardent ce même vecteur, chacune avec ses propres poids.",
    "tour.forget": "La porte d’oubli",
    "tour.forget-says":
      "De ce que je retiens, qu’est-ce qui compte encore ? Près de 1, la mémoire reste ; près de 0, elle est effacée. La ligne du haut est multipliée par elle, et par rien d’autre.",
    "tour.write": "Porte d’entrée et candidat",
    "tour.write-says":
      "Le candidat est ce qu’on pourrait noter, entre −1 et 1. La porte d’entrée décide combien en vaut la peine.",
    "tour.update": "Le nouvel état de cellule",
    "tour.update-says":
      "Ancienne mémoire × porte d’oubli + candidat × porte d’entrée. Une somme, pas une réécriture : voilà pourquoi l’erreur peut remonter le long de la ligne sans s’évanouir.\nCliquez l’opération pour voir la somme avec les nombres de ce pas.",
    "tour.show": "Porte de sortie et état caché",
    "tour.show-says":
      "Tout ce qui est retenu n’a pas besoin d’être dit maintenant. La porte de sortie choisit ce qui, de l’état de cellule, devient l’état caché : la réponse de ce pas, et le billet pour le suivant.",
    "tour.time": "Une phrase entière",
    "tour.time-says":
      "Les mêmes nombres pour chaque unité (une ligne) et chaque mot (une colonne). Les lignes du haut se souviennent le plus longtemps. Cliquez où vous voulez pour suivre une unité, ou changez la phrase ci-dessus.",
    "tour.long": "La mémoire longue",
    "tour.long-says":
      "Revenons au hamburger : que reste-t-il en mémoire de chaque mot à la fin, et la réponse changerait-elle sans lui ? Les traits fins montrent ce qui est habituel à cette place : à vous de juger si les mots de contenu sont mieux gardés.",
    "tour.train": "En voir un apprendre",
    "tour.train-says":
      "Entraînez ici de petits réseaux, dans le navigateur. Certaines tâches demandent une mémoire plus longue que celle qu’un RNN simple sait acquérir.",
    "tour.uses": "À quoi cela sert",
    "tour.uses-says":
      "Texte, parole, musique, capteurs, ventes : tout ce qui vient dans un ordre. Ici, un réseau prévoit une série, avec des intervalles, et montre sur quoi chaque prévision repose. Déplacez un point du passé.\nTous les nombres de cette page sont calculés par le réseau dans votre navigateur.",
  },
};
