"""Neighbours of the four languages: each is told where it is plain, and never taken for one of the four.

The first half of a language's texts was at hand while its words were chosen, the second was not.
"""

from __future__ import annotations

import pytest

from classifier.languages import SHIPPED, detect

TOLD = {
    "ky": (
        "Министрлер кабинети жаңы мектептерди куруу үчүн акча бөлдү, деп билдирди басма сөз кызматы.",
        "Бишкекте аба ырайы суук болот жана кар жаашы мүмкүн.",
        "Ош шаарында жаңы оорукана ачылды, анда жүздөн ашык врач иштейт.",
        "Президент Казакстан менен соода көлөмүн көбөйтүү керек экенин айтты.",
        "Нарын суусундагы гидроэлектростанциянын курулушу эмки жылы бүтөт, бул өлкө үчүн маанилүү.",
    ),
    "uz": (
        "Vazirlar Mahkamasi yangi maktablar qurilishi uchun mablag' ajratdi, deb xabar berdi vazirlik.",
        "Toshkentda havo sovuq bo‘ladi va qor yog‘ishi mumkin.",
        "Prezident Qozog'iston bilan savdo hajmini oshirish kerakligini aytdi.",
        "Вазирлар Маҳкамаси янги мактаблар қурилиши учун маблағ ажратди, деб хабар берди матбуот хизмати.",
        "Samarqand shahrida yangi shifoxona ochildi, unda yuzdan ortiq shifokor ishlaydi va bu yangilik.",
        "Oliy Majlis qonunchilik palatasi byudjetni ikkinchi o‘qishda ko‘rib chiqdi va uni ma’qulladi.",
        "Самарқанд шаҳрида янги шифохона очилди, унда юздан ортиқ шифокор ишлайди.",
        "Президент Қозоғистон билан савдо ҳажмини ошириш кераклигини айтди ва бу ҳақда қарор имзолади.",
    ),
    "tg": (
        "Ҳукумат барои сохтани мактабҳои нав маблағ ҷудо кард, хабар дод хадамоти матбуот.",
        "Дар Душанбе ҳаво хунук мешавад ва борон меборад.",
        "Президент гуфт, ки ҳаҷми савдо бо Қазоқистон бояд зиёд шавад.",
        "Дар шаҳри Хуҷанд беморхонаи нав кушода шуд, ки дар он беш аз сад духтур кор мекунад.",
        "Маҷлиси намояндагон буҷетро дар хониши дуюм баррасӣ карда, онро ҷонибдорӣ намуд.",
        "Сохтмони нерӯгоҳи барқи обии Роғун соли оянда идома меёбад.",
    ),
    "fa": (
        "دولت برای ساخت مدرسه‌های تازه بودجه‌ای اختصاص داد و سخنگوی آن این خبر را تأیید کرد.",
        "هوای تهران فردا سرد می‌شود و احتمال بارش برف هست.",
        "رئیس جمهور گفت که حجم تجارت با قزاقستان باید بیشتر شود.",
        "در شهر مشهد بیمارستان تازه‌ای گشایش یافت که بیش از صد پزشک در آن کار می‌کنند.",
        "نمایندگان مجلس بودجه را در شور دوم بررسی کردند و به آن رأی دادند.",
        "وزارت معارف افغانستان از آغاز سال تعلیمی در ولایت‌های سردسیر خبر داد.",
    ),
    "tr": (
        "Bakanlar Kurulu yeni okulların yapımı için ödenek ayırdı, açıklamayı hükümet sözcüsü yaptı.",
        "Ankara'da hava yarın soğuyacak ve kar yağışı bekleniyor.",
        "Cumhurbaşkanı, Kazakistan ile ticaret hacminin artırılması gerektiğini söyledi.",
        "İzmir'de yüzden fazla doktorun çalışacağı yeni bir hastane açıldı.",
        "Meclis bütçeyi ikinci kez görüştü ve milletvekilleri tasarıya destek verdi.",
        "Karadeniz'deki doğal gaz sahasında üretim gelecek yıl iki katına çıkacak.",
    ),
    "uk": (
        "Кабінет Міністрів виділив кошти на будівництво нових шкіл, повідомила пресслужба.",
        "У Львові відкрили нову лікарню, де працюватимуть понад сто лікарів.",
    ),
    "be": (
        "Урад выдзеліў грошы на будаўніцтва новых школ, паведаміла прэс-служба міністэрства.",
        "У Гродне адкрылі новую бальніцу, дзе будуць працаваць больш за сто ўрачоў.",
    ),
}
TOLD_OR_NOT = {
    "ky": ("Жогорку Кеңеш бюджетти экинчи окууда карап, депутаттар аны колдоп добуш берди.",),
    "az": (
        "Nazirlər Kabineti yeni məktəblərin tikintisi üçün vəsait ayırıb, bunu mətbuat xidməti bildirib.",
        "Bakıda yeni xəstəxana açıldı və orada yüzdən çox həkim işləyəcək.",
    ),
    "tk": (
        "Hökümet täze mekdepleri gurmak üçin serişde goýberdi, diýip metbugat gullugy habar berdi.",
        "Aşgabatda täze hassahana açyldy we onda ýüzden gowrak lukman işlär.",
    ),
    "tt": (
        "Хөкүмәт яңа мәктәпләр төзү өчен акча бүлеп бирде, дип хәбәр итте матбугат хезмәте.",
        "Казанда яңа хастаханә ачылды, анда йөздән артык табиб эшләячәк.",
    ),
    "ba": (
        "Хөкүмәт яңы мәктәптәр төҙөү өсөн аҡса бүлде, тип хәбәр итте матбуғат хеҙмәте.",
        "Өфөлә яңы дауахана асылды, унда йөҙҙән ашыу табип эшләйәсәк.",
    ),
    "ug": (
        "ھۆكۈمەت يېڭى مەكتەپلەرنى سېلىش ئۈچۈن مەبلەغ ئاجراتتى، دەپ خەۋەر قىلدى ئاخبارات مەركىزى.",
        "ئۈرۈمچى شەھىرىدە يېڭى دوختۇرخانا ئېچىلدى.",
        "شەھەردە قار ياغدى، ھاۋا سوۋۇدى.",
    ),
    "ur": (
        "حکومت نے نئے اسکولوں کی تعمیر کے لیے رقم مختص کر دی، ترجمان نے بتایا۔",
        "لاہور میں نیا ہسپتال کھل گیا جہاں سو سے زیادہ ڈاکٹر کام کریں گے۔",
    ),
    "ps": (
        "حکومت د نویو ښوونځیو د جوړولو لپاره پیسې ځانګړې کړې، ویاند وویل.",
        "په کندهار کې نوی روغتون پرانیستل شو او سل ډاکټران به کار پکې کوي.",
    ),
    "ku": (
        "حکومەت بڕیاری دا پارە بۆ دروستکردنی قوتابخانەی نوێ تەرخان بکات، وتەبێژەکە ڕایگەیاند.",
        "لە شاری هەولێر نەخۆشخانەیەکی نوێ کرایەوە.",
    ),
    "bg": (
        "Правителството отпусна средства за строежа на нови училища, съобщи пресслужбата.",
        "В Пловдив откриха нова болница, в която ще работят над сто лекари.",
    ),
    "sr": (
        "Влада је издвојила новац за изградњу нових школа, саопштила је служба за штампу.",
        "У Нишу је отворена нова болница у којој ће радити више од сто лекара.",
    ),
    "mk": (
        "Владата одвои средства за изградба на нови училишта, соопшти службата за печат.",
        "Во Битола е отворена нова болница во која ќе работат над сто лекари.",
    ),
    "mn": (
        "Засгийн газар шинэ сургууль барихад зориулж мөнгө гаргалаа гэж хэвлэлийн алба мэдэгдэв.",
        "Дархан хотод шинэ эмнэлэг нээгдэж, зуу гаруй эмч ажиллах юм байна.",
    ),
    "de": (
        "Die Regierung stellt Geld für den Bau neuer Schulen bereit, sagte ihr Sprecher am Montag in Berlin.",
        "Das neue Krankenhaus in Kiel war teuer und hat nun mehr als hundert Ärzte, man will noch mehr.",
    ),
    "fr": (
        "Le gouvernement a débloqué des fonds pour la construction de nouvelles écoles, dit le porte-parole.",
        "Un nouvel hôpital a ouvert à Lyon, où plus de cent médecins vont travailler.",
    ),
    "es": (
        "El gobierno destinó fondos a la construcción de nuevas escuelas, dijo su portavoz.",
        "Un nuevo hospital abrió en Sevilla con más de cien médicos.",
    ),
    "it": (
        "Il governo ha stanziato fondi per la costruzione di nuove scuole, ha detto il portavoce.",
        "A Torino ha aperto un nuovo ospedale con oltre cento medici.",
    ),
    "pt": (
        "O governo destinou verbas para a construção de novas escolas, disse o porta-voz.",
        "Um novo hospital abriu no Porto com mais de cem médicos.",
    ),
    "pl": (
        "Rząd przeznaczył pieniądze na budowę nowych szkół, powiedział rzecznik.",
        "W Gdańsku otwarto nowy szpital, to tam ma pracować ponad stu lekarzy.",
    ),
    "nl": (
        "De regering trekt geld uit voor de bouw van nieuwe scholen, zei haar woordvoerder.",
        "In Utrecht is een nieuw ziekenhuis of kliniek geopend waar honderd artsen werken.",
    ),
    "ro": (
        "Guvernul a alocat bani pentru construirea de școli noi, a spus purtătorul de cuvânt.",
        "La Cluj s-a deschis un spital nou în care vor lucra peste o sută de medici.",
    ),
    "id": (
        "Pemerintah menyediakan dana untuk membangun sekolah baru, kata juru bicaranya.",
        "Rumah sakit baru dibuka di Bandung dan lebih dari seratus dokter akan bekerja di sana.",
    ),
    "kk": (
        "Ükimet jaña mektepter salu üşin qarjı böldi, dep habarladı baspasöz qyzmeti.",
        "Úkimet jańa mektepter salý úshin qarjy bóldi, dep habarlady baspasóz qyzmeti.",
    ),
    "ka": ("მთავრობამ ახალი სკოლების მშენებლობისთვის თანხა გამოყო.",),
    "hy": ("Կառավարությունը գումար է հատկացրել նոր դպրոցների կառուցման համար։",),
    "hi": ("सरकार ने नए स्कूलों के निर्माण के लिए धन आवंटित किया।",),
    "ja": ("政府は新しい学校の建設に予算を充てると発表した。",),
    "ko": ("정부는 새 학교를 짓기 위한 예산을 편성했다고 밝혔다.",),
    "cv": ("Правительство ҫӗнӗ шкулсем тума укҫа уйӑрчӗ, тесе пӗлтерчӗҫ.",),
    "ce": ("Правительствос керла школаш дӀайогӀуш ахча дӀаделла, элира векало.",),
}


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in TOLD.items() for text in texts]
)
def test_a_sentence_of_a_neighbour_is_told(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("language", TOLD)
def test_an_article_of_a_neighbour_is_told(language: str) -> None:
    texts = [text for text in TOLD[language] if ("а" in text) == ("а" in TOLD[language][0])]

    assert detect("\n".join(texts * 8)) == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (language, text)
        for known in (TOLD, TOLD_OR_NOT)
        for language, texts in known.items()
        for text in texts
    ],
)
def test_a_neighbour_is_not_taken_for_a_shipped_language_not_even_its_opening_words(
    language: str, text: str
) -> None:
    for part in (text, " ".join(text.split()[:8]), " ".join(text.split()[-6:]), text.upper()):
        assert detect(part) in (None, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Цены на нефть выросли после решения ОПЕК", "ru"),
        ("Казахстан увеличил экспорт нефти в Китай", "ru"),
        ("Токаев подписал закон о защите прав потребителей", "ru"),
        ("Мұнай бағасы ОПЕК шешімінен кейін өсті", "kk"),
        ("Үкімет жаңа заң жобасын мақұлдады", "kk"),
        ("Oil prices rise after the OPEC decision in Vienna", "en"),
        ("Minister says the new refinery will open in May", "en"),
        ("ارتفاع أسعار النفط بعد قرار أوبك", "ar"),
        ("الحكومة توافق على مشروع الموازنة الجديدة", "ar"),
    ],
)
def test_a_headline_in_a_shipped_language_is_told(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Нұрлан Әбдіров, Qairat Nurtas, Tom Smith",
        "Reuters AFP BBC CNN 2026",
        "Алматы 2:1 Астана",
        "1. Toyota\n2. Hyundai\n3. Chevrolet\n4. Kia",
        "Астана, Алматы, Шымкент, Караганда",
        "Astana Almaty Şımkent",
    ],
)
def test_names_alone_have_no_language(text: str) -> None:
    assert detect(text) is None


