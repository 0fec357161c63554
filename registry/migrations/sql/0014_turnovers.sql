-- Turnovers: what each account had taken in and given out, of each series and recognition, by all that completed before an
-- instant (a tally). They follow from the ranges and are kept so that a statement sums one day of them, not ten years.
-- Off the way of a transfer: made by a beat task. A transaction that completes before a tally throws it away.

CREATE TABLE registry_tally (
    at timestamptz PRIMARY KEY,
    marked_in xid8,
    summed boolean NOT NULL DEFAULT false,
    CONSTRAINT tally_is_marked_before_it_is_summed CHECK (NOT summed OR marked_in IS NOT NULL)
);
CREATE UNIQUE INDEX one_tally_is_made_at_a_time ON registry_tally (summed) WHERE NOT summed;

-- Cumulative, and only where something moved since the tally before.
CREATE TABLE registry_turnover (
    account_id bigint NOT NULL,
    series_id integer NOT NULL,
    recognition_id integer NOT NULL,
    at timestamptz NOT NULL REFERENCES registry_tally (at) ON DELETE CASCADE,
    entered bigint NOT NULL,
    gone bigint NOT NULL,
    PRIMARY KEY (account_id, series_id, recognition_id, at),
    CONSTRAINT no_more_went_than_came CHECK (0 <= gone AND gone <= entered)
);
CREATE INDEX turnovers_of_a_tally ON registry_turnover (at);

-- One step towards the tally of an instant: 'announced', 'marked', 'waiting', 'summed' or 'done'.
-- Whoever does not see the announcement had written before it was committed, so had its number before the mark; the sum waits
-- until all of those have ended. Whoever sees it and completes before it deletes it. (The ledger writes in READ COMMITTED.)
CREATE FUNCTION registry_tally_turnovers(until timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted registry_tally;
    before timestamptz;
BEGIN
    SELECT * INTO wanted FROM registry_tally WHERE NOT summed FOR UPDATE;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM registry_tally WHERE at >= until) THEN
            RETURN 'done';
        END IF;
        INSERT INTO registry_tally (at) VALUES (until) ON CONFLICT DO NOTHING;
        RETURN 'announced';
    ELSIF wanted.marked_in IS NULL THEN
        UPDATE registry_tally SET marked_in = pg_current_xact_id() WHERE at = wanted.at;
        RETURN 'marked';
    ELSIF pg_snapshot_xmin(pg_current_snapshot()) <= wanted.marked_in THEN
        RETURN 'waiting';
    END IF;
    SELECT coalesce(max(at), '-infinity') INTO before FROM registry_tally WHERE summed AND at < wanted.at;
    INSERT INTO registry_turnover (account_id, series_id, recognition_id, at, entered, gone)
    SELECT m.account_id, m.series_id, m.recognition_id, wanted.at,
        coalesce(l.entered, 0) + sum(m.entered), coalesce(l.gone, 0) + sum(m.gone)
    FROM (SELECT b.to_account_id, b.series_id, coalesce(b.to_recognition_id, b.recognition_id), b.next_no - b.first_no, 0
        FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
        WHERE t.completed_at >= before AND t.completed_at < wanted.at
        UNION ALL
        SELECT b.from_account_id, b.series_id, b.recognition_id, 0, b.next_no - b.first_no
        FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
        WHERE t.completed_at >= before AND t.completed_at < wanted.at AND b.from_account_id IS NOT NULL
    ) AS m (account_id, series_id, recognition_id, entered, gone)
    LEFT JOIN LATERAL (SELECT o.entered, o.gone FROM registry_turnover o
        WHERE (o.account_id, o.series_id, o.recognition_id) = (m.account_id, m.series_id, m.recognition_id) AND o.at <= before
        ORDER BY o.at DESC LIMIT 1) l ON true
    GROUP BY m.account_id, m.series_id, m.recognition_id, l.entered, l.gone;
    UPDATE registry_tally SET summed = true WHERE at = wanted.at;
    RETURN 'summed';
END $$;

CREATE FUNCTION registry_tally_is_outdated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_tally WHERE at > NEW.completed_at) THEN
        DELETE FROM registry_tally WHERE at > NEW.completed_at;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tallies_hold_all_that_completed_before AFTER INSERT OR UPDATE OF completed_at ON registry_transaction
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL) EXECUTE FUNCTION registry_tally_is_outdated();

REVOKE ALL ON FUNCTION registry_tally_turnovers(timestamptz), registry_tally_is_outdated() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry_tally_turnovers(timestamptz) TO registry_application;
GRANT SELECT ON registry_tally, registry_turnover TO registry_application, registry_auditor;
