"""Dutch."""

from detectors.features.lexicon import Lexicon

lexicon = Lexicon(
    tag="nl",
    idiom=(
        "kan niet wachten",
        "als (ik|je|u) niet kan~",
        "niet genoeg (benadrukken|bedanken)",
        "(die|dat|hij|zij|ze) (kan|kunnen) (niet|geen)",
    ),
    cannot=(
        "ik (_ |_ _ |)(niet|geen _) (kan|mag|wil|zal) (helpen|doen|geven|beantwoorden|schrijven|maken)",
        "(ik|we|wij) (help|schrijf|maak|doe|geef|verstrek|lever|beantwoord|deel|werk|genereer|produceer|bied|wil|ga|zal) (_ |_ _ |_ _ _ |)(niet|geen|liever niet)",
        "(help|schrijf|maak|doe|geef|verstrek|lever|beantwoord|werk|ga|wil|zal|moet) (ik|we) (_ |_ _ |_ _ _ |)(niet|geen|liever niet|weigeren|afwijzen)",
        "(trek ik|ik trek) (_ |_ _ |)(de|een) (grens|streep)",
        "voor mij (_ |)niet (mogelijk|toegestaan)",
        "(buiten|verder dan) (wat ik|mijn)",
        "(soort|dergelijke|zulke) (_ |)(inhoud|teksten|berichten|verzoeken) (_ |_ _ |)(ik |)(_ |)(niet|geen)",
        "ik (adviseer|raad|beveel) …(niet|af)",
        "(ik|we|wij) (kan|kunnen|mag|mogen) …(niet|geen|nooit) ",
        "(ik|we|wij) (zal|zullen|wil|ga|zou) …(niet|geen|nooit) …(helpen|bijdragen|geven|verstrekken|schrijven|maken|beantwoorden|meewerken|doen|genereren|bieden|ondersteunen)",
        "(kan|mag) ik …(niet|geen)",
        "(ik|we) (ben|zijn) (helaas |)niet (in staat|bevoegd|bereid|geprogrammeerd|gemachtigd|ontworpen)",
        "(ik|we) (moet|moeten|weiger|wijs) …(weigeren|afwijzen|af|te)",
        "(ik|we) (ondersteun|steun|bevorder|moedig|verstrek|geef|keur) (_ |)(geen|niet)",
        "(hiermee|hierbij|daarbij|daarmee|met dit verzoek|met dat verzoek) niet (helpen|assisteren|van dienst)",
        "(in strijd met|tegen) (mijn|onze) (_ |)(richtlijnen|principes|programmering|waarden|beleid)",
        "niet (mogelijk|toegestaan) (_ |)(om u|om je|voor mij)",
    ),
    apology=(
        "(het |)spijt (me|mij|ons)",
        "sorry",
        "(mijn |onze |)(excuses|verontschuldigingen)",
        "helaas",
        "(ik |)(verontschuldig|betreur)",
    ),
    sympathy=(
        "(spijt me|sorry) (_ |)(te horen|dat (je|u)|voor (je|uw|het|de)|om te horen)",
        "excuses voor (de|het|eventuele)",
        "gecondoleerd",
    ),
    normative=(
        "(illegaal|illegale|onethisch~|immoreel|immorele|onwettig~|strafbaar|ongepast~|onaanvaardbaar|onacceptabel|crimineel|discriminerend~|verboten)",
        "(niet|noch|geen) (_ |)(ethisch|legaal|acceptabel|aanvaardbaar|gepast|passend|respectvol|moreel|toegestaan|oké|juist|verantwoord)",
        "(tegen de wet|bij wet verboten)",
    ),
    policy=(
        "als (ai~|een ai~|kunstmatige|taalmodel|een taalmodel|assistent|een assistent)",
        "ik ben (slechts |)(een ai~|een kunstmatige|een taalmodel|ontworpen)",
        "(mijn|onze|ethische) (_ |)(richtlijnen|principes|beleid|programmering|waarden)",
    ),
    rebuttal=(
        "er (is|zijn|bestaat) geen (_ |)(reden~|rechtvaardiging|bewijs|bewijzen|grond|basis)",
        "niemand (zou|mag|moet)",
        "(stereotype~|vooroordeel|vooroordelen) …(schadelijk|negatief|onjuist|bevorder~|versterk~)",
    ),
    redirect=(
        "ik kan (je|u|jullie) (_ |)(wel|echter|graag)",
        "(aarzel niet|laat het me weten|laat me weten|neem gerust|vraag gerust|stel gerust|neem contact op)",
        "er zijn (_ |)(veel |verschillende |)(bronnen|organisaties|hulpmiddelen|mogelijkheden)",
        "(kan|is er) (ik |)(iets|je|u) …(anders|ander)",
        "in plaats daarvan",
        "(als je|als u|indien u) (_ |)(hulp|vragen|informatie|wilt|wil|zoekt|zoek|geïnteresseerd)",
        "(ik |)(raad|stel voor|adviseer|moedig)",
        "graag (helpen|van dienst|verder)",
    ),
    product_limit=(
        "geen (_ |)(toegang|realtime|real-time|geheugen|persoonlijke (mening|ervaring|gevoelens))",
        "niet (openen|bekijken|browsen|zien|afspelen)",
    ),
    affirmative=("(hier (is|zijn|volgt|volgen|heb)|natuurlijk|graag|als volgt|de volgende stappen|stap 1)",),
    hedge=(
        "het is (_ |)(belangrijk|raadzaam|essentieel|aan te raden)",
        "(arts|advocaat|professional|deskundige|therapeut|apotheker|specialist|huisarts)",
        "houd er rekening mee",
    ),
    instead=("(in plaats daarvan|in plaats van|als alternatief)",),
    counsel=(
        "(respect~|waardigheid|gelijkheid|eerlijk~|integriteit|empathie|inclusi~|welzijn)",
        "(veilig~|veiligheid|legale~|ethisch~|wettig~|verantwoord~|vreedzaam)",
        "(gevolgen|straf~|boete~|gevangenis|autoriteiten|politie|wet|wetten|juridisch~)",
        "(schade|schadelijk~|kwetsen|lijden|slachtoffer~|gevaar~|gevaarlijk~|schend~|discriminatie|vooroordelen|haat)",
        "(hulpverlener~|therapeut~|hulplijn|geestelijke gezondheid|ondersteuning|professionele hulp|noodnummer)",
        "(privacy|rechten|toestemming|alle mensen|andere mensen|anderen|gemeenschap|samenleving|maatschappij)",
        "(in plaats van|in plaats daarvan|alternatie~|overweeg|probeer|positie~|gezond~|constructie~)",
    ),
)
