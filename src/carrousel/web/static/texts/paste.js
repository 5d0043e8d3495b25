// @ts-check
/** A series of one's own, wherever it is pasted. */
export default {
  en: {
    "paste.field":
      "Numbers, as 1,234.5 or 1 234,5; parted by spaces, lines or semicolons. A first column of dates and empty places are understood",
    "paste.use": "Use these numbers",
    "paste.error.word": "“{0}” is not a number.",
    "paste.error.few": "There {0|is|are} {0} {0|number|numbers}; from 12 to {1} can be used.",
    "paste.error.many": "There are {0} numbers; from 12 to {1} can be used.",
    "paste.error.ambiguous":
      "“{0}” can be read in two ways. Write numbers without separators of thousands, or part them by semicolons and give decimals to one of them.",
    "paste.error.columns": "“{0}”: there is more than one number after a date; paste one column.",
    "paste.own": "Forecast a series of your own",
    "paste.patch":
      "This network takes {0} observations for one step and has learned from its own series: what it says of yours was never measured.",
    "paste.dates": "Your dates follow each other in another step than those it has learned from.",
  },
  fr: {
    "paste.field":
      "Des nombres, comme 1 234,5 ou 1,234.5 ; séparés par des espaces, des retours à la ligne ou des points-virgules. Une première colonne de dates et des places vides sont comprises",
    "paste.use": "Prendre ces nombres",
    "paste.error.word": "« {0} » n’est pas un nombre.",
    "paste.error.few": "Il y a {0} {0|nombre|nombres} ; il en faut de 12 à {1}.",
    "paste.error.many": "Il y a {0} nombres ; il en faut de 12 à {1}.",
    "paste.error.ambiguous":
      "« {0} » peut se lire de deux façons. Écrivez les nombres sans séparateur de milliers, ou séparez-les par des points-virgules et donnez des décimales à l’un d’eux.",
    "paste.error.columns": "« {0} » : plus d’un nombre après une date ; collez une seule colonne.",
    "paste.own": "Prévoir votre propre série",
    "paste.patch":
      "Ce réseau prend {0} observations pour un pas et a appris de ses propres séries : ce qu’il dit de la vôtre n’a jamais été mesuré.",
    "paste.dates": "Vos dates se suivent à un autre rythme que celles dont il a appris.",
  },
};
