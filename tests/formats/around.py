"""What sites say around their articles: menus, other stories, a cookie banner, a footer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Around:
    """What a site says around its articles, in its language."""

    menu: tuple[str, ...]
    share: str
    related: str
    others: tuple[str, ...]
    cookies: str
    agree: str
    subscribe: str
    footer: str


AROUND = {
    "en": Around(
        ("Home", "Politics", "Business", "Sport", "Weather", "Contact us"),
        "Share on Facebook Share on Telegram Print",
        "Read also",
        ("Museum of clocks reopens after repairs", "Five recipes for a cold evening", "Chess club wins cup"),
        "We use cookies to make this site better. By staying here you agree to our privacy policy.",
        "Accept all",
        "Subscribe to our newsletter and never miss a story",
        "All rights reserved. Reproduction only with a link to the source. Advertising: ads@site.example",
    ),
    "ru": Around(
        ("Главная", "Политика", "Экономика", "Спорт", "Погода", "Контакты"),
        "Поделиться ВКонтакте Телеграм Распечатать",
        "Читайте также",
        (
            "Музей часов открылся после ремонта",
            "Пять рецептов для холодного вечера",
            "Шахматисты взяли кубок",
        ),
        "Мы используем файлы cookie. Оставаясь на сайте, вы соглашаетесь с политикой конфиденциальности.",
        "Принять",
        "Подпишитесь на нашу рассылку и узнавайте новости первыми",
        "Все права защищены. Перепечатка только с гиперссылкой на источник. Реклама: ads@site.example",
    ),
    "kk": Around(
        ("Басты бет", "Саясат", "Экономика", "Спорт", "Ауа райы", "Байланыс"),
        "Бөлісу Телеграм Басып шығару",
        "Тағы оқыңыз",
        ("Сағат мұражайы қайта ашылды", "Суық кешке арналған бес тағам", "Шахматшылар кубок жеңіп алды"),
        "Біз cookie файлдарын пайдаланамыз. Сайтта қалу арқылы құпиялылық саясатымен келісесіз.",
        "Қабылдау",
        "Біздің таратылымға жазылып, жаңалықтарды бірінші болып біліңіз",
        "Барлық құқықтар қорғалған. Материалды көшіргенде сілтеме міндетті. Жарнама: ads@site.example",
    ),
    "ar": Around(
        ("الرئيسية", "سياسة", "اقتصاد", "رياضة", "الطقس", "اتصل بنا"),
        "شارك على فيسبوك تيليغرام طباعة",
        "اقرأ أيضا",
        ("متحف الساعات يفتح أبوابه بعد الترميم", "خمس وصفات لأمسية باردة", "نادي الشطرنج يفوز بالكأس"),
        "نستخدم ملفات تعريف الارتباط لتحسين الموقع. بمتابعة التصفح فإنك توافق على سياسة الخصوصية.",
        "موافق",
        "اشترك في نشرتنا البريدية ولا تفوت أي خبر",
        "جميع الحقوق محفوظة. يمنع النشر دون ذكر المصدر. للإعلان: ads@site.example",
    ),
    "fa": Around(
        ("خانه", "سیاست", "اقتصاد", "ورزش", "هوا", "تماس با ما"),
        "همرسانی تلگرام چاپ",
        "بیشتر بخوانید",
        ("موزهٔ ساعت دوباره باز شد", "پنج دستور غذا برای شب سرد", "شطرنج‌بازان جام گرفتند"),
        "ما از کوکی استفاده می‌کنیم. با ماندن در سایت سیاست حریم خصوصی را می‌پذیرید.",
        "پذیرفتن",
        "در خبرنامهٔ ما نام‌نویسی کنید",
        "همهٔ حقوق محفوظ است. آگهی: ads@site.example",
    ),
    "tr": Around(
        ("Ana sayfa", "Siyaset", "Ekonomi", "Spor", "Hava durumu", "İletişim"),
        "Paylaş Telegram Yazdır",
        "Bunları da okuyun",
        ("Saat müzesi yeniden açıldı", "Soğuk akşamlar için beş tarif", "Satranç takımı kupayı aldı"),
        "Çerezleri kullanıyoruz. Sitede kalarak gizlilik politikamızı kabul etmiş olursunuz.",
        "Kabul et",
        "Bültenimize abone olun, hiçbir haberi kaçırmayın",
        "Tüm hakları saklıdır. Reklam: ads@site.example",
    ),
}
