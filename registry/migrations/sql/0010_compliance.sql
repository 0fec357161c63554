-- What compliance records may become, and that allocations and surrenders are what their records say.
-- Nobody grants the same twice: see the index allocation_is_granted_once over the ready rows of all tables.

ALTER TABLE registry_transaction
    ADD CONSTRAINT obligation_is_recorded FOREIGN KEY (obligation_id) REFERENCES registry_obligation (id),
    ADD CONSTRAINT allocation_is_recorded FOREIGN KEY (allocation_id) REFERENCES registry_allocation (id);

CREATE TRIGGER emissions_never_change BEFORE UPDATE OR DELETE ON registry_recordedemissions
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER snapshots_never_change BEFORE UPDATE OR DELETE ON registry_statussnapshot
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['registry_obligation', 'registry_allocationtable', 'registry_allocation',
        'registry_recordedemissions', 'registry_statussnapshot'] LOOP
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION registry_never_changes()', name);
    END LOOP;
END $$;

-- A correction is of the same installation and year. That the latest row counts means the same by id, by time and by what
-- corrects what.
CREATE FUNCTION registry_correction_is_of_the_same_year() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_recordedemissions r WHERE r.id = NEW.corrects_id
            AND (r.installation_id, r.year) = (NEW.installation_id, NEW.year)
            AND r.id < NEW.id AND r.recorded_at <= NEW.recorded_at) THEN
        RAISE EXCEPTION 'a correction is of the same installation and year, and comes after what it corrects'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER corrections_are_of_the_same_year BEFORE INSERT ON registry_recordedemissions
    FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL) EXECUTE FUNCTION registry_correction_is_of_the_same_year();

-- An obligation keeps its installation and year, belongs to the installation's jurisdiction, and keeps its deadline once the
-- status is determined.
CREATE FUNCTION registry_obligation_stays_itself() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'obligations are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND (NEW.id, NEW.installation_id, NEW.year) <> (OLD.id, OLD.installation_id, OLD.year) THEN
        RAISE EXCEPTION 'an obligation keeps its installation and year' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.due_at <> OLD.due_at AND EXISTS (SELECT FROM registry_statussnapshot s
            WHERE (s.installation_id, s.year) = (NEW.installation_id, NEW.year)) THEN
        RAISE EXCEPTION 'a deadline at which the status was determined stays' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NOT EXISTS (SELECT FROM accounts_installation i
            WHERE i.id = NEW.installation_id AND i.jurisdiction_id = NEW.jurisdiction_id) THEN
        RAISE EXCEPTION 'an obligation is under its installation''s jurisdiction' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER obligations_stay_themselves BEFORE INSERT OR UPDATE OR DELETE ON registry_obligation
    FOR EACH ROW EXECUTE FUNCTION registry_obligation_stays_itself();

-- A table is loaded, then approved; nothing else about it changes.
CREATE FUNCTION registry_allocation_table_is_approved_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'LOADED' THEN
            RAISE EXCEPTION 'an allocation table begins as loaded' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' OR OLD.state <> 'LOADED' OR (to_jsonb(NEW) - 'state' - 'approved_by_id' - 'approved_at')
            <> (to_jsonb(OLD) - 'state' - 'approved_by_id' - 'approved_at') THEN
        RAISE EXCEPTION 'an allocation table is approved once and otherwise stays as it was loaded'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER allocation_tables_are_approved_once BEFORE INSERT OR UPDATE OR DELETE ON registry_allocationtable
    FOR EACH ROW EXECUTE FUNCTION registry_allocation_table_is_approved_once();

-- Its approval makes its rows ready; a row is never rewritten, only withheld or released.
CREATE FUNCTION registry_approval_makes_rows_ready() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE registry_allocation SET state = 'READY' WHERE table_id = NEW.id AND state = 'LOADED';
    RETURN NULL;
END $$;
CREATE TRIGGER approval_makes_rows_ready AFTER UPDATE OF state ON registry_allocationtable
    FOR EACH ROW WHEN (NEW.state = 'APPROVED') EXECUTE FUNCTION registry_approval_makes_rows_ready();

