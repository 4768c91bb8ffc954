"""Articles ▶ web pages as the systems of newsrooms make them, with all that stands around the article."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from tests.formats.table import LIST_ROWS, SUBHEADING, TABLE_ROWS, Made
from tests.formats.texts import TEXTS, NewsText
from tests.formats.writing import news_article

RIGHT_TO_LEFT = frozenset({"ar", "fa"})
_NO_PAGE_CHARSET = {"utf-16-le": "utf-16", "utf-16-be": "utf-16"}


@dataclass(frozen=True, slots=True)
class _Around:
    """What a site says around its articles, in its language."""

    menu: tuple[str, ...]
    share: str
    related: str
    others: tuple[str, ...]
    cookies: str
    agree: str
    subscribe: str
    footer: str


_AROUND = {
    "en": _Around(
        ("Home", "Politics", "Business", "Sport", "Weather", "Contact us"),
        "Share on Facebook Share on Telegram Print",
        "Read also",
        ("Museum of clocks reopens after repairs", "Five recipes for a cold evening", "Chess club wins cup"),
        "We use cookies to make this site better. By staying here you agree to our privacy policy.",
        "Accept all",
        "Subscribe to our newsletter and never miss a story",
        "All rights reserved. Reproduction only with a link to the source. Advertising: ads@site.example",
    ),
    "ru": _Around(
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
    "kk": _Around(
        ("Басты бет", "Саясат", "Экономика", "Спорт", "Ауа райы", "Байланыс"),
        "Бөлісу Телеграм Басып шығару",
        "Тағы оқыңыз",
        ("Сағат мұражайы қайта ашылды", "Суық кешке арналған бес тағам", "Шахматшылар кубок жеңіп алды"),
        "Біз cookie файлдарын пайдаланамыз. Сайтта қалу арқылы құпиялылық саясатымен келісесіз.",
        "Қабылдау",
        "Біздің таратылымға жазылып, жаңалықтарды бірінші болып біліңіз",
        "Барлық құқықтар қорғалған. Материалды көшіргенде сілтеме міндетті. Жарнама: ads@site.example",
    ),
    "ar": _Around(
        ("الرئيسية", "سياسة", "اقتصاد", "رياضة", "الطقس", "اتصل بنا"),
        "شارك على فيسبوك تيليغرام طباعة",
        "اقرأ أيضا",
        ("متحف الساعات يفتح أبوابه بعد الترميم", "خمس وصفات لأمسية باردة", "نادي الشطرنج يفوز بالكأس"),
        "نستخدم ملفات تعريف الارتباط لتحسين الموقع. بمتابعة التصفح فإنك توافق على سياسة الخصوصية.",
        "موافق",
        "اشترك في نشرتنا البريدية ولا تفوت أي خبر",
        "جميع الحقوق محفوظة. يمنع النشر دون ذكر المصدر. للإعلان: ads@site.example",
    ),
    "fa": _Around(
        ("خانه", "سیاست", "اقتصاد", "ورزش", "هوا", "تماس با ما"),
        "همرسانی تلگرام چاپ",
        "بیشتر بخوانید",
        ("موزهٔ ساعت دوباره باز شد", "پنج دستور غذا برای شب سرد", "شطرنج‌بازان جام گرفتند"),
        "ما از کوکی استفاده می‌کنیم. با ماندن در سایت سیاست حریم خصوصی را می‌پذیرید.",
        "پذیرفتن",
        "در خبرنامهٔ ما نام‌نویسی کنید",
        "همهٔ حقوق محفوظ است. آگهی: ads@site.example",
    ),
    "tr": _Around(
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


def page(made: Made, at: Path) -> bytes:
    return encoded(cms_page(TEXTS[made.articles[0]], made), made)


def encoded(text: str, made: Made) -> bytes:
    mark = codecs.BOM_UTF16_LE if "bom" in made.traits else b""
    return mark + text.encode(made.encoding or "utf-8")


def cms_page(article: NewsText, made: Made) -> str:
    """A page of a content system: menus, the article, related stories, a cookie banner, a footer."""
    around = _AROUND[article.language]
    charset = "utf-8" if "told-utf8" in made.traits else _told_charset(made)
    told_charset = "" if "no-charset" in made.traits else f'<meta charset="{charset}">'
    direction = "rtl" if article.language in RIGHT_TO_LEFT else "ltr"
    menu = "".join(f'<li><a href="/{n}/">{word}</a></li>' for n, word in enumerate(around.menu))
    others = "".join(f'<li><a href="/old/{n}">{word}</a></li>' for n, word in enumerate(around.others))
    return f"""<!DOCTYPE html>
