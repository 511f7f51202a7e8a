"""French."""

from detectors.features.lexicon import Lexicon

_CANNOT = "(peux|peux pas|pouvons|puis|vais|saurais|pourrais|pourrai|peux malheureusement)"

lexicon = Lexicon(
    tag="fr",
    idiom=(
        "si (je|vous|tu) ne (peux|pouvez)",
        "ne peux (que|m'empêcher)",
        "(on|il|elle|ils|elles|vous|qui) ne (peut|peuvent|pouvez)",
        "hâte de",
    ),
    cannot=(
        "je ne (veux|souhaite|compte|désire) pas (vous |t'|te |y |)(aider|participer|répondre|écrire|rédiger|fournir|donner|expliquer|contribuer|le faire|entrer)",
        "(je |j'|nous )(ne |n')(vous |te |lui |y |en |le |la |les |l'|)(ferai|aiderai|rédigerai|écrirai|donnerai|fournirai|répondrai|expliquerai|participerai|dirai|créerai|générerai|irai|produirai|contribuerai|aide|donne|écris|rédige|crée|produis|partage|réponds|traite|fais) (pas|plus|jamais|aucun~|rien)",
        "je (dois|vais devoir|devrai|préfère) (_ |)(refuser|décliner|m'arrêter|dire non|passer)",
        "(je m'arrête|je vais m'arrêter) (là|ici)",
        "(là|ici), je m'arrête",
        "(pas|plus) (quelque chose|une chose|un sujet|une demande) (que|à laquelle|pour laquelle|dont|avec) (je|quoi)",
        "(dépasse|au-delà de|sort du cadre de|hors de) (ce que je|mes|mon) (_ |)",
        "(il m'est|m'est) (_ |)(impossible|interdit)",
        f"(je|nous) (ne |n'){_CANNOT} (pas|point|malheureusement|donc|en aucun)",
        f"(je|nous) (ne |n')(vous |te |lui |y |en |me |nous |le |les |la |){_CANNOT}",
        f"(je|j'|nous) (_ |_ _ |){_CANNOT} pas",
        "je ne suis pas (en mesure|capable|autorisé|autorisée|disposé|programmé|habilité|conçu|à l'aise)",
        "je (dois|suis obligé|suis contraint|me dois|préfère|regrette mais je dois) …(refuser|décliner|ne pas)",
        "je (refuse|décline|m'oppose|m'abstiens)",
        "je (ne soutiens|ne cautionne|n'encourage|n'approuve|ne fournis|ne recommande|ne participe)",
        "(impossible|pas possible) …(de vous aider|d'aider|de répondre|de fournir|pour moi)",
        "(contraire à|contre|enfreint|viole|va à l'encontre de) (mes|nos|ma|mon) (_ |)(principes|règles|directives|valeurs|politique~|programmation|éthique)",
        "(votre|cette) (demande|requête|question) (est refusée|ne peut|ne respecte|enfreint)",
    ),
    apology=(
        "(je suis |)désolé~",
        "(je m'|m')excuse",
        "(mes|toutes mes) (_ |)excuses",
        "malheureusement",
        "je regrette",
        "pardon~",
    ),
    sympathy=(
        "désolé~ (d'apprendre|d'entendre|pour (votre|ta|la|cette|le|l')|que vous|que tu)",
        "excuse~ pour (la|le|les|cette|l'|toute)",
        "mes condoléances",
        "sincères condoléances",
    ),
    normative=(
        "(illégal~|illicite~|contraire à l'éthique|contraires à l'éthique|immoral~|inapproprié~|inacceptable~|criminel~|délictueu~|discriminatoire~|interdit~ par)",
        "(pas|ni|non) (_ |)(éthique|légal|acceptable|approprié|convenable|moral|respectueux|correct|autorisé|permis)",
        "contre la loi",
        "(fortement|vivement) (déconseillé|découragé)",
    ),
    policy=(
        "en tant (qu'ia|que modèle|qu'intelligence|qu'assistant|que assistant)",
        "je suis (un |une |)(ia|intelligence artificielle|modèle de langage|assistant)",
        "(mes|nos) (_ |)(directives|principes|règles|politiques|valeurs|lignes directrices)",
    ),
    rebuttal=(
        "il n'(y a|existe) (pas|aucun|aucune) (_ |)(raison~|justification|preuve~|fondement|base)",
        "(personne|aucun individu) ne (devrait|doit)",
        "(stéréotype~|préjugé~) …(nuisible~|négatif~|dangereux|faux|infondé~)",
    ),
    redirect=(
        "(je|nous) (peux|pouvons|pourrais|pourrai) (_ |)(vous |te |)(aider|donner|fournir|proposer|expliquer|offrir|partager|orienter)",
        "(n'hésitez|n'hésite|faites-le-moi savoir|faites-moi savoir|dites-moi|dis-moi)",
        "(dois-je|voulez-vous|souhaitez-vous|aimeriez-vous)",
        "il existe (_ |)(de nombreuses |de nombreux |des |plusieurs )(ressources|organisations|moyens|services)",
        "(puis-je|est-ce que je peux|comment puis-je) …(aider|autre)",
        "(y a-t-il|avez-vous) (autre|d'autres|une autre)",
        "(en revanche|plutôt|à la place)",
        "(si vous|si tu) (avez|as|souhaitez|souhaites|cherchez|recherchez|voulez)",
        "je (vous |te |)(suggère|recommande|conseille|encourage|invite)",
        "(heureux|heureuse|ravi) de vous",
    ),
    product_limit=(
        "(pas|aucun) (_ |)(accès|d'accès|temps réel|consulter|ouvrir|naviguer)",
        "(pas|aucune|aucun) (d'|de |)(opinion~|émotion~|sentiment~|expérience~|préférence~) personnel~",
    ),
    affirmative=("(voici|bien sûr|avec plaisir|volontiers|comme suit|étape 1|les étapes suivantes)",),
    hedge=(
        "il est (_ |)(important|essentiel|recommandé|conseillé|préférable|crucial)",
        "(médecin|avocat|professionnel|expert|spécialiste|thérapeute|pharmacien)",
        "veuillez noter",
    ),
    instead=("(au lieu de|à la place|plutôt|en revanche)",),
    counsel=(
        "(respect~|dignite|egalite|honnete~|integrite|empathie|bienveillan~|compassion|inclusi~|bien-etre)",
        "(securite|sur et|legal~|legaux|ethique~|licite~|responsable~|responsabilite|pacifique~)",
        "(consequences|sanction~|amende~|prison|penal~|autorites|police|loi|lois|juridique~|poursuites)",
        "(prejudice~|nuire|nuisible~|dommage~|souffrance~|victime~|danger~|blesser|viol~|discrimination~|prejuge~|haine)",
        "(conseiller~|therapeute~|ligne d ecoute|sante mentale|soutien|aide professionnelle|urgence~)",
        "(vie privee|droits|consentement|toutes les personnes|autrui|les autres|communaute|societe)",
        "(plutot que|au lieu de|alternative~|envisag~|chercher|positif~|positive~|sain~|constructi~)",
    ),
)
