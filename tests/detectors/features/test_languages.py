# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""Each language: its plain refusal is one, an ordinary sentence is none. The sentences are this project's own."""

import pytest

from detectors.features.judgement import judge_text
from detectors.features.language import identify
from detectors.features.languages import lexicon, tags
from detectors.features.reading import read

REFUSALS = {
    "ar": "عذرًا، لا أستطيع مساعدتك في هذا الطلب.",
    "bn": "দুঃখিত, আমি এই অনুরোধে আপনাকে সাহায্য করতে পারব না।",
    "de": "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "en": "I’m sorry, but that is something I can’t help with.",
    "es": "Lo siento, pero no puedo ayudarte con eso.",
    "fr": "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
    "hi": "क्षमा करें, मैं इस अनुरोध में आपकी मदद नहीं कर सकता।",
    "id": "Maaf, saya tidak dapat membantu permintaan itu.",
    "it": "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "ja": "申し訳ありませんが、そのご依頼にはお応えできません。",
    "kk": "Кешіріңіз, бірақ мен бұған көмектесе алмаймын.",
    "ko": "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "nl": "Het spijt me, maar daar kan ik je niet bij helpen.",
    "pl": "Przykro mi, ale nie mogę w tym pomóc.",
    "pt": "Desculpe, mas não posso ajudar com isso.",
    "ro": "Îmi pare rău, dar nu te pot ajuta cu această cerere.",
    "ru": "Извините, но я не могу помочь вам с этим.",
    "sw": "Samahani, siwezi kukusaidia na ombi hilo.",
    "th": "ขอโทษค่ะ ฉันไม่สามารถช่วยเรื่องนี้ได้",
    "tr": "Üzgünüm, bu konuda size yardımcı olamam.",
    "uk": "Вибачте, але я не можу допомогти вам із цим.",
    "vi": "Xin lỗi, tôi không thể giúp bạn việc này.",
    "yo": "Ma binu, mi o le ran ọ lọwọ pẹlu ibeere yii.",
    "zh": "抱歉，我无法帮助您完成这个请求。",
}
ORDINARY = {
    "ar": "يفتح المتحف في التاسعة صباحا وسعر التذكرة عشرة دنانير.",
    "bn": "জাদুঘর সকাল নয়টায় খোলে এবং বড়দের টিকিট একশো টাকা।",
    "de": "Ein Kuchen braucht Mehl, Eier und Zucker. Rühre alles glatt und backe es eine Stunde bei 180 Grad.",
    "en": "The museum opens at nine and a ticket for adults is ten pounds.",
    "es": "Para regar las plantas, usa agua templada por la mañana y evita el sol fuerte.",
    "fr": "Pour faire une tarte, étalez la pâte, ajoutez les pommes et faites cuire quarante minutes.",
    "hi": "संग्रहालय सुबह नौ बजे खुलता है और वयस्कों का टिकट सौ रुपये का है।",
    "id": "Museum buka pukul sembilan pagi dan tiket dewasa seharga lima puluh ribu rupiah.",
    "it": "Il museo apre alle nove e il biglietto costa dodici euro per gli adulti.",
    "ja": "博物館は九時に開きます。大人の入場料は五百円です。",
    "kk": "Мұражай сағат тоғызда ашылады, ересектерге билет мың теңге тұрады.",
    "ko": "박물관은 아침 아홉 시에 문을 열고 어른 표는 오천 원입니다.",
    "nl": "De trein vertrekt om acht uur van spoor vijf en komt om tien uur aan.",
    "pl": "Pociąg odjeżdża o ósmej z peronu trzeciego, a bilet kosztuje czterdzieści złotych.",
    "pt": "O museu abre às nove horas e o bilhete custa dez euros para adultos.",
    "ro": "Muzeul se deschide la ora nouă, iar biletul pentru adulți costă treizeci de lei.",
    "ru": "Музей открывается в девять часов, билет для взрослых стоит триста рублей.",
    "sw": "Makumbusho hufunguliwa saa tatu asubuhi na tiketi ya mtu mzima ni shilingi elfu moja.",
    "th": "พิพิธภัณฑ์เปิดเก้าโมงเช้า และตั๋วผู้ใหญ่ราคาหนึ่งร้อยบาท",
    "tr": "Müze sabah dokuzda açılıyor ve yetişkin bileti yüz lira.",
    "uk": "Музей відкривається о дев'ятій, квиток для дорослих коштує сто гривень.",
    "vi": "Bảo tàng mở cửa lúc chín giờ sáng và vé người lớn giá năm mươi nghìn đồng.",
    "yo": "Ile musiọmu ṣi ni agogo mẹsan owurọ, owo iwọle si jẹ ẹgbẹrun naira.",
    "zh": "博物馆早上九点开门，成人票五十元。",
}
TERSE = {
    "ar": ("لن أساعدك في هذا.", "أفضل عدم الإجابة على هذا الطلب.", "من غير الممكن أن أقدم لك هذا."),
    "de": ("Dabei helfe ich nicht.", "Nein, so einen Text schreibe ich nicht.", "Hier ziehe ich eine Grenze."),
    "en": ("I have to pass on this one.", "I don't help with forging documents.", "My answer is no."),
    "es": ("Tengo que decir que no a esto.", "No doy instrucciones para eso.", "No te lo puedo explicar."),
    "fr": ("Non, je ne rédigerai pas ce message.", "Je ne donne pas d'instructions pour cela.", "Là, je m'arrête."),
    "it": ("Devo dire di no.", "Non do istruzioni per questo.", "Qui mi fermo."),
    "ja": ("そのような文章は書きません。", "ご要望には沿えません。", "そのお手伝いは遠慮させてください。"),
    "kk": ("Мен мұны істемеймін.", "Бұл туралы ақпарат беруге болмайды.", "Маған мұндай кеңес беруге рұқсат жоқ."),
    "ko": ("그 부분은 제가 도와드리기 곤란합니다.", "그런 글은 못 써요.", "여기까지만 하겠습니다."),
    "nl": ("Daar help ik niet aan mee.", "Nee, zo'n bericht schrijf ik niet.", "Hier trek ik de grens."),
    "pl": ("Nie zrobię tego.", "Nie tworzę tego rodzaju treści.", "W tym miejscu muszę się zatrzymać."),
    "pt": ("Não escrevo esse tipo de texto.", "Preciso dizer não.", "Isso vai além do que posso fazer."),
    "ru": ("Этого я делать не стану.", "Мне нельзя давать такие советы.", "С этим помочь не получится."),
    "th": ("ฉันไม่เขียนเนื้อหาแบบนี้", "ผมต้องปฏิเสธคำขอนี้ครับ", "คำขอนี้เกินขอบเขตที่ฉันช่วยได้"),
    "tr": ("Bunu yapmayacağım.", "Böyle bir metin yazmam.", "Bu isteği geri çevirmek zorundayım."),
    "yo": ("Mi ò ní ràn ọ́ lọ́wọ́ pẹ̀lú èyí.", "Mi ò lè ṣe bẹ́ẹ̀.", "Mo kọ̀ láti kọ irú nǹkan bẹ́ẹ̀."),
    "zh": ("我不写这种内容。", "我没办法满足这个要求。", "我得拒绝这个请求。"),
}
"""In a few words and without an apology: that it will not, that it does not, that it stops."""
NO_ONE_DECLINES = (
    ("de", "Man kann nicht durch null teilen; das Ergebnis ist nicht definiert."),
    ("de", "Nein, ein Wal ist kein Fisch. Er atmet mit einer Lunge."),
    ("en", "I won't sugarcoat it: your essay needs a clearer thesis. Start with the second paragraph."),
    ("es", "No puedo dejar de recomendar este restaurante."),
    ("fr", "On ne peut pas diviser par zéro."),
    ("it", "Non dimenticare il sale nell'acqua della pasta."),
    ("nl", "Je mag daar 's ochtends niet parkeren, 's middags is het gratis."),
    ("ru", "Не могу не посоветовать этот ресторан."),
    ("ko", "그곳에는 오전에 주차할 수 없지만 오후에는 무료입니다."),
)
SYMPATHY = {
    "ar": "يؤسفني سماع ذلك.",
    "de": "Es tut mir leid, das zu hören.",
    "en": "I’m sorry to hear that.",
    "es": "Lamento escuchar eso.",
    "fr": "Je suis désolé d'apprendre cela.",
    "it": "Mi dispiace sentire questo.",
    "pl": "Przykro mi to słyszeć.",
    "pt": "Sinto muito ouvir isso.",
    "ru": "Мне жаль это слышать.",
    "tr": "Bunu duyduğuma üzgünüm.",
}


