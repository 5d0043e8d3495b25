/** View 4. */

const FORMULAS = {
  "gradient.formula.norm": "‖∂h_T / ∂s_t‖", "gradient.formula.bound": "σ_{max}^k",
  "gradient.formula.chain": "\\f{∂L}{∂h_t} = \\f{∂L}{∂h_T} · ∏_{k=t+1}^T \\f{∂h_k}{∂h_{k−1}}",
  "gradient.formula.update": "w ≔ w − α · ∑_t ∇_t",
};

export const en = {
  ...FORMULAS,
  "gradient.title": "The gradient, on its way back through time",
  "gradient.intro": "An error of size 1 is found at the last step. To learn from something seen long before, the network must send it back, step by step. How much arrives?",
  "gradient.send": "Send the error back", "gradient.seed": "Draw other weights",
  "gradient.steps": "Length", "gradient.stepsDoes": "steps between the first input and the error",
  "gradient.scale": "Recurrent weights", "gradient.scaleDoes": "factor on W as it is usually drawn",
  "gradient.forgetBias": "Forget bias", "gradient.forgetBiasDoes": "opens the LSTM’s forget gate and the GRU’s update gate",
  "gradient.rate": "Learning rate α", "gradient.rateDoes": "length of the arrows; each network to its own scale",
  "gradient.clip": "clip the gradient to norm 1",
  "gradient.chain": "Going back one step multiplies by one Jacobian:", "gradient.update": "and every step adds its part to the update:",
  "gradient.chart": "Share of the error that arrives at each step, log scale",
  "gradient.yAxis": "The part of the error that arrives at each step", "gradient.bound": "limit for the RNN, ",
  "gradient.axisEnd": "the error starts here", "gradient.axisStart": "first step",
  "gradient.vanishes": "vanishes", "gradient.explodes": "explodes", "gradient.arrives": "arrives",
  "gradient.left": "{0} left at the first step", "gradient.halving": "halves every {0} steps", "gradient.noHalving": "does not fade",
  "gradient.moves": "the last step moves w by {0}, the first by {1}",
  "gradient.laneLabel": "{0}: {1} of the error arrives at the first step",
};

export const fr = {
  ...FORMULAS,
  "gradient.title": "Le gradient, en remontant le temps",
  "gradient.intro": "On constate une erreur de taille 1 au dernier pas. Pour apprendre de ce qui a été vu bien avant, le réseau doit la renvoyer en arrière, pas à pas. Qu’en arrive-t-il au début ?",
  "gradient.send": "Renvoyer l’erreur", "gradient.seed": "Tirer d’autres poids",
  "gradient.steps": "Longueur", "gradient.stepsDoes": "pas entre la première entrée et l’erreur",
  "gradient.scale": "Poids récurrents", "gradient.scaleDoes": "facteur sur W tel qu’on le tire d’habitude",
  "gradient.forgetBias": "Biais d’oubli", "gradient.forgetBiasDoes": "ouvre la porte d’oubli du LSTM et la porte de mise à jour du GRU",
  "gradient.rate": "Taux d’apprentissage α", "gradient.rateDoes": "longueur des flèches, chaque réseau à son échelle",
  "gradient.clip": "borner le gradient à la norme 1",
  "gradient.chain": "Remonter d’un pas, c’est multiplier par une jacobienne :", "gradient.update": "et chaque pas ajoute sa part à la correction :",
  "gradient.chart": "Part de l’erreur qui arrive à chaque pas, échelle logarithmique",
  "gradient.yAxis": "La part de l’erreur qui arrive à chaque pas", "gradient.bound": "limite pour le RNN, ",
  "gradient.axisEnd": "l’erreur part d’ici", "gradient.axisStart": "premier pas",
  "gradient.vanishes": "s’évanouit", "gradient.explodes": "explose", "gradient.arrives": "arrive",
  "gradient.left": "il en reste {0} au premier pas", "gradient.halving": "moitié moins tous les {0} pas", "gradient.noHalving": "ne faiblit pas",
  "gradient.moves": "le dernier pas déplace w de {0}, le premier de {1}",
  "gradient.laneLabel": "{0} : {1} de l’erreur arrive au premier pas",
};
