"""Topics live for ever: how they are made, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from verbund.errors import LogUnusableError
from verbund.event_log.kafka import KafkaEventLog
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.events import Event
from verbund.testing.event_log import TOPIC, PlainCodec, numbered, numbers, read_all

pytestmark = pytest.mark.kafka

RUNS = "runs.05954"
GOOD = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "unclean.leader.election.enable": "false",
}


@pytest.fixture
def settings(kafka_server):
    return KafkaSettings(bootstrap=kafka_server.bootstrap, prefix=kafka_server.prefix(), watchdog_s=0.5)


@pytest.fixture
def make_log(settings):
    made = []

    def make():
        made.append(KafkaEventLog(settings, codec=PlainCodec()))
        return made[-1]

    yield make
    for log in made:
        log.close()


@pytest.fixture
def admin(kafka_server):
    with kafka_server.admin() as admin:
        yield admin


def _make_topic(admin, name, *, partitions=1, **changes):
    configs = GOOD | {setting.replace("_", "."): value for setting, value in changes.items()}
    wish = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    admin.create_topics({name: wish}, wait_for_metadata=True)


@pytest.mark.parametrize(("topic", "retention"), [(TOPIC, "-1"), ("exchange", "-1"), (RUNS, str(400 * 86_400_000))])
def test_a_topic_is_made_to_live_for_ever(make_log, settings, admin, topic, retention):
    make_log().append(topic, [numbered(1)])
    name = f"{settings.prefix}.{topic}"
    asked = ConfigResource(ConfigResourceType.TOPIC, name)
    found = admin.describe_configs([asked], config_filter="all")["topic"][name]
    wanted = GOOD | {"cleanup.policy": "delete", "retention.ms": retention, "min.insync.replicas": "1"}
    assert {setting: found[setting]["value"] for setting in wanted} == wanted
    assert len(admin.describe_topics([name])[0]["partitions"]) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"retention_ms": "604800000"}, "retention.ms is 604800000, not -1"),
        ({"retention_bytes": "1000000"}, "retention.bytes is 1000000, not -1"),
        ({"cleanup_policy": "compact"}, "cleanup.policy is compact, not delete"),
        ({"message_timestamp_type": "CreateTime"}, "message.timestamp.type is CreateTime, not LogAppendTime"),
        ({"unclean_leader_election_enable": "true"}, "unclean.leader.election.enable is true, not false"),
        ({"partitions": 2}, "partitions is 2, not 1"),
    ],
)
def test_a_topic_that_would_lose_events_is_refused_at_the_start(make_log, settings, admin, changes, sentence):
    _make_topic(admin, f"{settings.prefix}.{TOPIC}", **changes)
    with pytest.raises(LogUnusableError, match=sentence):
        make_log()


def test_a_topic_that_would_lose_events_is_refused_at_its_first_use(make_log, settings, admin):
    log = make_log()
    log.append("exchange", [numbered(1)])
    _make_topic(admin, f"{settings.prefix}.{TOPIC}", retention_ms="1000")
    with pytest.raises(LogUnusableError, match=rf"{settings.prefix}\.{TOPIC} would lose events: retention.ms is 1000"):
        log.append(TOPIC, [numbered(1)])
    with pytest.raises(LogUnusableError, match="would lose events"):
        log.read({TOPIC: 0}, wait=timedelta(seconds=5))


def test_too_few_replicas_are_refused(kafka_server, settings):
    KafkaEventLog(settings, codec=PlainCodec()).append(TOPIC, [numbered(1)])
    asking_for_more = settings.model_copy(update={"replication_factor": 3})
    with pytest.raises(LogUnusableError, match="replication factor is 1, not 3"):
        KafkaEventLog(asking_for_more, codec=PlainCodec())


def test_topics_of_another_prefix_are_nobodys_business(make_log, settings, admin):
    _make_topic(admin, f"{settings.prefix}x.{TOPIC}", retention_ms="1000")
    assert make_log().topics() == []


def test_a_log_that_was_cut_stops_its_reader(make_log, settings, admin):
    log = make_log()
    log.append(TOPIC, [numbered(number) for number in range(10)])
    admin.delete_records({TopicPartition(f"{settings.prefix}.{TOPIC}", 0): 6})
    with pytest.raises(LogUnusableError, match=r"position 5 .* holds 6 to 10"):
        log.read({TOPIC: 5}, wait=timedelta(seconds=5))
    assert numbers(log.read({TOPIC: 6}, wait=timedelta(seconds=5))) == [6, 7, 8, 9]


def test_reports_of_runs_begin_where_the_first_one_is_left(make_log, settings, admin):
    log = make_log()
    log.append(RUNS, [numbered(number) for number in range(10)])
    admin.delete_records({TopicPartition(f"{settings.prefix}.{RUNS}", 0): 6})
    assert numbers(read_all(log, [RUNS])) == [6, 7, 8, 9]


def test_a_recreated_topic_stops_a_reader_that_was_further(make_log, settings, admin):
    log = make_log()
    log.append(TOPIC, [numbered(number) for number in range(10)])
    assert len(read_all(log, [TOPIC])) == 10
    log.close()
    admin.delete_topics([f"{settings.prefix}.{TOPIC}"])
    with pytest.raises(LogUnusableError, match="restored, recreated or cut"):
        make_log().read({TOPIC: 10}, wait=timedelta(seconds=5))
    make_log().append(TOPIC, [numbered(number) for number in range(3)])
    with pytest.raises(LogUnusableError, match=r"position 10 .* holds 0 to 3"):
        make_log().read({TOPIC: 10}, wait=timedelta(seconds=5))


def test_attributes_are_cloudevents_headers(make_log, settings, kafka_server):
    event = Event(
        id=UUID(int=7),
        type="OfferPublished",
        source="05954/x",
        subject="s-1",
        time=datetime(2026, 1, 2, tzinfo=UTC),
        data={},
        revision=4,
        run_id="r-1",
        traceparent="00-a-b-01",
    )
    make_log().append(TOPIC, [event])
    partition = TopicPartition(f"{settings.prefix}.{TOPIC}", 0)
    consumer = KafkaConsumer(bootstrap_servers=settings.servers, enable_auto_commit=False)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    (record,) = consumer.poll(10_000)[partition]
    consumer.close()
    schema = PlainCodec.schema
    assert record.key == b"s-1"
    assert {name: value.decode() for name, value in record.headers} == {
        "ce_specversion": "1.0",
        "ce_id": "00000000-0000-0000-0000-000000000007",
        "ce_type": "OfferPublished",
        "ce_source": "05954/x",
        "ce_subject": "s-1",
        "ce_time": "2026-01-02T00:00:00Z",
        "ce_dataschema": f"urn:verbund:schema:OfferPublished:{schema}",
        "ce_revision": "4",
        "ce_runid": "r-1",
        "ce_traceparent": "00-a-b-01",
        "content-type": "application/avro",
    }


def test_a_consumer_that_stalls_is_replaced(make_log):
    log = make_log()
    log.append(TOPIC, [numbered(1)])
    assert numbers(log.read({TOPIC: 0}, wait=timedelta(seconds=5))) == [1]
    consumer = log._reader._consumer
    consumer.pause(*consumer.assignment())  # polls are empty from now on, without an error
    log.append(TOPIC, [numbered(2)])
    assert numbers(log.read({TOPIC: 1}, wait=timedelta(seconds=20))) == [2]
    assert log._reader._consumer is not consumer


def test_the_producer_learns_of_all_topics_before_it_needs_them(make_log):
    log = make_log()
    topics = [f"inventory.{number:05}" for number in range(12)]
    for topic in topics:
        log.append(topic, [numbered(1)])
    log.close()
    log = make_log()
    for topic in topics[:4]:
        log.append(topic, [numbered(2)])
    known = log._appender._producer._metadata
    assert all(log._topics.full_name(topic) in known._topics for topic in topics)
