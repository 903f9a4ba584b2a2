-- +goose NO TRANSACTION
-- +goose Up

-- What a patient agreed to and withdrew, and who was chosen to answer for them, stand on the time axis too. What history already has
-- of it is put there; a repeat adds rows that are read once (LIMIT 1 BY), and verify finds them.
INSERT INTO patient_events
SELECT
    substring(key, 1, position(key, '/') - 1), substring(key, position(key, '/') + 1), type, at, '', 0, -1, -1,
    topic, log_partition, log_offset, appended_at, key, header_keys, header_values, value
FROM records
WHERE holds AND topic = 'inputs' AND type IN ('consent.given', 'consent.withdrawn', 'responsible.set')
    AND (SELECT count() FROM patient_events WHERE type IN ('consent.given', 'consent.withdrawn', 'responsible.set')) = 0;

-- +goose Down
ALTER TABLE patient_events DELETE WHERE type IN ('consent.given', 'consent.withdrawn', 'responsible.set');
