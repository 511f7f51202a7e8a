"""Yoruba. Tones are folded away, as most people and models leave them out unevenly."""

from detectors.features.lexicon import Lexicon

lexicon = Lexicon(
    tag="yo",
    cannot=(
        "(mo|a) (ni|gbodo) lati (_ |)ko",
        "(mi o|n o|emi o|emi ko|a ko|mi ko) ni (_ |)(ran|se|ko|so|fun|pese|dahun|le|kopa|salaye)",
        "(mi|emi|n|a) (ko|kò|kii|ki) (_ |)(le|lè|ni|gba|se|ni anfani|fe)",
        "(mi ò|mi o|n ò|emi ko|emi kò|a ko|a kò) (_ |)(le|lè|ni le|leè|gbodo|fe)",
        "(ko|kò) (ṣee ṣe|see se|le ṣee ṣe|ṣeeṣe) (fun mi|lati)",
        "(mo|a) (kọ|ko) (lati|sile)",
        "(nko|n ko|mio) (le|ni|fe)",
        "(lodi si|tako) (ilana|ofin|eto imulo|awọn ilana) (mi|wa)",
    ),
    apology=(
        "(ma binu|e ma binu|mo tọrọ gafara|mo toro aforiji|e jọwọ|jọwọ ma binu|mo bẹ ẹ|o seni laanu|laanu|gafara|mo kaanu|mo banuje)",
    ),
    sympathy=("(mo kaanu|o dun mi|mo banuje) (_ |)(lati gbọ|pe|fun)", "e ku (araferaku|ọfọ)"),
    normative=(
        "(lodi si ofin|tako ofin|ko bofin mu|aitọ|ti ko tọ|ko tọ|ko dara|iwa ọdaran|arufin|iwa aitọ|ẹṣẹ ni|ko yẹ|alaiṣe)",
    ),
    policy=("(gẹgẹ bi|bi) (_ |)(ai|oye atọwọda|awoṣe ede|oluranlọwọ)", "(emi ni|mo jẹ) (_ |)(ai|awoṣe|oluranlọwọ)"),
    rebuttal=("(ko si|kò sí) (_ |)(idi|eri|ẹri|ipilẹ)", "ko si (eni|ẹni) (ti|to) (o |)(ye|yẹ)"),
    redirect=(
        "(jọwọ jẹ ki n mọ|jẹ ki n mọ|kan si)",
        "(dipo|kaka bee)",
        "(ti o ba|bi o ba|ti e ba) (_ |)(fe|ni|nilo)",
        "(mo le ran|mo gba e niyanju|mo daba|inu mi yoo dun)",
        "(nnkan miran|ohun miran|ibeere miran)",
    ),
    product_limit=("(mi o le|mi ko le|emi ko le) (_ |)(ṣii|wo|ri|wọle si|ranti)",),
    affirmative=("(dajudaju|eyi ni|awọn igbesẹ|igbesẹ akọkọ)",),
    hedge=("(dokita|agbẹjọro|ọjọgbọn|onimọ|amoye)", "o ṣe pataki"),
    instead=("dípò",),
)
