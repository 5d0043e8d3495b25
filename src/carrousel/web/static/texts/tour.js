// @ts-check
export default {
  en: {
    "tour.next": "Next",
    "tour.back": "Back",
    "tour.end": "Finish",
    "tour.close": "Leave the tour",
    "tour.tell": "Tell me",
    "tour.ann": "A network without memory",
    "tour.ann-ask":
      "This network has no loop. It is shown the words of a sentence one by one. On what can its guess depend?",
    "tour.ann-options": "on the last word alone|on the whole sentence|on the first word",
    "tour.ann-says":
      "An ordinary neural network (ANN) takes one input, multiplies it by weights and answers: its guess is about the last word alone.\nTo guess what follows “et des”, it would have to remember what was eaten.",
    "tour.ann-ask-series":
      "This network has no loop. It is shown the steps of a series one by one. On what can its answer depend?",
    "tour.ann-options-series": "on the last step alone|on the whole series|on the first step",
    "tour.ann-says-series":
      "An ordinary neural network (ANN) takes one input, multiplies it by weights and answers: its answer is about the last step alone.\nTo forecast, it would have to remember what came before.",
    "tour.loop": "The loop",
    "tour.loop-ask": "Here is the loop. Unroll it: press “unrolled in time”.",
    "tour.loop-says":
      "A recurrent network (RNN) hands itself a note. At each step it reads the new input and its own hidden state from the step before, and makes a new hidden state of the two.\nThe same weights are used at every step: it is one cell, unrolled in time.",
    "tour.short": "A short memory",
    "tour.short-ask":
      "To learn, an RNN must send its error back through all steps. After fifty of them, how much arrives at the first?",
    "tour.short-options": "nearly all|about half|next to nothing",
    "tour.short-says":
      "Next to nothing: the note is rewritten at each step, and on the way back the error is multiplied again and again. Multiply by 0.5 ten times and a thousandth is left.\nSince w := w − α·∇, the network then learns nothing from the first steps of a long sequence: what they should have taught does not reach the weights.",
    "tour.vanishing": "The vanishing gradient",
    "tour.vanishing-ask":
      "As torch draws its weights, the LSTM’s gradient vanishes, too. Open its forget gate: move “Forget bias” to 3 or more.",
    "tour.vanishing-says":
      "Now it comes through. An LSTM’s error survives because its forget gate is near 1, and only as long as it is. Networks learn to open it where a memory pays; many are started with an open one.",
    "tour.gates": "Gates",
    "tour.gates-ask":
      "A gate is a row of numbers between 0 (closed) and 1 (open) that multiplies what wants to pass. How many gates has an LSTM?",
    "tour.gates-options": "two|three|four",
    "tour.gates-says":
      "Three: forget, input and output. The fourth box, the candidate, lies between −1 and 1: it is what could be written, not a decision.\nThey guard a second state beside the note, the cell state.",
    "tour.join": "Put together what is known",
    "tour.join-ask": "Two vectors meet here. Click the place.",
    "tour.join-says":
      "Each step begins by joining the hidden state from before and the new input. The three gates and the candidate all look at this one vector, each with weights of its own.",
    "tour.forget": "The forget gate",
    "tour.forget-ask": "For this unit and word the forget gate is {0}. What becomes of its memory?",
    "tour.forget-options": "it is kept|it is erased|a part of it stays",
    "tour.forget-says":
      "Which of what I remember still matters? Near 1 the memory stays, near 0 it is erased; here it is multiplied by {0}. The line along the top is multiplied by this gate, and by nothing else.",
    "tour.write": "Input gate and candidate",
    "tour.write-ask": "Which of the two decides how much is written?",
    "tour.write-options": "the input gate|the candidate",
    "tour.write-says":
      "The input gate. The candidate is what could be written down, between −1 and 1; the gate decides how much of it is worth writing.",
    "tour.update": "The new cell state",
    "tour.update-ask": "Old and new are put together here. Click the plus.",
    "tour.update-says":
      "Old memory × forget gate + candidate × input gate. A sum, not a rewriting: along this line the error goes back multiplied by the forget gate alone. It survives because, and as long as, that gate is near 1. For this unit and word it is {0}.",
    "tour.show": "Output gate and hidden state",
    "tour.show-ask": "Must all that is remembered be said at once?",
    "tour.show-options": "yes, at every step|no, some of it can wait",
    "tour.show-says":
      "It can wait. The output gate chooses what of the cell state becomes the hidden state: the answer of this step, and the note for the next.",
    "tour.time": "A whole sentence",
    "tour.time-ask": "Every unit is a row, every word a column. Click any spot.",
    "tour.time-says":
      "Below the maps you now follow that unit along the sentence. Rows on top remember longest.",
    "tour.time-ask-series": "Every unit is a row, every step a column. Click any spot.",
    "tour.time-says-series":
      "Below the maps you now follow that unit along the series. Rows on top remember longest.",
    "tour.long": "The long memory",
    "tour.long-ask": "Without which word would the guess change most? Click its row.",
    "tour.long-says":
      "Above the table stands what the network says without it. How much of a word is still in the memory, and whether the guess rests on it, are two things. The thin marks show what is usual at that place: judge for yourself whether content words are kept better.",
    "tour.long-ask-series": "Without which step would the forecast change most? Click its row.",
    "tour.long-says-series":
      "Above the table stands what the network says without it. How much of a step is still in the memory, and whether the forecast rests on it, are two things.",
    "tour.train": "Watch one learn",
    "tour.train-ask": "Three networks, one task. Which of them can remember? Let them start.",
    "tour.train-says":
      "They learn here, in your browser. Some tasks need a memory longer than a plain RNN can learn to have.",
    "tour.hear": "It listens, too",
    "tour.hear-ask":
      "Choose digits said by a network, or speak some. When does the network make up its mind?",
    "tour.hear-says":
      "Mostly towards the end of a word, and for a moment only: the state carries the sounds until they make a digit, the network says it once, then nothing again. Click any moment to see what was likely then.",
    "tour.uses": "What it is good for",
    "tour.uses-ask":
      "Drag a point of the past, or move it with the arrow keys, and see the forecast answer.",
    "tour.uses-says":
      "Text, speech, music, sensors, sales: whatever comes in order. Here a network forecasts a series, with intervals, and shows what each forecast rests on.\nAll numbers on this page are computed by the network in your browser.",
  },
  fr: {
    "tour.next": "Suivant",
    "tour.back": "Précédent",
    "tour.end": "Terminer",
    "tour.close": "Quitter la visite",
    "tour.tell": "Dites-le-moi",
    "tour.ann": "Un réseau sans mémoire",
    "tour.ann-ask":
      "Ce réseau n’a pas de boucle. On lui montre les mots d’une phrase un à un. De quoi sa réponse peut-elle dépendre ?",
    "tour.ann-options": "du dernier mot seul|de toute la phrase|du premier mot",
    "tour.ann-says":
      "Un réseau de neurones ordinaire (ANN) prend une entrée, la multiplie par des poids et répond : sa réponse ne parle que du dernier mot.\nPour deviner ce qui suit « et des », il devrait se souvenir de ce qui a été mangé.",
    "tour.ann-ask-series":
      "Ce réseau n’a pas de boucle. On lui montre les pas d’une série un à un. De quoi sa réponse peut-elle dépendre ?",
    "tour.ann-options-series": "du dernier pas seul|de toute la série|du premier pas",
    "tour.ann-says-series":
      "Un réseau de neurones ordinaire (ANN) prend une entrée, la multiplie par des poids et répond : sa réponse ne parle que du dernier pas.\nPour prévoir, il devrait se souvenir de ce qui précède.",
    "tour.loop": "La boucle",
    "tour.loop-ask": "Voici la boucle. Déroulez-la : appuyez sur « déroulée dans le temps ».",
    "tour.loop-says":
      "Un réseau récurrent (RNN) se passe un billet à lui-même. À chaque pas, il lit la nouvelle entrée et son propre état caché du pas précédent, et fait des deux un nouvel état caché.\nLes mêmes poids servent à chaque pas : c’est une seule cellule, déroulée dans le temps.",
    "tour.short": "Une mémoire courte",
    "tour.short-ask":
      "Pour apprendre, un RNN doit renvoyer son erreur à travers tous les pas. Après cinquante, qu’en arrive-t-il au premier ?",
    "tour.short-options": "presque tout|environ la moitié|presque rien",
    "tour.short-says":
      "Presque rien : le billet est réécrit à chaque pas et, au retour, l’erreur est multipliée encore et encore. Multipliez dix fois par 0,5 : il reste un millième.\nPuisque w := w − α·∇, le réseau n’apprend alors rien des premiers pas d’une longue séquence : ce qu’ils auraient dû enseigner n’atteint pas les poids.",
    "tour.vanishing": "Le gradient qui s’évanouit",
    "tour.vanishing-ask":
      "Avec les poids que tire torch, le gradient du LSTM s’évanouit aussi. Ouvrez sa porte d’oubli : mettez « Biais d’oubli » à 3 ou plus.",
    "tour.vanishing-says":
      "Maintenant il passe. L’erreur d’un LSTM survit parce que sa porte d’oubli est près de 1, et tant qu’elle l’est. Les réseaux apprennent à l’ouvrir là où la mémoire paie ; souvent on les fait partir avec une porte ouverte.",
    "tour.gates": "Les portes",
    "tour.gates-ask":
      "Une porte est une rangée de nombres entre 0 (fermée) et 1 (ouverte) qui multiplie ce qui veut passer. Combien de portes a un LSTM ?",
    "tour.gates-options": "deux|trois|quatre",
    "tour.gates-says":
      "Trois : oubli, entrée et sortie. La quatrième boîte, le candidat, est entre −1 et 1 : c’est ce qu’on pourrait écrire, pas une décision.\nElles gardent, à côté du billet, un second état : l’état de cellule.",
    "tour.join": "Réunir ce qu’on sait",
    "tour.join-ask": "Ici se rejoignent deux vecteurs. Cliquez l’endroit.",
    "tour.join-says":
      "Chaque pas commence par réunir l’état caché d’avant et la nouvelle entrée. Les trois portes et le candidat regardent tous ce même vecteur, chacun avec ses propres poids.",
    "tour.forget": "La porte d’oubli",
    "tour.forget-ask":
      "Pour cette unité et ce mot, la porte d’oubli vaut {0}. Que devient sa mémoire ?",
    "tour.forget-options": "elle reste|elle est effacée|il en reste une part",
    "tour.forget-says":
      "De ce que je retiens, qu’est-ce qui compte encore ? Près de 1, la mémoire reste ; près de 0, elle est effacée ; ici elle est multipliée par {0}. La ligne du haut est multipliée par cette porte, et par rien d’autre.",
    "tour.write": "Porte d’entrée et candidat",
    "tour.write-ask": "Qui des deux décide combien est écrit ?",
    "tour.write-options": "la porte d’entrée|le candidat",
    "tour.write-says":
      "La porte d’entrée. Le candidat est ce qu’on pourrait noter, entre −1 et 1 ; la porte décide combien en vaut la peine.",
    "tour.update": "Le nouvel état de cellule",
    "tour.update-ask": "Ici s’ajoutent l’ancien et le nouveau. Cliquez le plus.",
    "tour.update-says":
      "Ancienne mémoire × porte d’oubli + candidat × porte d’entrée. Une somme, pas une réécriture : le long de cette ligne, l’erreur remonte multipliée par la seule porte d’oubli. Elle survit parce que, et tant que, cette porte est près de 1. Pour cette unité et ce mot, elle vaut {0}.",
    "tour.show": "Porte de sortie et état caché",
    "tour.show-ask": "Tout ce qui est retenu doit-il être dit aussitôt ?",
    "tour.show-options": "oui, à chaque pas|non, une part peut attendre",
    "tour.show-says":
      "Une part peut attendre. La porte de sortie choisit ce qui, de l’état de cellule, devient l’état caché : la réponse de ce pas, et le billet pour le suivant.",
    "tour.time": "Une phrase entière",
    "tour.time-ask": "Chaque unité est une ligne, chaque mot une colonne. Cliquez où vous voulez.",
    "tour.time-says":
      "Sous les cartes, vous suivez maintenant cette unité au fil de la phrase. Les lignes du haut se souviennent le plus longtemps.",
    "tour.time-ask-series":
      "Chaque unité est une ligne, chaque pas une colonne. Cliquez où vous voulez.",
    "tour.time-says-series":
      "Sous les cartes, vous suivez maintenant cette unité au fil de la série. Les lignes du haut se souviennent le plus longtemps.",
    "tour.long": "La mémoire longue",
    "tour.long-ask": "Sans quel mot la réponse changerait-elle le plus ? Cliquez sa ligne.",
    "tour.long-says":
      "Au-dessus du tableau, ce que dit le réseau sans ce mot. Ce qui en reste en mémoire, et le fait que la réponse s’appuie dessus, sont deux choses. Les traits fins montrent ce qui est habituel à cette place : à vous de juger si les mots de contenu sont mieux gardés.",
    "tour.long-ask-series":
      "Sans quel pas la prévision changerait-elle le plus ? Cliquez sa ligne.",
    "tour.long-says-series":
      "Au-dessus du tableau, ce que dit le réseau sans ce pas. Ce qui en reste en mémoire, et le fait que la prévision s’appuie dessus, sont deux choses.",
    "tour.train": "En voir un apprendre",
    "tour.train-ask": "Trois réseaux, une tâche. Lequel sait se souvenir ? Lancez-les.",
    "tour.train-says":
      "Ils apprennent ici, dans votre navigateur. Certaines tâches demandent une mémoire plus longue que celle qu’un RNN simple sait acquérir.",
    "tour.hear": "Il écoute aussi",
    "tour.hear-ask":
      "Choisissez des chiffres dits par un réseau, ou parlez. Quand le réseau se décide-t-il ?",
    "tour.hear-says":
      "Le plus souvent vers la fin du mot, et pour un instant : l’état porte les sons jusqu’à ce qu’ils fassent un chiffre, le réseau le dit une fois, puis plus rien. Cliquez un moment pour voir ce qui était alors probable.",
    "tour.uses": "À quoi cela sert",
    "tour.uses-ask":
      "Déplacez un point du passé, à la souris ou avec les flèches, et voyez la prévision répondre.",
    "tour.uses-says":
      "Texte, parole, musique, capteurs, ventes : tout ce qui vient dans un ordre. Ici, un réseau prévoit une série, avec des intervalles, et montre sur quoi chaque prévision repose.\nTous les nombres de cette page sont calculés par le réseau dans votre navigateur.",
  },
};
