"""German words that stand for a code, field by field; compared without case, accents and umlaut dots."""

from __future__ import annotations

from collections.abc import Mapping

from verbund_connectors import classify


def _folded(words: Mapping[str, str]) -> dict[str, str]:
    return {classify.fold(word): code for spelt, code in words.items() for word in spelt.split(", ")}


_YES_NO = _folded(
    {"ja, j, x, yes, y, true, wahr, 1, vorhanden": "true", "nein, n, no, false, falsch, 0, keine": "false"}
)
WORDS: Mapping[str, dict[str, str]] = {
    "status": _folded(
        {
            "aktiv, active, veröffentlicht, öffentlich, online, findet statt, geplant, buchbar, freigegeben, ok": "active",
            "inaktiv, inactive, gelöscht, archiviert, beendet, offline, zurückgezogen, withdrawn, deaktiviert": "withdrawn",
            "abgesagt, fällt aus, entfällt, storniert, ausfall, cancelled, canceled": "cancelled",
            "verschoben, postponed": "postponed",
            "ausgebucht, voll, belegt, full, keine plätze": "full",
            "warteliste, waiting_list": "waiting_list",
            "pausiert, vorübergehend geschlossen, temporarily_closed": "temporarily_closed",
        }
    ),
    "kind": _folded(
        {
            "kurs, course, lehrgang": "course",
            "beratung, counselling, beratungsangebot": "counselling",
            "sport, sportangebot": "sport",
            "veranstaltung, event, termin": "event",
            "ort, place, treffpunkt": "place",
            "programm, programme, projekt": "programme",
            "dienst, service, dienstleistung": "service",
        }
    ),
    "gender": _folded(
        {
            "frauen, weiblich, w, female, nur frauen, mädchen, frauen und mädchen": "female",
            "männer, männlich, m, male, nur männer, jungen": "male",
            "alle, all, gemischt, offen für alle": "all",
        }
    ),
    "availability": _folded(
        {
            "offen, open, frei, plätze frei": "open",
            "geschlossen, temporarily_closed": "temporarily_closed",
            "voll, ausgebucht, full": "full",
        }
    ),
    "childcare": _YES_NO,
    "barrier_free": _YES_NO,
    "languages": _folded(
        {
            "deutsch, german, de": "de",
            "englisch, english, en": "en",
            "arabisch, arabic, ar": "ar",
            "ukrainisch, uk": "uk",
            "russisch, ru": "ru",
            "türkisch, tr": "tr",
            "persisch, farsi, dari, fa": "fa",
            "französisch, fr": "fr",
            "spanisch, es": "es",
            "polnisch, pl": "pl",
            "rumänisch, ro": "ro",
            "bulgarisch, bg": "bg",
            "kurdisch, ku": "ku",
            "italienisch, it": "it",
            "tigrinya, ti": "ti",
            "somali, so": "so",
            "paschtu, paschto, ps": "ps",
            "vietnamesisch, vi": "vi",
            "albanisch, sq": "sq",
            "griechisch, el": "el",
            "kroatisch, hr": "hr",
            "serbisch, sr": "sr",
            "portugiesisch, pt": "pt",
            "chinesisch, zh": "zh",
            "urdu, ur": "ur",
            "ungarisch, hu": "hu",
        }
    ),
    "organisation.kind": _folded(
        {
            "schule, school": "school",
            "vhs, volkshochschule": "vhs",
            "verein, club, sportverein": "club",
            "kirche, church, religionsgemeinschaft": "church",
            "wohlfahrtsverband, charity, verband": "charity",
            "firma, unternehmen, company, bildungsträger": "company",
            "amt, behörde, kommune, office": "office",
            "sonstige, other": "other",
        }
    ),
}