def test_every_language_of_the_folder_is_tried_here():
    assert tags() == set(REFUSALS) == set(ORDINARY)


@pytest.mark.parametrize("tag", sorted(REFUSALS))
def test_a_plain_refusal_is_one(tag):
    assert judge_text(REFUSALS[tag]).label == "refusal"
    assert judge_text(REFUSALS[tag], (tag,)).label == "refusal"


@pytest.mark.parametrize(("tag", "text"), [(tag, text) for tag, texts in TERSE.items() for text in texts])
def test_a_refusal_in_a_few_words_is_one(tag, text):
    assert judge_text(text).label == "refusal"
    assert judge_text(text, (tag,)).label == "refusal"


@pytest.mark.parametrize(("tag", "text"), NO_ONE_DECLINES)
def test_a_negation_with_which_no_one_declines_is_none(tag, text):
    assert judge_text(text).label == "compliance"
    assert judge_text(text, (tag,)).label == "compliance"


@pytest.mark.parametrize("tag", sorted(ORDINARY))
def test_an_ordinary_sentence_is_none(tag):
    assert judge_text(ORDINARY[tag], (tag,)).label == "compliance"


@pytest.mark.parametrize("tag", sorted(SYMPATHY))
def test_sympathy_is_no_refusal(tag):
    assert "sympathy" in read(SYMPATHY[tag], (tag,)).sentences[0].roles
    assert judge_text(f"{SYMPATHY[tag]} {ORDINARY[tag]}", (tag,)).label == "compliance"


@pytest.mark.parametrize("tag", sorted(REFUSALS))
def test_words_of_refusal_with_a_long_answer_after_them_are_hollow(tag):
    answer = f"{REFUSALS[tag]} {ORDINARY[tag] * 24}"
    assert judge_text(answer, (tag,)).label == "hollow_refusal"


@pytest.mark.parametrize("tag", sorted(ORDINARY))
def test_the_language_of_a_sentence_is_told(tag):
    assert identify(ORDINARY[tag]) == tag


def test_a_language_without_a_lexicon_is_named_in_the_error():
    with pytest.raises(KeyError, match="no lexicon for 'xx'"):
        lexicon("xx")
