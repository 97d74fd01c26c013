"""The tables of `ingest.db`: what the log says of a district, and what its sources last sent."""

from __future__ import annotations

# Folded from the log; emptied and folded again when it is lost or its version is raised.
INVENTORY_VERSION = 5
INVENTORY = """
CREATE TABLE position (
    topic TEXT PRIMARY KEY, next INTEGER NOT NULL, last_id TEXT NOT NULL);
CREATE TABLE offer (
    offer_id TEXT PRIMARY KEY, source TEXT NOT NULL, record_key TEXT NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL,
    content_hash TEXT NOT NULL, ends_at TEXT, content_ms INTEGER NOT NULL, content_position INTEGER NOT NULL,
    missed_since TEXT, missed_run TEXT, withdrawn_reason TEXT, organisation_id TEXT);
CREATE UNIQUE INDEX offer_by_record ON offer (source, record_key);
CREATE INDEX offer_by_state ON offer (source, state, organisation_id);
CREATE TABLE offer_contact (
    offer_id TEXT NOT NULL, contact_id TEXT NOT NULL, PRIMARY KEY (offer_id, contact_id)) WITHOUT ROWID;
CREATE INDEX offer_by_contact ON offer_contact (contact_id);
CREATE TABLE related (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, district TEXT NOT NULL, source TEXT NOT NULL, record_key TEXT NOT NULL,
    revision INTEGER NOT NULL, state TEXT NOT NULL, content_hash TEXT NOT NULL);
CREATE INDEX related_by_source ON related (source, kind, state);
CREATE TABLE reject (
    reject_id TEXT PRIMARY KEY, source TEXT NOT NULL, record_key TEXT NOT NULL, rule TEXT NOT NULL, place TEXT NOT NULL,
    value TEXT, raw_digest TEXT NOT NULL, run_id TEXT NOT NULL, first_run TEXT NOT NULL);
CREATE INDEX reject_by_source ON reject (source, record_key);
CREATE TABLE run (
    run_id TEXT PRIMARY KEY, district TEXT NOT NULL, source TEXT NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL, outcome TEXT NOT NULL, position INTEGER NOT NULL, document BLOB NOT NULL);
CREATE INDEX run_by_source ON run (source, started_at);
CREATE TABLE run_part (
    run_id TEXT NOT NULL, source TEXT NOT NULL, part TEXT NOT NULL, position INTEGER NOT NULL, proves INTEGER NOT NULL,
    PRIMARY KEY (source, part, position)) WITHOUT ROWID;
CREATE TABLE source (
    source TEXT PRIMARY KEY, district TEXT NOT NULL, state TEXT NOT NULL, file_digest TEXT NOT NULL,
    title TEXT NOT NULL, document BLOB NOT NULL, last_id TEXT NOT NULL);
CREATE TABLE source_scope (
    source TEXT NOT NULL, file_digest TEXT NOT NULL, scope BLOB NOT NULL, PRIMARY KEY (source, file_digest)) WITHOUT ROWID;
CREATE TABLE source_head (source TEXT PRIMARY KEY, event_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE hold (
    hold_id TEXT PRIMARY KEY, source TEXT NOT NULL, guard TEXT NOT NULL, state TEXT NOT NULL, set_digest TEXT NOT NULL,
    opened_at TEXT NOT NULL, expires_at TEXT NOT NULL, document BLOB NOT NULL, position INTEGER NOT NULL,
    answer TEXT, answered_at TEXT);
CREATE INDEX hold_by_source ON hold (source, state);
CREATE TABLE hold_decision (
    hold_id TEXT PRIMARY KEY, set_digest TEXT NOT NULL, answer TEXT NOT NULL, up_to INTEGER, by TEXT NOT NULL,
    note TEXT NOT NULL, decided_ms INTEGER NOT NULL);
CREATE TABLE asked (
    event_id TEXT PRIMARY KEY, source TEXT NOT NULL, type TEXT NOT NULL, position INTEGER NOT NULL, at TEXT NOT NULL,
    run_id TEXT NOT NULL, document BLOB NOT NULL, open INTEGER NOT NULL DEFAULT 1);
CREATE INDEX asked_open ON asked (source, position) WHERE open;
CREATE INDEX asked_by_run ON asked (run_id);
CREATE TABLE refusal (
    refusal_id TEXT PRIMARY KEY, source TEXT NOT NULL, record_key TEXT NOT NULL, offer_id TEXT NOT NULL,
    content_hash TEXT NOT NULL, cause_id TEXT NOT NULL, run_id TEXT NOT NULL, since TEXT NOT NULL);
CREATE INDEX refusal_by_record ON refusal (source, record_key);
CREATE INDEX refusal_by_cause ON refusal (cause_id);
CREATE TABLE lifted (refusal_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE override (
    offer_id TEXT NOT NULL, field TEXT NOT NULL, source TEXT NOT NULL, value TEXT NOT NULL, asked TEXT NOT NULL,
    PRIMARY KEY (offer_id, field)) WITHOUT ROWID;
CREATE INDEX override_by_source ON override (source);
"""
INVENTORY_TABLES = (
    "position", "offer", "offer_contact", "related", "reject", "run", "run_part", "source", "source_scope", "source_head", "hold",
    "hold_decision", "asked", "refusal", "lifted", "override",
)  # fmt: skip