<html lang="{article.language}" dir="{direction}">
<head>
{told_charset}
<title>{escape(article.title)} | {article.source}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{_told(article, made)}
<link rel="stylesheet" href="/static/site.css">
<style>.banner {{ position: fixed; bottom: 0 }} .menu li {{ display: inline }}</style>
<script>window.dataLayer = window.dataLayer || []; var page = {{"kind": "article", "views": 1843}};</script>
</head>
<body class="article-page">
<div class="banner cookie-consent" role="dialog"><p>{around.cookies}</p><button>{around.agree}</button></div>
<header><a class="logo" href="/">{article.source}</a><nav class="menu"><ul>{menu}</ul></nav></header>
<main>
<article>
<h1>{escape(article.title, quote=False)}</h1>
{_byline(article, made)}
<div class="share-buttons social">{around.share}</div>
<div class="article-body" id="body">
{_body(article, made)}
</div>
</article>
<aside class="related"><h3>{around.related}</h3><ul>{others}</ul></aside>
<div class="newsletter"><p>{around.subscribe}</p><form action="/subscribe"><input type="email"></form></div>
</main>
<footer><ul>{menu}</ul><p>© 2026 {article.source}. {around.footer}</p></footer>
<script src="/static/counter.js"></script>
</body>
</html>
"""


def _told_charset(made: Made) -> str:
    return _NO_PAGE_CHARSET.get(made.encoding, made.encoding or "utf-8")


def visible_date(article: NewsText) -> str:
    return f"{datetime.fromisoformat(article.date):%d.%m.%Y, %H:%M}"


def old_page(made: Made, at: Path) -> bytes:
    """A page of the nineties' manner: tables, no landmarks, nothing told to machines but the charset."""
    article = TEXTS[made.articles[0]]
    around = _AROUND[article.language]
    menu = "<br>".join(f'<a href="{n}.htm">{word}</a>' for n, word in enumerate(around.menu))
    body = "\n".join(f"<p align=justify>{escape(each, quote=False)}" for each in article.paragraphs)
    return f"""<HTML><HEAD>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=windows-1251">
<TITLE>{escape(article.title)}</TITLE></HEAD>
<BODY BGCOLOR=white><TABLE WIDTH=100%><TR><TD VALIGN=top WIDTH=150>{menu}</TD><TD>
<H1>{escape(article.title)}</H1>
{body}
</TD></TR><TR><TD COLSPAN=2><FONT SIZE=1>{around.footer}</FONT></TD></TR></TABLE>
</BODY></HTML>
""".encode(made.encoding)


def plain_page(article: NewsText, style: str = "", *, dated: bool = False) -> str:
    """A page with the article and nothing around it, for printing."""
    direction = "rtl" if article.language in RIGHT_TO_LEFT else "ltr"
    day = f"<p>{datetime.fromisoformat(article.date):%d.%m.%Y}</p>" if dated else ""
    body = "\n".join(f"<p>{escape(each, quote=False)}</p>" for each in article.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="{article.language}" dir="{direction}"><head><meta charset="utf-8">
<title>{escape(article.title)}</title><style>{style}</style></head>
<body><h1>{escape(article.title, quote=False)}</h1>{day}
{body}
</body></html>
"""


def _told(article: NewsText, made: Made) -> str:
    """What the page tells machines."""
    if "meta" in made.traits:
        return f"""<meta property="og:type" content="article">
<meta property="og:title" content="{escape(article.title)}">
<meta property="og:site_name" content="{article.source}">
<meta property="og:url" content="{article.url}">
<meta property="article:published_time" content="{article.date}">
<meta name="author" content="{article.author}">
<link rel="canonical" href="{article.url}">"""
    if "jsonld" in made.traits:
        told = json.dumps(news_article(article, whole=False), ensure_ascii=False)
        return f'<script type="application/ld+json">{told}</script>'
    return ""


def _byline(article: NewsText, made: Made) -> str:
    said = f'<time datetime="{article.date}" pubdate>{visible_date(article)}</time>'
    return (
        f'<div class="meta">{said}</div>'
        if "time" in made.traits
        else (f'<div class="meta">{said} <span class="author">{article.author}</span></div>')
    )


def _body(article: NewsText, made: Made) -> str:
    if "scripted" in made.traits:
        told = json.dumps(list(article.paragraphs), ensure_ascii=False)
        return f"""<script>
for (const words of {told}) {{
  const paragraph = document.createElement("p");
  paragraph.textContent = words;
  document.getElementById("body").append(paragraph);
}}
</script>"""
    paragraphs = [escape(each, quote=False) for each in article.paragraphs]
    if "breaks" in made.traits:
        return "<br><br>\n".join(paragraphs)
    lines = [f"<p>{each}</p>" for each in paragraphs]
    if "between" in made.traits:
        around = _AROUND[article.language]
        other = f'<a href="/old/1">{around.others[0]}</a>'
        lines.insert(2, f'<div class="related-inline"><b>{around.related}:</b> {other}</div>')
        lines.insert(5, '<div class="ad-slot" id="ad-2"><script>showAd("ad-2")</script></div>')
    if "rich" in made.traits:
        lines[2] = f"<blockquote>{lines[2]}</blockquote>"
        points = "".join(f"<li>{each}</li>" for each in LIST_ROWS)
        rows = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in TABLE_ROWS)
        lines += [f"<h2>{SUBHEADING}</h2>", f"<ul>{points}</ul>", f"<table>{rows}</table>"]
    return "\n".join(lines)
