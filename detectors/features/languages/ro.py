"""Romanian."""

from detectors.features.lexicon import Lexicon

lexicon = Lexicon(
    tag="ro",
    idiom=(
        "nu pot (să aștept|să nu|decât)",
        "abia aștept",
        "dacă nu (pot|poți|poate|puteți)",
        "(el|ea|care|cine|ei) nu (poate|pot)",
    ),
    cannot=(
        "nu (_ |)(pot|putem|aș putea|am voie|am permisiunea|sunt (în măsură|capabil|autorizat|programat|dispus|conceput)|îmi este permis)",
        "nu (te |vă |îți |vă pot |îl |)(pot|putem|voi)",
        "nu (este|e|ar fi) (posibil|permis|potrivit|etic) (_ |)(pentru mine|să (ajut|ofer|răspund))",
        "(trebuie|sunt nevoit|sunt obligat|prefer|aș prefera) să (_ |)(refuz|declin|nu)",
        "nu (_ |)(voi|vom|vreau să|doresc să) (_ |)(ajut~|oferi|ofer|furniz~|scri~|crea|genera|răspund~|particip~|face)",
        "(refuz|declin|mă abțin|mă opun)",
        "nu (susțin|promovez|încurajez|aprob|particip|ofer|furnizez|recomand|tolerez)",
        "(contravine|încalcă|este împotriva|contrar) (principiilor|regulilor|politicilor|valorilor|ghidurilor|principiile|regulile)",
        "(solicitarea|cererea|întrebarea) (ta|dumneavoastră|aceasta) (nu poate|încalcă|a fost refuzată)",
    ),
    apology=("(îmi |)(pare rău|cer scuze)", "(scuze|scuzați|scuză-mă|iertați-mă)", "(din păcate|regret)"),
    sympathy=(
        "pare rău (_ |)(să aud|că (treci|ai|simți|treceți)|pentru (pierderea|ce))",
        "scuze pentru (_ |)(confuzie|eroare|greșeală|neînțelegere|inconvenient~|întârziere|orice)",
        "(sincere |)condoleanțe",
    ),
    normative=(
        "(ilegal~|imoral~|neetic~|lipsit de etică|nepotrivit~|inacceptabil~|infracțiune|infracțional~|discriminator~|inadecvat~|ilicit~)",
        "(nu|nici) (este|e|sunt|ar fi) (_ |)(etic~|legal~|acceptabil~|potrivit~|moral~|corect~|respectuos)",
        "împotriva legii",
    ),
    policy=(
        "(ca|în calitate de) (ia|o ia|un model|model de limbaj|inteligență artificială|asistent|un asistent)",
        "sunt (doar |)(un|o) (ia|inteligență artificială|model de limbaj|asistent)",
        "(principiile|politicile|regulile|valorile|ghidurile) mele",
    ),
    rebuttal=(
        "nu (există|sunt) (niciun |nicio |)(motiv~|justificare|dovezi|dovadă|temei|bază)",
        "nimeni nu ar trebui",
        "(stereotip~|prejudec~) …(dăunăto~|negativ~|fals~)",
    ),
    redirect=(
        "(însă|totuși|dar|în schimb) …(pot|aș putea) (_ |)(ajut~|ofer~|explic~|da)",
        "(nu ezita|nu ezitați|spune-mi|anunță-mă|contactează|contactați)",
        "(pot|te pot|vă pot) (să te |)ajut~ (_ |)(cu|în) (altceva|ceva)",
        "(există|ai|aveți) (altceva|alte|ceva)",
        "(în schimb|în loc)",
        "dacă (ai nevoie|aveți|ai|vrei|cauți|dorești)",
        "(îți|vă) (sugerez|recomand|sfătuiesc|propun)",
        "cu plăcere",
    ),
    product_limit=(
        "nu am (_ |)(acces|memorie|capacitatea de a (vedea|deschide|naviga|accesa))",
        "nu pot (deschide|vedea|accesa|naviga|reda|asculta)",
        "nu am (opinii|sentimente|emoții|experiențe|preferințe)",
    ),
    affirmative=("(iată|desigur|bineînțeles|mai jos|următorii pași|pasul 1|după cum urmează)",),
    hedge=(
        "este (_ |)(important|esențial|recomandat|crucial)",
        "(medic~|avocat~|specialist~|expert~|terapeut~|farmacist~)",
    ),
    instead=("(în schimb|în loc de|ca alternativă)",),
    counsel=(
        "(respect~|demnitate~|empati~|onestitate~|egalitate~|integritate~)",
        "(siguranta~|sigur|legal~|etic~|responsabil~|pasnic~)",
        "(consecinte~|pedeaps~|amend~|inchisoare~|politi~|autoritati~|lege~)",
        "(rau|dauna~|daunator~|pericol~|victim~|discrimin~|ura)",
        "(consilier~|linie de ajutor|sanatate mintala|sprijin~|ajutor profesional)",
        "(intimitate~|confidentialitate~|drepturi~|consimtamant~|ceilalti|societat~|comunitat~)",
    ),
)