QUOTED_KAZAKH = "«Бұл заң әрбір азаматқа керек, өйткені ол құқықты қорғайды», деді Ғалымжан Төлегенұлы. "
RUSSIAN = "Депутаты рассмотрели законопроект о бюджете и направили его в правительство на доработку. "
KAZAKH = "Депутаттар бюджет туралы заң жобасын қарап, оны үкіметке қайта жіберді, деп хабарлады баспасөз. "
ENGLISH = "Lawmakers discussed the budget bill and sent it back to the government for more work. "


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (RUSSIAN * 9 + QUOTED_KAZAKH, "ru"),
        (RUSSIAN * 9 + "В обсуждении участвовали Ғалымжан Төлегенұлы и Әсет Қойшыбаев.", "ru"),
        (KAZAKH * 6 + "«" + RUSSIAN.strip() + "», деді министр.", "kk"),
        (ENGLISH * 6 + "The spokesman was عبد الله المالكي and the paper الشرق الأوسط.", "en"),
    ],
)
def test_a_quotation_does_not_change_the_language(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", [(RUSSIAN + KAZAKH) * 5, (ENGLISH + RUSSIAN) * 5])
def test_an_article_half_in_one_language_and_half_in_another_is_in_none_that_it_is_not_in(text: str) -> None:
    assert detect(text) in (None, *SHIPPED[:3])