CREATE FUNCTION registry_allocation_stays_as_loaded() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    approved boolean;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'state') <> (to_jsonb(OLD) - 'state') THEN
        RAISE EXCEPTION 'an allocation is withheld or released, never rewritten' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- The table's row is locked, so that nobody approves it while its rows come or change.
    SELECT t.state = 'APPROVED' INTO approved FROM registry_allocationtable t WHERE t.id = NEW.table_id FOR NO KEY UPDATE;
    IF TG_OP = 'INSERT' AND (approved OR NEW.state <> 'LOADED') THEN
        RAISE EXCEPTION 'an approved allocation table gets no more rows, and a row begins as loaded'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.state = (CASE WHEN approved THEN 'LOADED' ELSE 'READY' END) THEN
        RAISE EXCEPTION 'an allocation is ready when its table is approved, and not before'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM registry_transaction x WHERE x.allocation_id = OLD.id) THEN
        RAISE EXCEPTION 'a delivered allocation stays as it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER allocations_stay_as_loaded BEFORE INSERT OR UPDATE OR DELETE ON registry_allocation
    FOR EACH ROW EXECUTE FUNCTION registry_allocation_stays_as_loaded();

-- An allocation delivers what its approved row grants, to that installation.
CREATE FUNCTION registry_transaction_is_what_its_record_says() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_allocation r JOIN registry_allocationtable t ON t.id = r.table_id
            JOIN accounts_account a ON a.id = NEW.acquiring_id
            WHERE r.id = NEW.allocation_id AND t.state = 'APPROVED' AND r.state = 'READY' AND r.quantity = NEW.quantity
                AND a.installation_id = r.installation_id
            -- Locked, so that nobody withholds the row while it is delivered.
            FOR SHARE OF r) THEN
        RAISE EXCEPTION 'transaction % is not what allocation % grants', NEW.id, NEW.allocation_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocations_are_what_their_records_say AFTER INSERT ON registry_transaction
    FOR EACH ROW WHEN (NEW.allocation_id IS NOT NULL) EXECUTE FUNCTION registry_transaction_is_what_its_record_says();

-- Each range of an allocation goes to the account it names, in the type and vintage granted; each range of a surrender comes
-- from an account of the obligation's installation, in a vintage that counts. Asked where a range takes effect, not at commit:
-- SET CONSTRAINTS could have a deferred question answered before the ranges are there.
CREATE FUNCTION registry_range_fits_its_record(part registry_transactionblock) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent registry_transaction;
BEGIN
    SELECT * INTO parent FROM registry_transaction WHERE id = part.transaction_id;
    IF parent.allocation_id IS NOT NULL AND (part.to_account_id <> parent.acquiring_id OR NOT EXISTS (
            SELECT FROM registry_allocation r JOIN registry_series s ON (s.unit_type_id, s.vintage) = (r.unit_type_id, r.vintage)
            WHERE r.id = parent.allocation_id AND s.id = part.series_id)) THEN
        RAISE EXCEPTION 'transaction % is not what allocation % grants', parent.id, parent.allocation_id
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.obligation_id IS NOT NULL AND NOT EXISTS (SELECT FROM registry_obligation o
            JOIN accounts_account a ON a.id = part.from_account_id AND a.installation_id = o.installation_id
            JOIN registry_series s ON s.id = part.series_id AND s.vintage <= o.eligible_until_vintage
            WHERE o.id = parent.obligation_id) THEN
        RAISE EXCEPTION 'transaction % does not fit obligation %', parent.id, parent.obligation_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;

-- The deadline of an obligation is what the dated rule of its year says (registry/rules/deadlines.py), as far as PostgreSQL knows: it
-- has no holidays, so of a deadline that moves off days that do not work it knows the direction and no more than a month of it.
CREATE FUNCTION registry_deadline_is_what_its_rule_says() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    rule jsonb;
    wall timestamp;
    named date;
    said_time text;
BEGIN
    SELECT CASE jsonb_typeof(r.value) WHEN 'string' THEN jsonb_build_object('month_day', r.value) ELSE r.value END,
        NEW.due_at AT TIME ZONE j.time_zone INTO rule, wall
    FROM accounts_datedrule r JOIN accounts_jurisdiction j ON j.id = r.jurisdiction_id
    WHERE r.jurisdiction_id = NEW.jurisdiction_id AND r.key = 'calendar.surrender'
        AND r.valid_from <= make_date(NEW.year, 12, 31) AND coalesce(r.valid_to > make_date(NEW.year, 12, 31), true);
    IF NOT FOUND THEN
        IF NEW.counts <> 'completed' THEN
            RAISE EXCEPTION 'where no rule says otherwise, the completion of a surrender counts'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'deadline_is_what_its_rule_says';
        END IF;
        RETURN NEW;
    END IF;
    named := ((NEW.year + coalesce((rule ->> 'years_after')::integer, 1))::text || '-' || (rule ->> 'month_day'))::date;
    said_time := coalesce(rule ->> 'time', '24:00');
    IF said_time IN ('24:00', '24:00:00') THEN
        -- The end of a day is the beginning of the next one.
        said_time := '00:00';
        named := named + 1;
    END IF;
    IF NEW.counts <> coalesce(rule ->> 'counts', 'completed') OR wall::time <> said_time::time
            OR wall::date NOT BETWEEN (CASE rule ->> 'on_non_working_day' WHEN 'previous' THEN named - 31 ELSE named END)
                AND (CASE rule ->> 'on_non_working_day' WHEN 'next' THEN named + 31 ELSE named END) THEN
        RAISE EXCEPTION 'the deadline of % is not what the dated rule says', NEW.year
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deadline_is_what_its_rule_says';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deadlines_are_what_their_rules_say BEFORE INSERT OR UPDATE OF due_at, counts ON registry_obligation
    FOR EACH ROW EXECUTE FUNCTION registry_deadline_is_what_its_rule_says();

