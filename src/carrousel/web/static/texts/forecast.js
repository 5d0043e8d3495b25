// @ts-check
export default {
  en: {
    "forecast.title": "Forecast, and see what it rests on",
    "forecast.intro":
      "The line on the right is what the network expects, with its 80% and 95% intervals. Drag any point of the past, or go back in time and compare with what happened.",
    "forecast.none":
      "This view is about series, and no forecaster is here. Save one with Forecaster.save and start “carrousel explore FOLDER”.",
    "forecast.chart": "Series and forecast",
    "forecast.series": "Series",
    "forecast.table": "forecast and its 80% interval",
    "forecast.table-time": "Time",
    "forecast.table-low": "10%",
    "forecast.table-median": "Median",
    "forecast.table-high": "90%",
    "forecast.made": "Forecast made after",
    "forecast.ahead": "Step ahead",
    "forecast.says":
      "For {0} the network expects {1}; with a probability of 80% between {2} and {3}.",
    "forecast.inside": "It was {0}, inside.",
    "forecast.outside": "It was {0}, outside.",
    "forecast.owes": "What this forecast owes to each step of the past",
    "forecast.owes-means":
      "For the chosen step ahead, in the unit of the series: what the forecast would lose without a step (measured), what the memory’s account says it owes to it, and, on an axis of its own, the share of what was written there that is still in the memory.",
    "forecast.mixture": "What it is mixed from",
    "forecast.mixture-means":
      "The network weighs simple forecasts, differently for each step ahead, and adds a correction of its own.",
    "forecast.past": "How good was it in the past?",
    "forecast.past-means":
      "Learned from what came before, then compared with what followed: {0} {0|window|windows} of {1} {1|step|steps} that it had not seen.",
    "forecast.rolled":
      "It was trained for one step and reads its own forecasts further ahead. Its intervals are as wide as its errors on these windows were.",
    "forecast.no-backtest":
      "Go back in time above to compare. These forecasts of the past are made by the very network that learned from those values, so they flatter it; “carrousel backtest” makes honest ones.",
    "forecast.method": "Method",
    "forecast.mae": "mean error",
    "forecast.coverage": "in 80% interval",
    "forecast.carrousel": "this network",
    "forecast.seasonal": "as one season ago",
    "forecast.naive": "as now",
    "forecast.anchor-last": "as now",
    "forecast.anchor-level": "level",
    "forecast.anchor-mean": "mean",
    "forecast.anchor-last-season": "as {0} before",
    "forecast.anchor-mean-season": "mean of seasons of {0}",
    "forecast.anchor-form-season": "form of seasons of {0}",
    "forecast.anchor-within-last": "{0} within the last {1}",
    "forecast.anchor-within-mean": "{0} within {1}, in the mean",
    "forecast.anchor-half-trend": "half the trend",
    "forecast.anchor-trend": "the trend",
  },
  fr: {
    "forecast.title": "Prévoir, et voir sur quoi la prévision repose",
    "forecast.intro":
      "La ligne de droite est ce que le réseau attend, avec ses intervalles à 80 % et 95 %. Déplacez un point du passé, ou remontez le temps et comparez avec ce qui s’est passé.",
    "forecast.none":
      "Cette vue parle de séries, et il n’y a pas de modèle de prévision ici. Enregistrez-en un avec Forecaster.save et lancez « carrousel explore DOSSIER ».",
    "forecast.chart": "Série et prévision",
    "forecast.series": "Série",
    "forecast.table": "la prévision et son intervalle à 80 %",
    "forecast.table-time": "Date",
    "forecast.table-low": "10 %",
    "forecast.table-median": "Médiane",
    "forecast.table-high": "90 %",
    "forecast.made": "Prévision faite après",
    "forecast.ahead": "Pas à venir",
    "forecast.says":
      "Pour {0}, le réseau attend {1} ; avec une probabilité de 80 %, entre {2} et {3}.",
    "forecast.inside": "Ce fut {0} : dedans.",
    "forecast.outside": "Ce fut {0} : dehors.",
    "forecast.owes": "Ce que cette prévision doit à chaque pas du passé",
    "forecast.owes-means":
      "Pour le pas à venir choisi, dans l’unité de la série : ce que la prévision perdrait sans ce pas (mesuré), ce qu’elle lui doit d’après le compte de la mémoire, et, sur un axe à part, la part de ce qui y fut écrit qui est encore en mémoire.",
    "forecast.mixture": "De quoi elle est faite",
    "forecast.mixture-means":
      "Le réseau pondère des prévisions simples, autrement pour chaque pas à venir, et y ajoute sa propre correction.",
    "forecast.past": "Qu’aurait-elle valu par le passé ?",
    "forecast.past-means":
      "Apprise sur ce qui précède, puis comparée à ce qui a suivi : {0} {0|fenêtre|fenêtres} de {1} pas qu’elle n’avait pas vues.",
    "forecast.rolled":
      "Il a appris un pas à la fois et lit ses propres prévisions pour aller plus loin. Ses intervalles sont aussi larges que l’ont été ses erreurs sur ces fenêtres.",
    "forecast.no-backtest":
      "Remontez le temps ci-dessus pour comparer. Ces prévisions du passé viennent du réseau même qui a appris ces valeurs, elles le flattent donc ; « carrousel backtest » en fait d’honnêtes.",
    "forecast.method": "Méthode",
    "forecast.mae": "erreur moyenne",
    "forecast.coverage": "dans l’intervalle à 80 %",
    "forecast.carrousel": "ce réseau",
    "forecast.seasonal": "comme une saison avant",
    "forecast.naive": "comme maintenant",
    "forecast.anchor-last": "comme maintenant",
    "forecast.anchor-level": "niveau",
    "forecast.anchor-mean": "moyenne",
    "forecast.anchor-last-season": "comme {0} avant",
    "forecast.anchor-mean-season": "moyenne des saisons de {0}",
    "forecast.anchor-form-season": "forme des saisons de {0}",
    "forecast.anchor-within-last": "{0} dans les {1} derniers",
    "forecast.anchor-within-mean": "{0} dans {1}, en moyenne",
    "forecast.anchor-half-trend": "la moitié de la tendance",
    "forecast.anchor-trend": "la tendance",
  },
};
