-- +goose NO TRANSACTION
-- +goose Up

-- Every record of both pairs as it lies in the log: key, headers and value are enough to decide again. One insert is one
-- block of one partition of the log, and partitions of a table are those of the log, so an insert is there whole or not at all.
-- The window counts inserts: a repeat of any of the last 10,000 of each log partition changes nothing (Migrate widens it
-- when a log has more partitions than four).
CREATE TABLE IF NOT EXISTS records
(
    topic         LowCardinality(String),
    log_partition UInt32,
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    appended_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    holds         Bool COMMENT 'counts by the rule of reading: false for what is void, repeated or an owner.open',
    type          LowCardinality(String) COMMENT 'ce_type; empty when the record cannot be decoded',
    key           String CODEC(ZSTD(1)),
    at            DateTime64(3, 'UTC') COMMENT 'ce_time' CODEC(Delta, ZSTD(1)),
    life          LowCardinality(String),
    step_number   Int64 CODEC(Delta, ZSTD(1)),
    step_index    Int32 CODEC(ZSTD(1)),
    header_keys   Array(LowCardinality(String)),
    header_values Array(String) CODEC(ZSTD(3)),
    value         String CODEC(ZSTD(3)),
    INDEX by_key key TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY (topic, log_partition)
ORDER BY (topic, log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 160000, replicated_deduplication_window = 160000;

-- One row for each quantity of each upload that was believed or may yet be, repeats among them. The unit of value is in
-- the quantity's name. (device, boot_id, seq) is the identity of a reading; without a sequence (device, msg_id) is.
CREATE TABLE IF NOT EXISTS readings
(
    tenant          LowCardinality(String),
    patient         String CODEC(ZSTD(1)),
    quantity        LowCardinality(String),
    measured_at     DateTime64(3, 'UTC') COMMENT 'corrected; held within the years 1900 to 2299' CODEC(Delta, ZSTD(1)),
    received_at     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    gateway_at      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    value           Decimal(18, 6) CODEC(ZSTD(1)),
    mark            LowCardinality(String) COMMENT 'empty: plausible and of good quality',
    clock_quality   LowCardinality(String),
    clock_offset_ms Int64 CODEC(ZSTD(1)),
    device          String CODEC(ZSTD(1)),
    boot_id         Int64 CODEC(Delta, ZSTD(1)),
    seq             Int64 CODEC(Delta, ZSTD(1)),
    msg_id          String COMMENT 'empty when boot_id and seq say who it is' CODEC(ZSTD(1)),
    door            LowCardinality(String),
    log_partition   UInt32 CODEC(ZSTD(1)),
    log_offset      UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY log_partition
ORDER BY (tenant, patient, quantity, measured_at, log_offset)
SETTINGS non_replicated_deduplication_window = 40000, replicated_deduplication_window = 40000;

-- The hour at a glance. Everything in it either counts rows or is the same however often a reading came: extremes and
-- the newest. newest is (measured_at in ms, log_offset, value in millionths, clock_quality).
CREATE TABLE IF NOT EXISTS readings_hour
(
    tenant        LowCardinality(String),
    patient       String CODEC(ZSTD(1)),
    quantity      LowCardinality(String),
    mark          LowCardinality(String),
    hour          DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    log_partition UInt32 CODEC(ZSTD(1)),
    row_count     SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    value_min     SimpleAggregateFunction(min, Decimal(18, 6)) CODEC(ZSTD(1)),
    value_max     SimpleAggregateFunction(max, Decimal(18, 6)) CODEC(ZSTD(1)),
    newest        SimpleAggregateFunction(max, Tuple(Int64, UInt64, Int64, String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY log_partition
ORDER BY (tenant, patient, quantity, mark, hour, log_partition)
SETTINGS non_replicated_deduplication_window = 40000, replicated_deduplication_window = 40000;

-- Who belonged to which disease group from when on, as the patient's own partition heard of it.
CREATE TABLE IF NOT EXISTS memberships
(
    tenant        LowCardinality(String),
    patient       String CODEC(ZSTD(1)),
    disease_group LowCardinality(String),
    since         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    log_partition UInt32 CODEC(ZSTD(1)),
    log_offset    UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY log_partition
ORDER BY (tenant, patient, log_offset)
SETTINGS non_replicated_deduplication_window = 40000, replicated_deduplication_window = 40000;

-- +goose Down
DROP TABLE IF EXISTS memberships;
DROP TABLE IF EXISTS readings_hour;
DROP TABLE IF EXISTS readings;
DROP TABLE IF EXISTS records;
