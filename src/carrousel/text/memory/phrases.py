"""The words and templates of the study: everyday sentences in French and English.

Every noun begins with a consonant, so that determiners need no elision and any of a list fits.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """``determiners`` by gender; ``nouns`` by list and gender; see :mod:`.templates`."""

    determiners: dict[str, tuple[str, ...]]
    nouns: dict[str, dict[str, tuple[str, ...]]]
    templates: tuple[str, ...]


FRENCH = Phrases(
    determiners={
        "m": ("un", "le", "ce", "mon", "son", "notre"),
        "f": ("une", "la", "cette", "ma", "sa", "notre"),
    },
    nouns={
        "food": {
            "m": ("gâteau", "hamburger", "poisson", "pain", "fromage", "repas"),
            "f": ("pomme", "pizza", "salade", "soupe", "glace", "tarte"),
        },
        "person": {
            "m": ("frère", "père", "mari", "médecin", "garçon", "professeur"),
            "f": ("mère", "sœur", "fille", "femme", "copine", "tante"),
        },
        "thing": {
            "m": ("livre", "chapeau", "vélo", "couteau", "stylo", "téléphone"),
            "f": ("voiture", "lettre", "montre", "photo", "chemise", "valise"),
        },
        "place": {
            "m": ("jardin", "village", "bureau", "parc", "restaurant", "musée"),
            "f": ("maison", "ville", "gare", "cuisine", "plage", "forêt"),
        },
    },
    templates=(
        "Hier soir j'ai [mangé|acheté|préparé]v <food> avec <person> dans <place>",
        "Hier soir <person> a [mangé|acheté]v <food> et j'ai bu [du|ce|mon]d [café|thé|lait]n",
        "<person> a [perdu|trouvé|oublié]v <thing> dans <place> hier matin",
        "Je voudrais [acheter|voir|vendre]v <thing> pour <person> qui habite dans <place>",
        "Quand <person> a [appelé|mangé|fini]v nous avons [regardé|cherché]v <thing>",
        "<thing> est [rouge|magnifique|énorme|sale]a mais <person> veut [garder|vendre]v <thing>",
        "Il y a <thing> [rouge|jaune|bizarre]a dans <place> mais on [comprend|cherche]v <person>",
        "Demain <person> va [manger|acheter|préparer]v <food> car nous avons [faim|froid]n",
        "Elle a [donné|montré|vendu]v <thing> pour <person> avant de [partir|dormir|manger]v",
        "Nous avons [visité|quitté|trouvé]v <place> avec <person> et nous étions [tristes|libres]a",
        "Pourquoi <person> a [vu|pris|lu]v <thing> quand j'étais dans <place>",
        "Si tu [trouves|vois|prends]v <thing> tu peux [appeler|aider|attendre]v <person>",
        "<person> qui [travaille|habite|mange]v dans <place> aime vraiment <food>",
        "Après <food> nous avons [quitté|visité|cherché]v <place> avec <person>",
        "Dans <place> il y avait <person> qui [mangeait|cherchait|voulait]v <food>",
        "Tom a [mis|caché|jeté]v <thing> dans <place> et <person> a [pris|trouvé]v <thing>",
        "Je pense comme <person> mais <food> était vraiment [bizarre|simple|énorme]a",
        "Ce matin j'ai [vu|rencontré|suivi]v <person> devant <place> avec <thing> [jaune|rouge]a",
        "Pourquoi as-tu [pris|vendu|caché]v <thing> pendant [le|ce|notre]d [repas|voyage]n",
        "[Mes|Ces|Les]d [parents|amis]n ont [vendu|visité]v <place> et <person> y [habite|mange]v",
        "[Les|Ces|Nos]d [enfants|amis]n ont [mangé|préparé]v <food> et ils ont [joué|dormi]v",
        "Il fait [froid|chaud|beau]a et <person> a [ouvert|fermé]v [la|cette|sa]d [porte|fenêtre]n",
        "Tu dois [lire|prendre|garder]v <thing> si <person> ne [vient|répond|mange]v pas",
        "On [mange|trouve]v <food> [énorme|simple]a dans <place> où [habite|mange]v <person>",
    ),
)

ENGLISH = Phrases(
    determiners={"": ("a", "the", "this", "my", "his", "our")},
    nouns={
        "food": {"": ("hamburger", "cake", "fish", "pizza", "sandwich", "meal", "salad", "pie")},
        "person": {"": ("brother", "father", "doctor", "teacher", "mother", "sister", "neighbor")},
        "thing": {"": ("book", "hat", "bicycle", "knife", "pen", "car", "letter", "watch")},
        "place": {"": ("garden", "village", "house", "kitchen", "station", "park", "museum")},
    },
    templates=(
        "Last night I [ate|bought|cooked]v <food> with <person> in <place>",
        "Last night <person> [ate|bought]v <food> and I had [some|the|my]d [coffee|tea|milk]n",
        "<person> [lost|found|forgot]v <thing> in <place> yesterday morning",
        "I would like to [buy|see|sell]v <thing> for <person> who lives in <place>",
        "When <person> [arrived|left|returned]v we [watched|wanted]v <thing>",
        "<thing> of <person> is [red|beautiful|huge|dirty]a and I want to [keep|show]v it",
        "There is <thing> in <place> and nobody can [see|find]v it",
        "Tomorrow morning <person> will [eat|buy|make]v <food> because we are [hungry|tired]a",
        "She [gave|showed|sold]v <thing> to <person> before she [left|slept|ate]v",
        "We [visited|left|found]v <place> with <person> and we were [sad|free|happy]a",
        "Did <person> [see|take|read]v <thing> that I [left|forgot]v in <place>",
        "If you [find|see|take]v <thing> you can [give|show|bring]v it to <person>",
        "<person> that you [saw|met]v in <place> really [likes|loves]v <food>",
        "After <food> we [went|walked|returned]v to <place> with <person>",
        "In <place> there was <person> who [ate|wanted|made]v <food>",
        "Tom [put|hid|threw]v <thing> in <place> and <person> [found|took|wanted]v it",
        "I think that <person> did not [finish|like|eat]v <food> because he was [sick|sad]a",
        "This morning I [saw|met|followed]v <person> near <place> with <thing>",
        "Why did you [take|sell|hide]v <thing> of <person> while she was [eating|working]v",
        "They [bought|sold|visited]v <place> and <person> [lives|works|eats]v there now",
        "[The|These|Our]d [children|friends]n [ate|made]v <food> and they [played|slept]v",
        "It is [cold|hot|nice]a in <place> and <person> [opened|closed]v [the|her]d [door|window]n",
        "You must [read|take|keep]v <thing> if <person> does not [come|answer|eat]v",
        "People [eat|find|make]v <food> in <place> where <person> [works|lives]v",
    ),
)

LANGUAGES = {"french": FRENCH, "english": ENGLISH}
