"""The news articles of our own wording that the corpus of formats is made of.

No event and no person in them is real. Each is written with the letters that its oldest encodings
have: `rail-ru` stays within KOI8-R, `dates-ar` within ISO-8859-6, `ferries-en` within Latin-1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewsText:
    """One article as its author wrote it; `date` is ISO 8601 with its zone."""

    id: str
    language: str
    title: str
    paragraphs: tuple[str, ...]
    date: str
    source: str
    author: str
    url: str

    @property
    def right_to_left(self) -> bool:
        return "\u0600" <= self.title[0] <= "\u06ff"


_ALL = (
    NewsText(
        "grain-en",
        "en",
        "Aktau port opens second grain terminal before the harvest",
        (
            "AKTAU — The port of Aktau on the Caspian Sea opened its second grain terminal on Friday, two"
            " weeks before the wheat harvest in the north of Kazakhstan is due to begin.",
            "The terminal can take 1.5 million tonnes of grain a year and cost 42 billion tenge, port"
            " director Marat Iskakov told reporters on the quay. It doubles what the port could load until"
            " now.",
            "“Last autumn ships waited eleven days for a berth,” Iskakov said. “This year we expect them to"
            " wait no longer than three.”",
            "Exporters have long complained that wagons queue outside the port while silos stand empty"
            " further inland. The grain union, which speaks for 140 farms, welcomed the opening but warned"
            " that the railway remains the narrowest part of the route.",
            "The state railway said it would run four more trains a day to the coast from September and"
            " hire 600 wagons from leasing companies. A second track on the last 38 kilometres of the line"
            " is to be finished next summer.",
            "Most of the wheat will go to buyers in Iran, Azerbaijan and Turkey. Kazakhstan exported about"
            " nine million tonnes in the last season, and the ministry of agriculture expects the coming"
            " one to be slightly better, because rain came late but in time.",
            "Environmental groups asked the port to publish measurements of dust at the new silos. Iskakov"
            " promised that the figures would appear on the port's website every Monday.",
        ),
        "2026-08-14T10:20:00+05:00",
        "Steppe Newswire",
        "Aigerim Sadykova",
        "https://steppe-newswire.example/en/2026/08/aktau-grain-terminal",
    ),
    NewsText(
        "ferries-en",
        "en",
        "Zürich lake operator orders six electric ferries from Peña yard",
        (
            "VIGO, Spain - The Peña shipyard in Vigo has won an order for six electric passenger ferries"
            " from the operator of the Zürich lake fleet, the two companies announced on Wednesday.",
            "The contract is worth 61 million euros and is the largest that the family-owned yard has"
            " signed since it was founded in 1958. The first boat is to be delivered in the spring of"
            " 2028.",
            "Each ferry will carry 250 passengers and charge its batteries at the pier in less than ten"
            " minutes. The operator said that they would replace diesel boats which burn some 900,000"
            " litres of fuel a year.",
            '"We asked eleven yards, and only two could show us a hull that makes no waves at the speed we'
            ' need," said André Müller, who heads the fleet. "Our neighbours on the shore have been asking'
            ' for that since the seventies."',
            "Inés Peña, the granddaughter of the founder, said the yard would hire 120 welders and"
            " electricians and reopen a slipway that had been closed for twelve years. The regional"
            " government of Galicia guarantees a third of the loan for it.",
            "The trade union at the yard called the order a relief, but asked that apprentices be given"
            " permanent contracts. Talks are to begin in Santiago next week.",
            "Shares of the Düsseldorf company that supplies the batteries rose by four per cent. Analysts"
            " at Crédit du Léman wrote that other lakes, from Como to Bodensee, would soon follow.",
        ),
        "2026-05-06T16:45:00+02:00",
        "Harbour Gazette",
        "Søren Lindqvist",
        "https://harbour-gazette.example/business/zurich-ferries",
    ),
    NewsText(
        "tyres-ru",
        "ru",
        "В Караганде запустили завод по переработке изношенных шин",
        (
            "КАРАГАНДА — В индустриальной зоне Караганды во вторник запустили первую линию завода, который"
            " будет перерабатывать до 20 тысяч тонн изношенных шин в год.",
            "Из старых покрышек здесь получают резиновую крошку, стальной корд и текстильное волокно."
            " Крошку уже закупают строители спортивных площадок и дорожные компании трёх областей.",
            "«Раньше шины лежали в оврагах и каждое лето горели, — рассказал на открытии директор завода"
            " Руслан Ахметжанов. — Теперь мы принимаем их бесплатно, а с хозяйств, которые привозят больше"
            " тонны, ещё и снимаем расходы на перевозку».",
            "В строительство вложили 8,4 млрд тенге, почти половину суммы дал банк развития под шесть"
            " процентов годовых. На предприятии работают 130 человек, к концу года их станет 190.",
            "Экологи напоминают, что пиролизные установки в регионе не раз закрывали из-за выбросов. На"
            " новом заводе шины не сжигают: их режут и измельчают при обычной температуре, а воздух"
            " проходит через рукавные фильтры.",
            "По данным областного управления природных ресурсов, в регионе скопилось около 70 тысяч тонн"
            " отработанных покрышек. Чтобы избавиться от них, заводу понадобится не меньше пяти лет, если"
            " новых свалок не появится.",
            "Вторую линию, которая будет выпускать плитку и кровельные маты, обещают достроить к осени"
            " следующего года. Часть продукции пойдёт на экспорт в Узбекистан и Кыргызстан.",
            "Жители соседнего посёлка попросили поставить у завода экран с показаниями датчиков воздуха."
            " Руководство согласилось сделать это до первого снега.",
        ),
        "2026-09-15T14:05:00+05:00",
        "Степной вестник",
        "Ольга Черных",
        "https://stepnoy-vestnik.example/news/2026/09/15/zavod-shiny",
    ),
    NewsText(
        "rail-ru",
        "ru",
        "Семей и Усть-Каменогорск свяжет скоростная электричка",
        (
            "СЕМЕЙ. Два крупнейших города востока страны соединит скоростная электричка: время в пути"
            " сократится с пяти часов до двух с половиной, сообщили в железнодорожной компании.",
            "Четыре состава по шесть вагонов построит завод в Астане. Первый поезд выйдет на линию в"
            " декабре, остальные три - до конца марта. Стоимость контракта - 27 млрд тенге.",
            "Для этого придется электрифицировать участок длиной 96 километров и заменить стрелки на"
            " одиннадцати станциях. Работы начнутся в июне и будут идти по ночам, чтобы не останавливать"
            " грузовое движение.",
            '"Люди ездят на маршрутках, потому что поезд идет слишком долго и приходит ночью", - пояснила'
            " начальник отдела пассажирских перевозок Динара Жумабаева. По ее словам, билет будет стоить"
            " не дороже проезда в автобусе.",
            "Сейчас между городами ежедневно ездят около трех тысяч человек. Компания рассчитывает, что"
            " через два года на поезд пересядет каждый третий.",
            "Депутаты городского совета попросили сделать остановку у медицинского университета. Там"
            " учится почти восемь тысяч студентов, и многие из них каждую пятницу уезжают домой.",
            "В компании ответили, что платформу можно построить за четыре месяца, если город выделит"
            " участок и проведет к нему дорогу с освещением.",
        ),
        "2026-04-02T09:30:00+05:00",
        "Деловая пристань",
        "Тимур Касенов",
        "https://pristan.example/transport/semey-elektrichka",
    ),
    NewsText(
        "water-kk",
        "kk",
        "Түркістан облысында жаңа су қоймасының құрылысы аяқталды",
        (
            "ТҮРКІСТАН — Түркістан облысында сыйымдылығы 60 миллион текше метр болатын жаңа су қоймасының"
            " құрылысы аяқталды, деп хабарлады облыс әкімдігінің баспасөз қызметі.",
            "Қойма төрт ауданның он екі мың гектар егістігін ағын сумен қамтамасыз етеді. Бұған дейін"
            " диқандар шілде мен тамызда суды кезекпен алып, мақта мен жүгерінің бір бөлігінен айырылып"
            " келген.",
            "«Былтыр мен жүгерінің үштен бірін ғана жинадым, қалғаны қурап кетті, — дейді шаруа қожалығының"
            " басшысы Бақытжан Әбдіраманов. — Енді су күнде келеді деп үміттенеміз».",
            "Құрылысқа республикалық бюджеттен 31 миллиард теңге бөлінді. Жұмыс үш жылға созылып, оған 400"
            " адам мен 150 техника тартылды. Бөгеттің ұзындығы 1,8 шақырым, биіктігі 34 метр.",
            "Су ресурстары министрлігінің мәліметінше, ескі арналардың жағдайы әлі де нашар: судың қырық"
            " пайызға жуығы жерге сіңіп кетеді. Сондықтан келесі жылы 85 шақырым арнаны бетондау"
            " жоспарланған.",
            "Мамандар қойманың маңына тал мен жиде отырғызып, балық өсіруді де ұсынып отыр. Әкімдік бұл"
            " ұсынысты қолдап, кәсіпкерлерге жеңілдетілген несие беруге уәде етті.",
            "Жергілікті тұрғындар үшін ең маңызды мәселе — ауызсу. Бес ауылға құбыр тарту жұмыстары"
            " қазан айында басталып, келер жылдың көктемінде бітуі тиіс.",
        ),
        "2026-09-28T11:40:00+05:00",
        "Дала хабары",
        "Гүлнәр Өтегенова",
        "https://dala-habary.example/kk/2026/09/su-qoimasy",
    ),
    NewsText(
        "wind-kk",
        "kk",
        "Қостанайда мектеп оқушылары жел генераторын құрастырды",
        (
            "ҚОСТАНАЙ. Қостанай қаласындағы №7 мектептің тоғызыншы сынып оқушылары жел генераторын өз"
            " қолдарымен құрастырып, оны мектептің төбесіне орнатты.",
            "Құрылғының қуаты екі киловатт. Ол спорт залы мен жылыжайдың шамдарын жарықтандырып, кешке"
            " дейін жиналған артық энергияны аккумуляторларға сақтайды.",
            "«Алғашқы қалақшаларды пластик құбырдан кестік, бірақ олар қатты желге шыдамады, — деп күледі"
            " үйірме мүшесі Ерасыл Нұрғалиев. — Үшінші нұсқасын шыны талшықтан жасадық, ол осы қыстан аман"
            " шықты».",
            "Жобаға жергілікті зауыт ескі электр қозғалтқышын сыйлады, ал колледж оқытушылары есептеулерді"
            " тексеріп берді. Барлық шығын 380 мың теңгеден аспаған.",
            "Физика пәнінің мұғалімі Сәуле Ыбыраеваның айтуынша, қазір үйірмеге келетін балалардың саны алты"
            " адамнан отыз төртке жетті. Олардың жартысына жуығы — қыздар.",
            "Облыстық білім басқармасы осындай құрылғыларды тағы он ауыл мектебінде орнатуды жоспарлап"
            " отыр. Ол үшін оқушылар құрастыру нұсқаулығын қазақ және орыс тілдерінде жазып шықты.",
            "Сәуір айында жас өнертапқыштар Астанада өтетін республикалық байқауға қатысады.",
        ),
        "2026-03-11T17:25:00+05:00",
        "Жетісу жаршысы",
        "Нұрлан Қасымбеков",
        "https://zhetisu-zharshysy.example/bilim/zhel-generatory",
    ),
    NewsText(
        "ammonia-ar",
        "ar",
        "ميناء الدقم يستقبل أول سفينة شحن تعمل بوقود الأمونيا",
        (
            "الدقم – استقبل ميناء الدقم في سلطنة عُمان صباح الأحد أول سفينة شحن تعمل بوقود الأمونيا، في"
            " رحلة تجريبية انطلقت من سنغافورة قبل أحد عشر يومًا.",
            "ويبلغ طول السفينة 190 مترًا، وهي تحمل 24 ألف طن من قطع توربينات الرياح المخصصة لمشروع الهيدروجين"
            " الأخضر في محافظة الوسطى.",
            "وقال مدير الميناء سالم الحارثي للصحفيين: «أثبتت الرحلة أن هذا الوقود يصلح للمسافات الطويلة،"
            " وسنبني محطة للتزود به قبل نهاية العام المقبل».",
            "وتقدر كلفة المحطة بنحو 85 مليون ريال، تموّل الحكومة نصفها وتتقاسم شركتان من اليابان والنرويج"
            " النصف الآخر. وستوفر المحطة 220 فرصة عمل للشباب العُماني.",
            "ويحذر خبراء السلامة من أن الأمونيا غاز سام يتطلب تدريبًا خاصًا لأطقم السفن وعمال الأرصفة. وأوضحت"
            " إدارة الميناء أن ثمانين عاملًا أنهوا دورة تدريبية استمرت ستة أسابيع.",
            "وتسعى المنظمة البحرية الدولية إلى خفض انبعاثات النقل البحري إلى النصف، غير أن أسعار الوقود"
            " النظيف ما زالت تعادل ثلاثة أضعاف أسعار الوقود التقليدي.",
            "ومن المقرر أن تغادر السفينة الميناء يوم الخميس متجهة إلى روتردام، على أن تعود في رحلة ثانية في"
            " شهر فبراير.",
        ),
        "2026-10-18T12:15:00+04:00",
        "وكالة السهوب للأنباء",
        "ليلى المنصوري",
        "https://suhoub-news.example/ar/2026/10/duqm-ammonia",
    ),
    NewsText(
        "dates-ar",
        "ar",
        "مزارعو النخيل في واحة سيوة يؤسسون تعاونية لتصدير التمور",
        (
            "سيوة: أعلن مزارعون في واحة سيوة المصرية يوم الثلاثاء تأسيس تعاونية تجمع 310 من أصحاب النخيل،"
            " بهدف تصدير التمور إلى الأسواق الأوروبية والآسيوية من دون وسطاء.",
            "وتملك التعاونية مخزنا مبردا يتسع لألف ومئتي طن، وخطا للفرز والتعبئة اشترته بقرض من بنك زراعي"
            " يسدد خلال سبع سنوات.",
            'وقال رئيس التعاونية يوسف عبد الرحمن: "كنا نبيع الكيلوغرام بسعر زهيد عند باب المزرعة، ثم نراه في'
            ' المتاجر بعشرة أضعاف ثمنه. من حق من يسقي النخلة أن يأكل من ثمرها".',
            "وتنتج الواحة نحو 25 ألف طن من التمور سنويا، يفسد ربعها تقريبا بسبب نقص التبريد وبعد الطريق إلى"
            " الموانئ. ويأمل المزارعون في خفض هذه النسبة إلى خمسة في المئة.",
            "وتوظف التعاونية مئة وأربعين امرأة في أعمال الفرز، كما تخصص جزءا من أرباحها لصيانة عيون الماء"
            " التي ارتفعت ملوحتها في السنوات الأخيرة.",
            "وأكد مهندس من مركز بحوث الصحراء أن التحول إلى الري بالتنقيط يوفر ثلث المياه، لكنه دعا إلى وقف"
            " حفر الآبار العشوائية أولا.",
            "ومن المنتظر أن تغادر الشحنة الأولى ميناء الإسكندرية في مطلع نوفمبر. فهل تنجح التجربة؟ يجيب يوسف:"
            ' "سنعرف الجواب بعد موسمين".',
        ),
        "2026-10-06T08:50:00+03:00",
        "صحيفة المرفأ",
        "كريم الشاذلي",
        "https://almarfa.example/economy/siwa-dates",
    ),
    NewsText(
        "library-kk-arab",
        "kk",
        "قۇلجا قالاسىندا جاڭا كىتاپحانا اشىلدى",
        (
            "قۇلجا قالاسىندا جاڭا كىتاپحانا اشىلدى. عيماراتتا ءۇش وقۋ زالى، بالالارعا ارنالعان بولمە جانە"
            " ەسكى قولجازبالار ساقتالاتىن قور بار.",
            "كىتاپحانانىڭ قورىندا ەلۋ مىڭ كىتاپ جينالعان، ونىڭ جيىرما مىڭى قازاق تىلىندە. وقىرماندار كىتاپتى"
            " ۇيگە تەگىن الا الادى.",
            "«بۇل كۇندى ءبىز ون جىل كۇتتىك، ەندى بالالار ساباقتان كەيىن وسىندا كەلەدى»، — دەدى كىتاپحانا"
            " باسشىسى ايگۇل قۇرمانقىزى.",
            "كىتاپحانا كۇن سايىن تاڭعى توعىزدان كەشكى سەگىزگە دەيىن جۇمىس ىستەيدى. قىس ايلارىندا مۇندا"
            " اقىندار مەن جازۋشىلاردىڭ كەشتەرى وتەدى.",
        ),
        "2026-02-20T10:00:00+08:00",
        "دالا حابارى",
        "ەرلان سادىقۇلى",
        "https://dala-habary.example/tote/kitaphana",
    ),
    NewsText(
        "school-ky",
        "ky",
        "Нарында үч жүз орундуу жаңы мектеп ачылды",
        (
            "Нарын облусунун Ат-Башы районунда үч жүз орундуу жаңы мектеп ачылды. Имараттын курулушу эки"
            " жылга созулуп, ага республикалык бюджеттен 240 миллион сом бөлүндү.",
            "Мектепте физика жана химия лабораториялары, спорт залы, китепкана жана ашкана бар. Буга чейин"
            " айылдын балдары алты чакырым жердеги мектепке жөө барып окуп жүрүшкөн.",
            "«Кышында жол көп жабылып калчу, ошондуктан балдар сабактан калып турган, — деди мектептин"
            " директору Гүлмира Токтогулова. — Эми мындай көйгөй болбойт деп ойлойбуз».",
            "Жаңы окуу жылында мектепте 280 окуучу билим алат, аларга 24 мугалим сабак берет. Үч мугалим"
            " Бишкектен көчүп келип, аларга турак жай берилди.",
        ),
        "2026-09-01T09:15:00+06:00",
        "Ала-Тоо кабарлары",
        "Бакыт Сыдыков",
        "https://ala-too.example/narin-mektep",
    ),
    NewsText(
        "theatre-uz",
        "uz",
        "Samarqandda qo‘g‘irchoq teatrining yangi binosi ochildi",
        (
            "Samarqand shahrida viloyat qo‘g‘irchoq teatrining yangi binosi ochildi. Teatr zali 350 nafar"
            " tomoshabinga mo‘ljallangan bo‘lib, sahnaga zamonaviy yoritish va ovoz uskunalari"
            " o‘rnatilgan.",
            "Qurilish ishlari ikki yil davom etdi va buning uchun mahalliy byudjetdan 48 milliard so‘m"
            " ajratildi. Eski bino 1974-yilda qurilgan va so‘nggi yillarda yaroqsiz holga kelgan edi.",
            "“Bolalar uchun bu haqiqiy bayram, chunki biz uch yil davomida maktablarning zallarida tomosha"
            " ko‘rsatdik”, — dedi teatr rahbari Dilbar Yusupova.",
            "Birinchi kuni jamoa xalq ertaklari asosida tayyorlangan yangi asarni namoyish etdi. Dekabr"
            " oyida teatr Buxoro va Xiva shaharlariga ijodiy safarga chiqadi.",
        ),
        "2026-11-03T18:00:00+05:00",
        "Zarafshon xabarlari",
        "Jasur Rahimov",
        "https://zarafshon.example/teatr",
    ),
    NewsText(
        "sewing-tg",
        "tg",
        "Дар Хуҷанд корхонаи нави дӯзандагӣ ба кор даромад",
        (
            "Дар шаҳри Хуҷанд корхонаи нави дӯзандагӣ ба кор даромад, ки дар он 180 нафар, асосан занони"
            " ҷавон, бо ҷойи кори доимӣ таъмин шуданд.",
            "Корхона ҳар моҳ то чил ҳазор дона либоси мактабӣ ва варзишӣ истеҳсол мекунад. Пахтаро аз"
            " хоҷагиҳои деҳқонии вилояти Суғд мехаранд.",
            "«Мо мехоҳем, ки пахтаи тоҷик на ба сифати ашёи хом, балки ҳамчун маҳсулоти тайёр ба хориҷ"
            " равад», — гуфт роҳбари корхона Фирӯза Қодирова.",
            "Дар назди корхона кӯдакистон ва омӯзишгоҳи кӯтоҳмуддат низ кушода шуд. Дар соли оянда"
            " соҳибкорон ният доранд, ки коргоҳи дуюмро дар ноҳияи Ашт бунёд кунанд.",
        ),
        "2026-06-17T13:30:00+05:00",
        "Садои Суғд",
        "Манучеҳр Саидов",
        "https://sadoi-sughd.example/duzandagi",
    ),
    NewsText(
        "qanat-fa",
        "fa",
        "بازسازی قنات چهارصد ساله در نزدیکی یزد پایان یافت",
        (
            "کارشناسان میراث فرهنگی اعلام کردند که بازسازی یک قنات چهارصد ساله در نزدیکی شهر یزد پس از سه سال"
            " کار پایان یافته و آب دوباره به باغ‌های روستا رسیده است.",
            "این قنات هشت کیلومتر طول دارد و ژرفای چاه مادر آن به شصت متر می‌رسد. در سال‌های خشکسالی بخش"
            " بزرگی از آن فرو ریخته بود و کشاورزان ناچار بودند آب را با تانکر بخرند.",
            "«پدرم مقنی بود و من هم این کار را از او یاد گرفتم. اکنون شش جوان روستا همراه من کار می‌کنند»، به"
            " گفتهٔ حسین پورکریمی، استادکار این گروه.",
            "هزینهٔ بازسازی را مردم روستا و یک بنیاد خیریه پرداخته‌اند. قرار است از بهار آینده گردشگران نیز"
            " بتوانند از بخشی از این قنات دیدن کنند.",
        ),
        "2026-07-22T11:00:00+03:30",
        "پیک کویر",
        "مریم گلستانی",
        "https://peyk-kavir.example/qanat",
    ),
    NewsText(
        "tram-tr",
        "tr",
        "İzmir'de körfezi dolaşan yeni tramvay hattı hizmete girdi",
        (
            "İzmir'de körfezin kuzey kıyısını şehir merkezine bağlayan yeni tramvay hattı pazartesi günü"
            " hizmete girdi. On dört kilometrelik hatta on dokuz durak bulunuyor.",
            "Belediye, hattın günde yaklaşık 90 bin yolcu taşıyacağını ve sahil yolundaki trafiği beşte bir"
            " oranında azaltacağını açıkladı. Araçlar yoğun saatlerde altı dakikada bir geçecek.",
            "“Eskiden işe gitmek için iki otobüs değiştiriyordum, şimdi yirmi beş dakikada ulaşıyorum” diyen"
            " hemşire Gülşen Özdemir, ilk yolculardan biri oldu.",
            "Çevre mühendisleri odası, hat boyunca kesilen ağaçların yerine üç bin fidan dikilmesini istedi."
            " Belediye bu çalışmanın ilkbaharda tamamlanacağını söyledi.",
        ),
        "2026-11-09T09:05:00+03:00",
        "Körfez Postası",
        "Emre Yıldırım",
        "https://korfez-postasi.example/tramvay",
    ),
)

TEXTS = {text.id: text for text in _ALL}
