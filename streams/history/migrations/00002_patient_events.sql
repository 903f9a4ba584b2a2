-- +goose NO TRANSACTION
-- +goose Up

-- What stands on a patient's time axis beside the readings: the life of warnings, assessments, silences, what people did and
-- ordered, notices, answers. It is found by the patient, where records is found by the place in the log; the record itself
-- lies beside, so that what was written in an older version is still lifted when it is read.
CREATE TABLE IF NOT EXISTS patient_events
(
    tenant        LowCardinality(String) COMMENT 'of what concerns a device alone: empty, as is the patient',
    patient       String CODEC(ZSTD(1)),
    type          LowCardinality(String) COMMENT 'ce_type',
    at            DateTime64(3, 'UTC') COMMENT 'ce_time; of answers, when they were given' CODEC(Delta, ZSTD(1)),
    about         String COMMENT 'the warning; of an assessment its problem, of a silence its quantity, of a device its id' CODEC(ZSTD(1)),
    severity      Int8 COMMENT '0 none, 1 low, 2 medium, 3 high, 4 technical' CODEC(ZSTD(1)),
    score_lower   Int16 COMMENT '-1: no score' CODEC(ZSTD(1)),
    score_upper   Int16 CODEC(ZSTD(1)),
    topic         LowCardinality(String),
    log_partition UInt32 CODEC(ZSTD(1)),
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    appended_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    key           String CODEC(ZSTD(1)),
    header_keys   Array(LowCardinality(String)),
    header_values Array(String) CODEC(ZSTD(3)),
    value         String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY log_partition
ORDER BY (tenant, patient, type, at, log_offset)
SETTINGS non_replicated_deduplication_window = 120000, replicated_deduplication_window = 120000;

-- What history already has. A repeat of this adds rows that are read once (LIMIT 1 BY); verify finds them, rebuild mends them.
INSERT INTO patient_events
SELECT
    if(by_device, if(type = 'device.bound', JSONExtractString(value, 'tenant'), ''), substring(key, 1, position(key, '/') - 1)),
    if(by_device, if(type = 'device.bound', JSONExtractString(value, 'patient'), ''), substring(key, position(key, '/') + 1)),
    type,
    if(type = 'observation.recorded', least(greatest(parseDateTime64BestEffort(JSONExtractString(value, 'measured_at'), 3, 'UTC'), toDateTime64('1900-01-01 00:00:00', 3, 'UTC')), toDateTime64('2299-12-31 23:59:59', 3, 'UTC')), at),
    multiIf(by_device, JSONExtractString(value, 'device'), type = 'severity.scored', JSONExtractString(value, 'problem'),
        type IN ('signal.fell_silent', 'signal.returned'), JSONExtractString(value, 'quantity'), JSONExtractString(value, 'alert')),
    greatest(0, indexOf(['low', 'medium', 'high', 'technical'], JSONExtractString(value, 'severity'))),
    if(JSONHas(value, 'score') AND type = 'severity.scored', JSONExtractInt(value, 'score', 'lower'), -1),
    if(JSONHas(value, 'score') AND type = 'severity.scored', JSONExtractInt(value, 'score', 'upper'), -1),
    topic, log_partition, log_offset, appended_at, key, header_keys, header_values, value
FROM (SELECT *, type IN ('device.bound', 'device.revoked') AS by_device FROM records)
WHERE holds AND (
    topic = 'inputs' AND type IN ('patient.enrolled', 'patient.grouped', 'plan.changed', 'notice.reported')
    OR topic = 'inputs' AND type = 'observation.recorded' AND JSONLength(value, 'answers') > 0
    OR topic = 'directory' AND by_device
    OR topic = 'decisions' AND type IN ('alert.raised', 'alert.worsened', 'alert.accepted', 'alert.contacted', 'alert.noted', 'alert.closed', 'alert.judged',
        'reading.disowned', 'patient.left', 'patient.resumed', 'severity.scored', 'signal.fell_silent', 'signal.returned', 'technical.fault'))
    AND (SELECT count() FROM patient_events) = 0;

-- +goose Down
DROP TABLE IF EXISTS patient_events;
