"""Articles for the desk in a browser: one of each language, of our own wording."""

from __future__ import annotations

REFINERY = """Refinery in Atyrau restarts its crude unit

The oil refinery in Atyrau resumed processing crude oil on Monday after a month of repairs, and petrol \
output will return to normal within days, the energy ministry said.

Gas supplies to power plants in the region were not affected. Hospitals had been told to keep fuel for their \
generators.
"""
HARVEST = """Фермеры Акмолинской области начали сев пшеницы

Сев яровой пшеницы начался в Акмолинской области на неделю раньше обычного, сообщили в управлении сельского \
хозяйства. Хозяйства обеспечены семенами и дизельным топливом.

Засуха прошлого года обошлась фермерам области почти в треть урожая зерновых.
"""
RAILWAY = """Ақтау портына жаңа теміржол желісі тартылды

Ақтау портының контейнер терминалына апаратын жаңа теміржол желісі іске қосылды, деп хабарлады көлік \
министрлігі. Жүк пойыздары енді портқа тікелей барады.

Транзиттік жүк көлемі биыл бестен біріне өседі деп күтілуде.
"""
PIPELINE = """مصفاة النفط تستأنف العمل بعد الصيانة

استأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة، وقالت وزارة الطاقة إن إنتاج البنزين والغاز الطبيعي \
سيعود إلى مستواه خلال أيام.

ولم تتأثر محطات توليد الكهرباء في المنطقة بتوقف المصفاة.
"""
DERBY = """Striker scores twice on his debut

The forward scored twice on his debut as the visitors won the derby on Sunday night in front of forty \
thousand spectators, the coach praising his calm in front of goal.
"""
LATE = """Power lines to Semey are mended after the storm

Engineers of the grid operator mended the power lines to Semey on Friday, a day after a storm had cut \
electricity to nine thousand homes. The coal plant runs at full load again.
"""

ARTICLES = {
    "refinery.txt": REFINERY,
    "harvest.txt": HARVEST,
    "railway.txt": RAILWAY,
    "pipeline.txt": PIPELINE,
    "derby.txt": DERBY,
}