-- The instant of a transaction that must not be later than a deadline. Where nobody has to approve, it is approved when proposed.
CREATE FUNCTION registry_counted_at(given registry_transaction, counts text) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE counts WHEN 'proposed' THEN given.proposed_at
        WHEN 'approved' THEN coalesce((SELECT s.at FROM registry_transactionstep s
            WHERE s.transaction_id = given.id AND s.event = 'approved'), given.proposed_at)
        ELSE given.completed_at END
$$;

-- A surrender is made in the window of its obligation, and once the status at a deadline is determined none arrives that would have
-- been in time for it. The jurisdiction's row is shared: who determines locks it, and so has seen every surrender before it.
CREATE FUNCTION registry_surrender_keeps_its_times() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    duty registry_obligation;
    acts_at timestamptz := CASE TG_OP WHEN 'INSERT' THEN NEW.proposed_at ELSE NEW.completed_at END;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.state <> 'COMPLETED' OR NEW.state = OLD.state) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO duty FROM registry_obligation WHERE id = NEW.obligation_id;
    PERFORM FROM accounts_jurisdiction WHERE id = duty.jurisdiction_id FOR KEY SHARE;
    -- Where the proposal counts, an approval after the closing is of what came before it.
    IF acts_at < duty.opens_at OR acts_at > duty.closes_at AND (TG_OP = 'INSERT' OR duty.counts <> 'proposed') THEN
        RAISE EXCEPTION 'the surrender window of % is not open', duty.year
            USING ERRCODE = 'check_violation', CONSTRAINT = 'surrender_window_is_open';
    ELSIF EXISTS (SELECT FROM registry_statussnapshot s WHERE s.installation_id = duty.installation_id
            AND s.determined_at >= CASE WHEN NEW.state = 'COMPLETED' THEN registry_counted_at(NEW, s.counts) WHEN s.counts = 'proposed' THEN acts_at END) THEN
        -- Whoever's clock said otherwise decides again, and check 5005 gives the reason.
        RAISE EXCEPTION 'the status at a deadline that this surrender would keep is determined' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER surrenders_keep_their_times AFTER INSERT ON registry_transaction
    FOR EACH ROW WHEN (NEW.obligation_id IS NOT NULL) EXECUTE FUNCTION registry_surrender_keeps_its_times();
CREATE TRIGGER surrenders_end_in_their_times AFTER UPDATE OF state ON registry_transaction
    FOR EACH ROW WHEN (NEW.obligation_id IS NOT NULL) EXECUTE FUNCTION registry_surrender_keeps_its_times();

