// @ts-check
/** The story: one chapter after the other. */
export default {
  en: {
    "story.title": "The story of a network that remembers",
    "story.intro":
      "Six chapters, in the order in which one learns it. Each has something to do; every number is computed here.",
    "story.contents": "Chapters",
    "story.right": "Yes. ",
    "story.wrong": "No. ",

    "story.network": "With and without a loop",
    "story.network-intro":
      "An ordinary network (ANN) turns an input into an answer and forgets it. A recurrent one (RNN) has a loop: what it makes of one input comes along with the next. Both are shown a letter, a dot and a question mark: which letter was it?",
    "story.network-letter": "They read",
    "story.network-unroll": "Unroll the loop",
    "story.network-roll": "Roll it up again",
    "story.network-ann": "ANN: sees “?” alone",
    "story.network-rnn": "RNN: has read it all",
    "story.network-each": "one letter after the other",
    "story.network-ann-label":
      "Three layers of knots; every knot is joined to all of the next layer. It reads “?”.",
    "story.network-rnn-label":
      "The same three layers; an arrow leads from the middle layer back to itself.",
    "story.network-unrolled-label":
      "The loop unrolled in time: the network three times, for {0}, each handing its state to the next.",
    "story.network-says":
      "The ANN says the same whatever came before: nothing (·). The RNN says {0} with {1}. Unrolled, one sees why: it is the same network at every step, with the same weights, and its state goes from one to the next.",

    "story.error": "An error, and how it gets smaller",
    "story.error-intro":
      "A network with one weight says w · x. The dotted lines are its errors; squared and averaged they are one number, and for every w there is one: the curve. Learning is rolling down: w := w − α∇, where ∇ is the slope under the ball and α the learning rate.",
    "story.error-weight": "Weight w",
    "story.error-rate": "Learning rate α",
    "story.error-error": "Error",
    "story.error-points": "What is to be said (dots), what is said (line)",
    "story.error-curve": "The error of every weight",
    "story.error-points-label": "Four points and the line {0} · x; the mean squared error is {1}",
    "story.error-curve-label":
      "The error as a curve: the ball lies at w = {0} with an error of {1}; the lowest point is at {2}",
    "story.error-sum": "w := {0} − {1} × {2} = {3}",
    "story.error-step": "One step",
    "story.error-run": "Twelve steps",
    "story.error-again": "From the start",
    "story.error-nears":
      "At this learning rate, a step leaves {0} of the distance to the lowest point.",
    "story.error-lands":
      "At this learning rate, one step lands on the lowest point. Nobody knows that rate in advance: it depends on how bent the curve is.",
    "story.error-jumps":
      "At this learning rate, a step jumps over the lowest point and lands on the other side, {0} as far away as before.",
    "story.error-swings": "At this learning rate, the ball swings from side to side for ever.",
    "story.error-explodes":
      "Too large: every step lands {0} as far away as before. The error explodes.",

    "story.race": "A short memory: the race",
    "story.race-intro":
      "Three networks of twelve units learn to say, after twenty letters, which was the first. They begin with open gates, see the same examples and make the same number of updates; how far they run is how much of their error is gone.",
    "story.race-ask": "Who loses?",
    "story.race-options": "the RNN|the GRU|the LSTM",
    "story.race-says":
      "The RNN rewrites its whole state at every step: after twenty of them, hardly a trace of the first letter is left, and hardly any error comes back to it. Run the race to see it.",
    "story.race-start": "Start the race",
    "story.race-again": "Again, with other weights",
    "story.race-runs": "They run …",
    "story.race-won": "{0}: there after {1} updates.",
    "story.race-lost": "{0}: not there, {1} of the way.",
    "story.race-losses": "errors during the race",
    "story.race-updates": "Updates",

    "story.vanishing": "The vanishing gradient",
    "story.vanishing-intro":
      "Why the RNN loses: to learn from the first step, its error has to travel back through all fifty, and each multiplies it. Here are an RNN and an LSTM with weights as torch draws them, before any training.",
    "story.vanishing-ask": "Does an LSTM’s gradient survive fifty steps?",
    "story.vanishing-options": "yes, always|no, never|as long as its forget gate is near 1",
    "story.vanishing-says":
      "Along the memory, the error is multiplied by the forget gate, and by nothing else. As torch begins, that gate is about a half, and the gradient vanishes, as in the RNN. Open the gate and see it come through.",
    "story.vanishing-bias": "Forget bias → forget gate",
    "story.vanishing-left": "At the first step arrives: RNN {0}, LSTM {1}.",
    "story.vanishing-power": "A gate of {0}, {1} times in a row, leaves {2}.",
    "story.vanishing-shut": "The gate wears the error out.",
    "story.vanishing-open": "Through the open gate it comes through.",
    "story.vanishing-door": "Lengths, weights and the GRU: the Gradient",

    "story.gates": "Three gates",
    "story.gates-intro":
      "A gate is a number between 0 (shut) and 1 (open) by which something is multiplied. Open and shut them: this is one unit of an LSTM in one step.",
    "story.gates-ask": "How many gates does an LSTM have?",
    "story.gates-options": "two|three|four",
    "story.gates-says":
      "Forget, input and output. The fourth box is the candidate: between −1 and 1, it is what could be written, not a decision.",
    "story.gates-memory": "Old memory c",
    "story.gates-forget": "Forget gate f: how much stays",
    "story.gates-input": "Input gate i: how much is written",
    "story.gates-candidate": "Candidate g: what would be written",
    "story.gates-output": "Output gate o: how much is shown",
    "story.gates-label":
      "The memory’s line through the forget gate ({0}), the candidate through the input gate ({1}) added to it, and through the output gate ({2}) what is shown",
    "story.gates-door": "A whole cell at work: the Cell",

    "story.uses": "What it is for",
    "story.uses-intro":
      "Whatever comes in an order. Each of these lives: it is computed here, now.",
    "story.uses-none": "There is no such model in this page.",
    "story.uses-ends": "(end)",
    "story.uses-series": "Series",
    "story.uses-series-does":
      "Sales, rentals, jobs: what comes next, and how sure that is. Move a point.",
    "story.uses-series-says": "Next: {0}, with a probability of 80% between {1} and {2}.",
    "story.uses-series-door": "See what it rests on: Forecast",
    "story.uses-text": "Text",
    "story.uses-text-does":
      "Word after word: the network guesses the next one, and reads its own guess.",
    "story.uses-text-door": "See how it gets there: The whole way",
    "story.uses-speech": "Speech",
    "story.uses-speech-does":
      "A made-up voice says two vowels; the network reads how loud each pitch is, frame by frame, and says at the end which two, in their order.",
    "story.speech-learn": "Let it learn",
    "story.speech-learns": "It learns …",
    "story.speech-another": "Another",
    "story.speech-play": "Listen",
    "story.speech-frames": "loudness by frame and pitch",
    "story.speech-frame": "Frame",
    "story.speech-label": "Loudness by pitch and time: {0} for {1} frames, then {2}",
    "story.speech-untaught": "Said: {0}. The network has learned nothing yet.",
    "story.speech-hears": "It hears {0} ({1}). Said: {2}. It has learned for {3} updates.",
    "story.uses-market": "Markets",
    "story.uses-market-does":
      "Prices that go their way by chance, and sales with the rhythm of a week. A network learns each; its errors on the shaded part, which it had not seen, stand beside those of “as now”.",
    "story.market-learn": "Let it learn",
    "story.market-series": "Mean error",
    "story.market-market": "a market (chance)",
    "story.market-sales": "sales (a rhythm)",
    "story.market-loses":
      "A rhythm can be learned. A market that goes by chance cannot: “as now” is better there. Whoever shows you one good forecast of a market should show you “as now” beside it.",
    "story.market-luck":
      "A rhythm can be learned. On the market the network was better this time, by chance: try another. Whoever shows you one good forecast of a market should show you many.",
    "story.uses-market-door": "Train one on your own series",
  },
  fr: {
    "story.title": "L’histoire d’un réseau qui se souvient",
    "story.intro":
      "Six chapitres, dans l’ordre où cela s’apprend. Dans chacun il y a quelque chose à faire ; chaque nombre est calculé ici.",
    "story.contents": "Chapitres",
    "story.right": "Oui. ",
    "story.wrong": "Non. ",

    "story.network": "Avec et sans boucle",
    "story.network-intro":
      "Un réseau ordinaire (ANN) change une entrée en réponse, puis l’oublie. Un réseau récurrent (RNN) a une boucle : ce qu’il a fait d’une entrée accompagne la suivante. On montre aux deux une lettre, un point et un point d’interrogation : quelle était la lettre ?",
    "story.network-letter": "Ils lisent",
    "story.network-unroll": "Dérouler la boucle",
    "story.network-roll": "L’enrouler à nouveau",
    "story.network-ann": "ANN : ne voit que « ? »",
    "story.network-rnn": "RNN : a tout lu",
    "story.network-each": "une lettre après l’autre",
    "story.network-ann-label":
      "Trois couches de nœuds ; chaque nœud est relié à tous ceux de la couche suivante. Il lit « ? ».",
    "story.network-rnn-label":
      "Les mêmes trois couches ; une flèche va de la couche du milieu à elle-même.",
    "story.network-unrolled-label":
      "La boucle déroulée dans le temps : trois fois le réseau, pour {0}, chacun passant son état au suivant.",
    "story.network-says":
      "L’ANN dit la même chose quoi qu’il y ait eu avant : rien (·). Le RNN dit {0} à {1}. Déroulé, on voit pourquoi : c’est le même réseau à chaque pas, avec les mêmes poids, et son état passe de l’un à l’autre.",

    "story.error": "Une erreur, et comment elle diminue",
    "story.error-intro":
      "Un réseau à un seul poids dit w · x. Les traits pointillés sont ses erreurs ; mises au carré et moyennées, elles font un nombre, et il y en a un pour chaque w : la courbe. Apprendre, c’est descendre : w := w − α∇, où ∇ est la pente sous la bille et α le taux d’apprentissage.",
    "story.error-weight": "Poids w",
    "story.error-rate": "Taux d’apprentissage α",
    "story.error-error": "Erreur",
    "story.error-points": "Ce qu’il faut dire (points), ce qui est dit (droite)",
    "story.error-curve": "L’erreur de chaque poids",
    "story.error-points-label":
      "Quatre points et la droite {0} · x ; l’erreur quadratique moyenne est {1}",
    "story.error-curve-label":
      "L’erreur en courbe : la bille est à w = {0} avec une erreur de {1} ; le point le plus bas est à {2}",
    "story.error-sum": "w := {0} − {1} × {2} = {3}",
    "story.error-step": "Un pas",
    "story.error-run": "Douze pas",
    "story.error-again": "Depuis le début",
    "story.error-nears": "Avec ce taux, un pas laisse {0} de la distance au point le plus bas.",
    "story.error-lands":
      "Avec ce taux, un seul pas arrive au point le plus bas. Personne ne connaît ce taux d’avance : il dépend de la courbure.",
    "story.error-jumps":
      "Avec ce taux, un pas saute par-dessus le point le plus bas et tombe de l’autre côté, à {0} de la distance d’avant.",
    "story.error-swings": "Avec ce taux, la bille oscille d’un côté à l’autre sans fin.",
    "story.error-explodes":
      "Trop grand : chaque pas tombe à {0} de la distance d’avant. L’erreur explose.",

    "story.race": "Une mémoire courte : la course",
    "story.race-intro":
      "Trois réseaux de douze unités apprennent à dire, après vingt lettres, quelle était la première. Ils partent les portes ouvertes, voient les mêmes exemples et font autant de corrections ; la distance parcourue est la part d’erreur qui a disparu.",
    "story.race-ask": "Qui perd ?",
    "story.race-options": "le RNN|le GRU|le LSTM",
    "story.race-says":
      "Le RNN récrit tout son état à chaque pas : après vingt pas, il ne reste presque aucune trace de la première lettre, et presque aucune erreur ne remonte jusqu’à elle. Lancez la course pour le voir.",
    "story.race-start": "Lancer la course",
    "story.race-again": "Encore, avec d’autres poids",
    "story.race-runs": "Ils courent …",
    "story.race-won": "{0} : arrivé après {1} corrections.",
    "story.race-lost": "{0} : pas arrivé, {1} du chemin.",
    "story.race-losses": "les erreurs pendant la course",
    "story.race-updates": "Corrections",

    "story.vanishing": "Le gradient qui s’évanouit",
    "story.vanishing-intro":
      "Pourquoi le RNN perd : pour apprendre du premier pas, son erreur doit remonter les cinquante, et chacun la multiplie. Voici un RNN et un LSTM avec les poids que tire torch, avant tout entraînement.",
    "story.vanishing-ask": "Le gradient d’un LSTM survit-il à cinquante pas ?",
    "story.vanishing-options": "oui, toujours|non, jamais|tant que sa porte d’oubli est près de 1",
    "story.vanishing-says":
      "Le long de la mémoire, l’erreur est multipliée par la porte d’oubli, et par rien d’autre. Telle que torch la tire, cette porte est à demi ouverte, et le gradient s’évanouit comme dans le RNN. Ouvrez la porte et voyez-le passer.",
    "story.vanishing-bias": "Biais d’oubli → porte d’oubli",
    "story.vanishing-left": "Au premier pas il arrive : RNN {0}, LSTM {1}.",
    "story.vanishing-power": "Une porte de {0}, {1} fois de suite, laisse {2}.",
    "story.vanishing-shut": "La porte use l’erreur.",
    "story.vanishing-open": "Par la porte ouverte, elle passe.",
    "story.vanishing-door": "Longueurs, poids et le GRU : le Gradient",

    "story.gates": "Trois portes",
    "story.gates-intro":
      "Une porte est un nombre entre 0 (fermée) et 1 (ouverte) par lequel quelque chose est multiplié. Ouvrez-les et fermez-les : voici une unité d’un LSTM pendant un pas.",
    "story.gates-ask": "Combien de portes a un LSTM ?",
    "story.gates-options": "deux|trois|quatre",
    "story.gates-says":
      "Oubli, entrée et sortie. La quatrième boîte est le candidat : entre −1 et 1, c’est ce qui pourrait être écrit, pas une décision.",
    "story.gates-memory": "Ancienne mémoire c",
    "story.gates-forget": "Porte d’oubli f : ce qui reste",
    "story.gates-input": "Porte d’entrée i : ce qui est écrit",
    "story.gates-candidate": "Candidat g : ce qui serait écrit",
    "story.gates-output": "Porte de sortie o : ce qui est montré",
    "story.gates-label":
      "La ligne de la mémoire à travers la porte d’oubli ({0}), le candidat à travers la porte d’entrée ({1}) qui s’y ajoute, et à travers la porte de sortie ({2}) ce qui est montré",
    "story.gates-door": "Une cellule entière au travail : la Cellule",

    "story.uses": "À quoi cela sert",
    "story.uses-intro":
      "À tout ce qui vient dans un ordre. Chacun de ces exemples vit : il est calculé ici, maintenant.",
    "story.uses-none": "Il n’y a pas de tel modèle dans cette page.",
    "story.uses-ends": "(fin)",
    "story.uses-series": "Séries",
    "story.uses-series-does":
      "Ventes, locations, emplois : ce qui vient ensuite, et à quel point c’est sûr. Déplacez un point.",
    "story.uses-series-says": "Ensuite : {0}, avec une probabilité de 80 % entre {1} et {2}.",
    "story.uses-series-door": "Voir sur quoi cela repose : Prévision",
    "story.uses-text": "Texte",
    "story.uses-text-does":
      "Mot après mot : le réseau devine le suivant, et lit ce qu’il a deviné.",
    "story.uses-text-door": "Voir comment il y arrive : Tout le chemin",
    "story.uses-speech": "Parole",
    "story.uses-speech-does":
      "Une voix inventée dit deux voyelles ; le réseau lit la force de chaque hauteur, trame par trame, et dit à la fin lesquelles, dans leur ordre.",
    "story.speech-learn": "Le laisser apprendre",
    "story.speech-learns": "Il apprend …",
    "story.speech-another": "Un autre",
    "story.speech-play": "Écouter",
    "story.speech-frames": "la force par trame et hauteur",
    "story.speech-frame": "Trame",
    "story.speech-label":
      "La force selon la hauteur et le temps : {0} pendant {1} trames, puis {2}",
    "story.speech-untaught": "Dit : {0}. Le réseau n’a encore rien appris.",
    "story.speech-hears": "Il entend {0} ({1}). Dit : {2}. Il a appris pendant {3} corrections.",
    "story.uses-market": "Marchés",
    "story.uses-market-does":
      "Des cours qui vont au hasard, et des ventes au rythme de la semaine. Un réseau apprend chacun ; ses erreurs sur la partie ombrée, qu’il n’avait pas vue, sont à côté de celles de « comme maintenant ».",
    "story.market-learn": "Le laisser apprendre",
    "story.market-series": "Erreur moyenne",
    "story.market-market": "un marché (hasard)",
    "story.market-sales": "des ventes (un rythme)",
    "story.market-loses":
      "Un rythme s’apprend. Un marché qui va au hasard, non : « comme maintenant » y fait mieux. Qui vous montre une bonne prévision d’un marché devrait montrer « comme maintenant » à côté.",
    "story.market-luck":
      "Un rythme s’apprend. Sur le marché, le réseau a fait mieux cette fois, par hasard : essayez-en un autre. Qui vous montre une bonne prévision d’un marché devrait en montrer beaucoup.",
    "story.uses-market-door": "En entraîner un sur votre propre série",
  },
};
