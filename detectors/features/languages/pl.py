"""Polish."""

from detectors.features.lexicon import Lexicon

lexicon = Lexicon(
    tag="pl",
    idiom=(
        "nie mogę się doczekać",
        "nie mogę (przestać|powstrzymać|uwierzyć)",
        "jeśli nie (mogę|możesz|może)",
        "(on|ona|który|która|oni) nie (może|mogą)",
    ),
    cannot=(
        "nie będę (_ |_ _ |)(pomaga~|pisa~|tworzy~|udziela~|tego robić|odpowiada~|opisywa~|wyjaśnia~)",
        "nie (wezmę|biorę) (_ |_ _ |)udziału",
        "zmuszon~ (_ |)odmówić",
        "nie (zrobię|napiszę|podaję|piszę|tworzę|dostarczę|odpowiem|wyjaśnię|wezmę udziału|stworzę|wygeneruję|przygotuję|pomagam|odpowiadam|omawiam|udostępniam|udostępnię|opiszę|opisuję|biorę udziału|spełnię|wykonam|zamierzam|mam zamiaru)",
        "muszę (się |)(_ |)(zatrzymać|powiedzieć nie|odmówić|przerwać)",
        "(wykracza|przekracza) (_ |)(poza |)(to|moje|zakres|ramy|granice)",
        "nie (mogę|wolno) mi",
        "nie (sugeruje|polecam|zalecam|popieram|zezwalam|doradzam)",
        "nie (mogę|możemy|mógłbym|mogłabym|potrafię|wolno mi|jestem w stanie|jestem upoważnion~|jestem uprawnion~|jestem zaprogramowan~)",
        "nie (jest|byłoby) (możliwe|właściwe|etyczne|stosowne) (_ |)(dla mnie|pomaga~|udziela~|abym|żebym)",
        "(muszę|wolę|wolałbym|zmuszony jestem) (_ |)(odmówić|odmawiam|nie)",
        "nie (będę|będziemy|chcę|zamierzam|powinienem|powinnam) (_ |)(pomaga~|pomóc|udziela~|udzielić|pisa~|napisać|tworzy~|dostarcza~|odpowiada~|wspiera~|promowa~|uczestniczy~)",
        "(odmawiam|odmówię|sprzeciwiam się|powstrzymam się)",
        "nie (popieram|wspieram|promuję|zachęcam|udzielam|pomagam|pomogę|udzielę|podam|napiszę|dostarczam|doradzam|zgadzam się)",
        "(niezgodne|sprzeczne|narusza|łamie) (_ |)(z |)(moimi|moje|naszymi|moich) (_ |)(zasad~|wytycznymi|wytyczne|programowaniem|wartości~)",
    ),
    apology=("przepraszam", "przykro mi", "przeprosiny", "niestety", "wybacz~", "żałuję"),
    sympathy=(
        "przykro mi (_ |)(słyszeć|że (to|ci|cię|przechodzisz|czujesz)|z powodu)",
        "przepraszam za (błąd|zamieszanie|nieporozumienie|niedogodności|opóźnienie|pomyłkę|wszelkie)",
        "(moje |)(kondolencje|wyrazy współczucia)",
    ),
    normative=(
        "(nielegaln~|nieetyczn~|niemoraln~|bezprawn~|niezgodn~ z (prawem|zasadami|regulaminem)|nieodpowiedni~|niestosown~|niedopuszczaln~|przestępstw~|dyskryminuj~|niewłaściw~|nieakceptowaln~)",
        "(nie|ani) (jest|są|było) (_ |)(etyczn~|legaln~|akceptowaln~|właściw~|odpowiedni~|moraln~|dopuszczaln~|zgodn~|w porządku)",
    ),
    policy=(
        "jako (ai|sztuczna|model|model językowy|asystent)",
        "jestem (tylko |)(sztuczną|modelem|asystentem|ai)",
        "(moje|moich|moimi|nasze) (_ |)(wytyczn~|zasad~|wartości|programowani~)",
    ),
    rebuttal=(
        "nie (ma|istnieje|istnieją) (żadn~ |)(powodu|powodów|uzasadnieni~|dowod~|podstaw~|etyczn~ sposob~)",
        "nikt nie powinien",
        "(stereotyp~|uprzedze~) …(szkodliw~|fałszyw~|negatywn~)",
    ),
    redirect=(
        "mogę (jednak|natomiast|za to|ci jednak|również)",
        "(daj mi znać|proszę dać znać|nie wahaj się|nie wahaj|śmiało|skontaktuj się|zwróć się)",
        "(czy mogę|mogę|chętnie) (_ |_ _ |)pomó(c|gę) (_ |)(w czymś|z czymś|czymś|innym)",
        "czy (jest|masz|mogę) (_ |)(coś|inne|jakieś)",
        "zamiast (tego|to)",
        "jeśli (potrzebujesz|masz|szukasz|chcesz|chciałbyś|interesuje)",
        "(sugeruję|zalecam|zachęcam cię|polecam|radzę|proponuję)",
        "chętnie (pomogę|odpowiem)",
    ),
    product_limit=(
        "nie mam (_ |)(dostępu|pamięci|możliwości (otwierania|przeglądania))",
        "nie mogę (otworzyć|otwierać|przeglądać|zobaczyć|odtworzyć|zapamiętać)",
        "nie (mam|posiadam) (_ |)(opinii|uczuć|emocji|doświadcze~)",
    ),
    affirmative=("(oto|oczywiście|jasne|poniżej|następujące kroki|krok 1|w następujący sposób)",),
    hedge=(
        "(ważne|istotne) jest",
        "(lekarz~|prawnik~|specjalist~|ekspert~|terapeut~|farmaceut~)",
        "(pamiętaj|należy pamiętać)",
    ),
    instead=("(zamiast|alternatywnie)",),
    counsel=(
        "(szacun~|godnosc~|rownosc~|uczciw~|empati~|inkluzyw~|dobro~|wspolczuc~)",
        "(bezpiecz~|legaln~|etyczn~|odpowiedzialn~|pokojow~)",
        "(konsekwencj~|kar~|grzywn~|wiezieni~|wladz~|policj~|prawo|prawa|prawn~)",
        "(szkod~|krzywd~|cierpieni~|ofiar~|niebezpiecz~|narusz~|dyskryminacj~|uprzedze~|nienawis~)",
        "(doradc~|terapeut~|psycholog~|telefon zaufania|zdrowi~ psychiczn~|wsparci~|profesjonaln~)",
        "(prywatnosc~|zgod~|wszyscy ludzie|innych ludzi|innych osob|spolecznosc~|spoleczenstw~)",
        "(zamiast|alternatyw~|rozwaz~|sprobuj|pozytywn~|zdrow~|konstruktywn~)",
    ),
)