-- The period that a year lies in where the rule of compliance in force on its last day is cover-the-excess, and the type of its excess
-- credits; no row where it is surrender-all, as it is where no rule says anything (registry/rules/cover_the_excess.py).
CREATE FUNCTION registry_period_of(jurisdiction bigint, year integer) RETURNS TABLE (first_year integer, last_year integer, unit_type bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH rule AS (
        SELECT d.key, d.value FROM accounts_datedrule d WHERE d.jurisdiction_id = jurisdiction
            AND d.valid_from <= make_date(year, 12, 31) AND coalesce(make_date(year, 12, 31) < d.valid_to, true)
    )
    SELECT (p.value ->> 'first_year')::integer, (p.value ->> 'last_year')::integer, t.id
    FROM rule r JOIN rule p ON p.key = 'compliance.period' JOIN rule u ON u.key = 'compliance.excess-unit-type'
        JOIN registry_unittype t ON t.jurisdiction_id = jurisdiction AND to_jsonb(t.code::text) = u.value
    WHERE r.key = 'compliance.rule' AND r.value = '"cover-the-excess"'
        AND jsonb_typeof(p.value -> 'first_year') = 'number' AND jsonb_typeof(p.value -> 'last_year') = 'number'
$$;

-- What the surrenders for an installation's obligations count at an instant, t CO2e: completed, in time by the instant that counts,
-- not reversed by then. Units that a host registry recognised at a rate count floor(sum * n / d), of all of one obligation, issuing
-- registry and rate together (linking.md section 4; registry/rules/worth.py computes the same).
CREATE FUNCTION registry_surrendered_value(installation bigint, counts text, at timestamptz, from_year integer, to_year integer)
RETURNS numeric LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH surrender AS (
        SELECT t.id, t.obligation_id, t.quantity FROM registry_obligation e
            JOIN registry_transaction t ON t.obligation_id = e.id AND t.state = 'COMPLETED'
        WHERE e.installation_id = installation AND e.year BETWEEN from_year AND to_year AND registry_counted_at(t, counts) <= at
            AND NOT EXISTS (SELECT FROM registry_transaction r WHERE r.reverses_id = t.id AND r.completed_at <= at)
    )
    SELECT coalesce((SELECT sum(quantity) FROM surrender), 0) + coalesce((
        SELECT sum(div(part.quantity * part.rate_numerator, part.rate_denominator) - part.quantity)
        FROM (SELECT c.rate_numerator, c.rate_denominator, sum(b.next_no - b.first_no) AS quantity
            FROM surrender s JOIN registry_transactionblock b ON b.transaction_id = s.id AND b.recognition_id <> 0
                JOIN registry_recognition c ON c.id = b.recognition_id
            GROUP BY s.obligation_id, b.origin_id, c.rate_numerator, c.rate_denominator) part), 0)
$$;

-- A status is determined at the obligation's own deadline, from the surrenders that were in time for it: what PostgreSQL finds of them
-- is what the row says, and none that would be in time is still open.
CREATE FUNCTION registry_status_counts_what_was_in_time() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    odd record;
BEGIN
    SELECT a.installation_id, a.year INTO odd FROM added a
        LEFT JOIN registry_obligation o ON (o.installation_id, o.year) = (a.installation_id, a.year)
        JOIN accounts_installation i ON i.id = a.installation_id
        LEFT JOIN LATERAL registry_period_of(i.jurisdiction_id, a.year) p ON true
    WHERE a.counts <> coalesce(o.counts, 'completed') OR a.determined_at <> o.due_at
        OR a.surrendered <> registry_surrendered_value(a.installation_id, a.counts, a.determined_at,
            coalesce(p.first_year, 1990), coalesce(p.last_year, 2200))
        OR a.counts = 'proposed' AND EXISTS (SELECT FROM registry_obligation e
            JOIN registry_transaction t ON t.obligation_id = e.id
            WHERE e.installation_id = a.installation_id AND t.proposed_at <= a.determined_at
                AND t.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED'))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the status of installation % for % is not of what was in time at its deadline', odd.installation_id, odd.year
            USING ERRCODE = 'check_violation', CONSTRAINT = 'status_counts_what_was_in_time';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER statuses_count_what_was_in_time AFTER INSERT ON registry_statussnapshot REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION registry_status_counts_what_was_in_time();

REVOKE EXECUTE ON FUNCTION registry_correction_is_of_the_same_year(), registry_obligation_stays_itself(),
    registry_allocation_table_is_approved_once(), registry_approval_makes_rows_ready(), registry_allocation_stays_as_loaded(),
    registry_transaction_is_what_its_record_says(), registry_deadline_is_what_its_rule_says(),
    registry_counted_at(registry_transaction, text), registry_period_of(bigint, integer),
    registry_surrendered_value(bigint, text, timestamptz, integer, integer),
    registry_surrender_keeps_its_times(), registry_status_counts_what_was_in_time(),
    registry_range_fits_its_record(registry_transactionblock) FROM PUBLIC;
GRANT SELECT ON registry_obligation, registry_allocationtable, registry_allocation, registry_recordedemissions,
    registry_statussnapshot TO registry_application, registry_auditor;
GRANT INSERT ON registry_obligation, registry_allocationtable, registry_allocation, registry_recordedemissions,
    registry_statussnapshot TO registry_application;
GRANT UPDATE (opens_at, due_at, closes_at, counts, eligible_until_vintage) ON registry_obligation TO registry_application;
GRANT UPDATE (state, approved_by_id, approved_at) ON registry_allocationtable TO registry_application;
GRANT UPDATE (state) ON registry_allocation TO registry_application;
GRANT USAGE ON SEQUENCE registry_obligation_id_seq, registry_allocationtable_id_seq, registry_allocation_id_seq,
    registry_recordedemissions_id_seq, registry_statussnapshot_id_seq TO registry_application;