# What the sources last sent. Lost, it costs one full pull; nothing true is lost with it.
CACHE = """
CREATE TABLE IF NOT EXISTS feed (
    feed INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mapping_version TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS record (
    record INTEGER PRIMARY KEY, feed INTEGER NOT NULL, key TEXT NOT NULL, dirty INTEGER NOT NULL DEFAULT 1,
    outcome TEXT, because TEXT, run_id TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS record_by_key ON record (feed, key);
CREATE INDEX IF NOT EXISTS record_dirty ON record (feed) WHERE dirty;
CREATE INDEX IF NOT EXISTS record_twin ON record (feed) WHERE because = 'key_duplicate';
CREATE TABLE IF NOT EXISTS item (
    item INTEGER PRIMARY KEY, feed INTEGER NOT NULL, part TEXT NOT NULL, id TEXT NOT NULL, record INTEGER,
    digest BLOB NOT NULL, modified TEXT, deleted INTEGER NOT NULL, request INTEGER NOT NULL, raw TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS item_by_id ON item (feed, part, id);
CREATE INDEX IF NOT EXISTS item_by_record ON item (record);
CREATE INDEX IF NOT EXISTS item_by_request ON item (request);
CREATE TABLE IF NOT EXISTS body (item INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS need (
    item INTEGER NOT NULL, feed INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (feed, id, item)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS need_by_item ON need (item);
CREATE TABLE IF NOT EXISTS request (
    request INTEGER PRIMARY KEY, feed INTEGER NOT NULL, name TEXT NOT NULL, reader TEXT NOT NULL, digest TEXT NOT NULL,
    etag TEXT, last_modified TEXT, outputs BLOB, UNIQUE (feed, name));
CREATE TABLE IF NOT EXISTS answer (
    answer INTEGER PRIMARY KEY, feed INTEGER NOT NULL, at TEXT NOT NULL, digest TEXT NOT NULL, asked BLOB NOT NULL,
    described BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS answer_by_feed ON answer (feed, at);
CREATE TABLE IF NOT EXISTS cursor (
    feed INTEGER NOT NULL, part TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (feed, part)) WITHOUT ROWID;
"""

# One run's own tables, in a database of its own that is thrown away: memory does not grow with a feed.
SCRATCH_PAGE_BYTES = 16384  # a row holds a whole offer; with SQLite's own 4096 each takes a write of its own
SCRATCH = """
CREATE TABLE scratch.seen (item INTEGER PRIMARY KEY);
CREATE TABLE scratch.delivered (record INTEGER PRIMARY KEY, stale INTEGER NOT NULL DEFAULT 0);
CREATE TABLE scratch.staged (
    record INTEGER PRIMARY KEY, key TEXT NOT NULL, answer TEXT NOT NULL, because TEXT, hash TEXT, ends_at TEXT,
    raw TEXT NOT NULL, body BLOB);
CREATE INDEX scratch.staged_rejected ON staged (record) WHERE answer = 'rejected';
CREATE TABLE scratch.organisation (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, hash TEXT NOT NULL, raw TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE scratch.contact (id TEXT PRIMARY KEY, key TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE scratch.broken (reject_id TEXT PRIMARY KEY, part TEXT NOT NULL, key TEXT NOT NULL, rule TEXT NOT NULL,
    place TEXT NOT NULL, value TEXT, raw TEXT NOT NULL);
CREATE TABLE scratch.outcome (record INTEGER PRIMARY KEY, outcome TEXT NOT NULL, because TEXT);
CREATE TABLE scratch.gone (item INTEGER PRIMARY KEY, record INTEGER);
CREATE INDEX scratch.gone_by_record ON gone (record);
CREATE TABLE scratch.absent (record INTEGER PRIMARY KEY);
CREATE TABLE scratch.decision (
    decision INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record INTEGER, action TEXT NOT NULL, because TEXT,
    offer_id TEXT, revision INTEGER, missed_since TEXT, delivered INTEGER NOT NULL DEFAULT 1, done INTEGER NOT NULL DEFAULT 0,
    guard TEXT);
CREATE INDEX scratch.decision_by_action ON decision (action);
CREATE TABLE scratch.risk (
    guard TEXT NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, alike TEXT, hash TEXT, PRIMARY KEY (guard, key)) WITHOUT ROWID;
CREATE TABLE scratch.member (
    hold_id TEXT NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, hash TEXT, PRIMARY KEY (hold_id, key)) WITHOUT ROWID;
CREATE TABLE scratch.allowed (key TEXT PRIMARY KEY, guard TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scratch.likeness (key TEXT PRIMARY KEY, fresh INTEGER NOT NULL, likeness TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scratch.rekey (old_key TEXT PRIMARY KEY, new_key TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""
