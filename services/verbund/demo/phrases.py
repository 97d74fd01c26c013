"""What the made-up places and events say of themselves, in German, English, Arabic and Ukrainian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Phrase:
    """A title and a text in several languages; a language that is left out is not translated.

    Attributes:
        slug: part of the path, the same in all editions of the feed.
        icon: one of the CMS's fixed category icons.
        de, en, ar, uk: title and text.
    """

    slug: str
    icon: str
    de: tuple[str, str]
    en: tuple[str, str] | None = None
    ar: tuple[str, str] | None = None
    uk: tuple[str, str] | None = None

    def languages(self) -> dict[str, tuple[str, str]]:
        """What is there, German first."""
        found = {"de": self.de, "en": self.en, "ar": self.ar, "uk": self.uk}
        return {code: text for code, text in found.items() if text}


PLACES: Final = (
    Phrase(
        "migrationsberatung",
        "advice",
        ("Migrationsberatung", "Beratung für Erwachsene ab 27 Jahren zu Sprache, Arbeit, Wohnen und Familie."),
        ("Migration counselling", "Advice for adults from 27 on language, work, housing and family."),
        ("استشارات الهجرة", "استشارات للبالغين من سن 27 عامًا حول اللغة والعمل والسكن والأسرة."),
        ("Міграційна консультація", "Консультації для дорослих від 27 років щодо мови, роботи, житла та сім'ї."),
    ),
    Phrase(
        "jugendmigrationsdienst",
        "advice",
        (
            "Jugendmigrationsdienst",
            "Begleitung für junge Menschen von 12 bis 27 Jahren in Schule, Ausbildung und Alltag.",
        ),
        ("Youth migration service", "Support for young people aged 12 to 27 at school, in training and in daily life."),
        ("خدمة هجرة الشباب", "دعم للشباب من 12 إلى 27 عامًا في المدرسة والتدريب المهني والحياة اليومية."),
        ("Служба у справах молоді", "Підтримка молоді від 12 до 27 років у школі, навчанні та повсякденному житті."),
    ),
    Phrase(
        "bildungsberatung",
        "education",
        (
            "Bildungsberatung für Neuzugewanderte",
            "Welche Schule, welche Ausbildung, welcher Kurs? Wir finden den Weg mit Ihnen.",
        ),
        ("Education guidance for newcomers", "Which school, which training, which course? We find the way with you."),
        ("الإرشاد التعليمي للوافدين الجدد", "أي مدرسة وأي تدريب وأي دورة؟ نجد الطريق معكم."),
        ("Освітня консультація для новоприбулих", "Яка школа, яке навчання, який курс? Знайдемо шлях разом."),
    ),
    Phrase(
        "anerkennungsberatung",
        "office",
        ("Anerkennungsberatung", "Hilfe bei der Anerkennung ausländischer Schul- und Berufsabschlüsse."),
        ("Recognition of qualifications", "Help with the recognition of foreign school and vocational certificates."),
        ("الاعتراف بالشهادات", "مساعدة في الاعتراف بالشهادات المدرسية والمهنية الأجنبية."),
        ("Визнання кваліфікацій", "Допомога з визнанням іноземних шкільних і професійних документів."),
    ),
    Phrase(
        "begegnungscafe",
        "meeting_point",
        ("Begegnungscafé", "Offener Treff mit Kaffee, Spielen und Zeit zum Deutschsprechen."),
        ("Meeting café", "Open meeting place with coffee, games and time to speak German."),
        ("مقهى اللقاء", "لقاء مفتوح مع القهوة والألعاب ووقت للتحدث بالألمانية."),
        ("Кафе зустрічей", "Відкрита зустріч із кавою, іграми та розмовами німецькою."),
    ),
    Phrase(
        "familienzentrum",
        "house",
        ("Familienzentrum", "Eltern-Kind-Gruppen, Beratung und Kinderbetreuung während der Kurse."),
        ("Family centre", "Groups for parents and children, advice, and childcare during courses."),
        None,
        ("Сімейний центр", "Групи для батьків і дітей, консультації та догляд за дітьми під час курсів."),
    ),
    Phrase(
        "fahrradwerkstatt",
        "mobility",
        ("Fahrradwerkstatt", "Fahrräder reparieren, ausleihen und günstig bekommen; Verkehrsregeln lernen."),
        ("Bicycle workshop", "Repair, borrow or get a cheap bicycle; learn the rules of the road."),
        ("ورشة الدراجات", "إصلاح الدراجات واستعارتها والحصول عليها بسعر رخيص، وتعلم قواعد المرور."),
    ),
    Phrase(
        "buecherei",
        "media",
        ("Stadtbücherei mit Sprachregal", "Bücher in zwölf Sprachen, freies Internet, Vorlesen am Samstag."),
        ("Town library with language shelf", "Books in twelve languages, free internet, reading aloud on Saturdays."),
    ),
    Phrase(
        "gesundheitslotsen",
        "health",
        ("Gesundheitslotsen", "Wir erklären Arztbesuch, Versicherung und Impfungen und begleiten zu Terminen."),
        ("Health guides", "We explain doctors, insurance and vaccinations and come along to appointments."),
        ("مرشدو الصحة", "نشرح زيارة الطبيب والتأمين واللقاحات ونرافقكم إلى المواعيد."),
        ("Провідники зі здоров'я", "Пояснюємо візит до лікаря, страхування та щеплення, супроводжуємо на прийоми."),
    ),
    Phrase(
        "arbeitsmarktbuero",
        "office",
        ("Arbeitsmarktbüro", "Bewerbung, Praktikum, erster Arbeitstag: Beratung mit Termin und ohne."),
        ("Job market office", "Applications, internships, first day at work: advice with or without appointment."),
        None,
        ("Бюро ринку праці", "Резюме, практика, перший робочий день: консультації за записом і без."),
    ),
)

EVENTS: Final = (
    Phrase(
        "sprachcafe",
        "education",
        ("Sprachcafé Deutsch", "Deutsch sprechen ohne Lehrbuch, für alle ab A1. Kinder sind willkommen."),
        ("German language café", "Speak German without a textbook, for everybody from A1. Children are welcome."),
        ("مقهى اللغة الألمانية", "تحدث الألمانية بدون كتاب، للجميع ابتداءً من A1. الأطفال مرحب بهم."),
        ("Мовне кафе: німецька", "Розмовляємо німецькою без підручника, для всіх від A1. Діти бажані."),
    ),
    Phrase(
        "integrationskurs-abend",
        "education",
        ("Integrationskurs B1 am Abend", "Sprachkurs bis B1 mit Orientierungskurs. Anmeldung mit Berechtigungsschein."),
        (
            "Integration course B1, evenings",
            "Language course up to B1 with orientation course. Registration with certificate.",
        ),
        ("دورة الاندماج B1 مسائية", "دورة لغة حتى B1 مع دورة توجيهية. التسجيل بشهادة الاستحقاق."),
        ("Інтеграційний курс B1 увечері", "Мовний курс до B1 з орієнтаційним курсом. Реєстрація за направленням."),
    ),
    Phrase(
        "elternabend-schule",
        "education",
        ("Wie geht Schule in Deutschland?", "Abend für Eltern: Schularten, Übertritt, Ganztag. Mit Dolmetschenden."),
        (
            "How does school work here?",
            "Evening for parents: types of school, changing school, all-day care. With interpreters.",
        ),
        ("كيف تعمل المدرسة هنا؟", "أمسية للأهالي: أنواع المدارس والانتقال والدوام الكامل، مع مترجمين."),
        ("Як працює школа?", "Вечір для батьків: типи шкіл, перехід, продовжений день. З перекладачами."),
    ),
    Phrase(
        "frauenschwimmen",
        "leisure",
        ("Schwimmkurs für Frauen", "Schwimmen lernen in kleiner Gruppe mit Trainerin, mit Kinderbetreuung."),
        ("Swimming course for women", "Learn to swim in a small group with a female coach, with childcare."),
        ("دورة سباحة للنساء", "تعلم السباحة في مجموعة صغيرة مع مدربة، مع رعاية الأطفال."),
    ),
    Phrase(
        "fussball-offen",
        "leisure",
        ("Offenes Fußballtraining", "Für alle ab 14 Jahren, Schuhe sind da, Mitglied sein muss man nicht."),
        ("Open football training", "For everybody from 14, shoes are provided, no membership needed."),
        ("تدريب كرة قدم مفتوح", "للجميع من سن 14، الأحذية متوفرة، لا حاجة للعضوية."),
        ("Відкрите тренування з футболу", "Для всіх від 14 років, взуття є, членство не потрібне."),
    ),
    Phrase(
        "bewerbungstraining",
        "office",
        ("Bewerbungstraining", "Lebenslauf und Anschreiben am Computer schreiben, mit Fotografin."),
        ("Application training", "Write your CV and cover letter at a computer, with a photographer."),
        None,
        ("Тренінг з працевлаштування", "Складаємо резюме та мотиваційний лист за комп'ютером, є фотографка."),
    ),
    Phrase(
        "naehwerkstatt",
        "leisure",
        ("Nähwerkstatt international", "Nähen, ändern, reden. Maschinen und Stoffe sind vorhanden."),
        ("International sewing workshop", "Sewing, mending, talking. Machines and fabric are there."),
        ("ورشة خياطة دولية", "خياطة وتعديل وحديث. الآلات والأقمشة متوفرة."),
        ("Міжнародна швейна майстерня", "Шиємо, перешиваємо, спілкуємося. Машини й тканини є."),
    ),
    Phrase(
        "interkulturelles-fest",
        "culture",
        ("Interkulturelles Fest", "Musik, Essen und Stände der Vereine auf dem Marktplatz."),
        ("Intercultural festival", "Music, food and stands of the clubs on the market square."),
        ("مهرجان الثقافات", "موسيقى وطعام وأجنحة الجمعيات في ساحة السوق."),
        ("Міжкультурне свято", "Музика, їжа та стенди товариств на ринковій площі."),
    ),
)
