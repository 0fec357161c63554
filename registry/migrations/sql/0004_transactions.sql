-- Transactions move units: a range recorded under a completed transaction moves its serials, one under an open transaction
-- reserves them. There is no other lever, so what is recorded and what moved are the same thing.

CREATE FUNCTION registry_transaction_keeps_to_its_states() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    may_change text[] := '{state,completed_at,approver_id,expires_at,due_at,held_at,resumes_to,recorded_in}';
    is_well_formed boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'transactions are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        -- The same table as registry/rules/states.py; a test compares the two.
        IF NOT (OLD.state, NEW.state) IN (
            ('AWAITING_APPROVAL', 'DELAYED'), ('AWAITING_APPROVAL', 'PROPOSED'), ('AWAITING_APPROVAL', 'COMPLETED'),
            ('AWAITING_APPROVAL', 'REJECTED'), ('AWAITING_APPROVAL', 'CANCELLED'), ('AWAITING_APPROVAL', 'TERMINATED'),
            ('AWAITING_APPROVAL', 'ON_HOLD'),
            ('DELAYED', 'PROPOSED'), ('DELAYED', 'COMPLETED'), ('DELAYED', 'TERMINATED'), ('DELAYED', 'CANCELLED'),
            ('DELAYED', 'ON_HOLD'), ('ON_HOLD', 'AWAITING_APPROVAL'), ('ON_HOLD', 'DELAYED'), ('ON_HOLD', 'PROPOSED'),
            ('PROPOSED', 'ACCEPTED'), ('PROPOSED', 'TERMINATED'), ('PROPOSED', 'CANCELLED'), ('PROPOSED', 'ON_HOLD'),
            ('ACCEPTED', 'COMPLETED')) THEN
            RAISE EXCEPTION 'a transaction does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'a transaction changes only by a recorded step' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF NEW.type_id <> OLD.type_id OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) THEN
            RAISE EXCEPTION 'only the state of a transaction changes' USING ERRCODE = 'integrity_constraint_violation';
        ELSIF OLD.state = 'ON_HOLD' AND NEW.state <> OLD.resumes_to THEN
            RAISE EXCEPTION 'a transaction on hold goes back to %', OLD.resumes_to USING ERRCODE = 'integrity_constraint_violation';
        ELSIF OLD.state = 'AWAITING_APPROVAL' AND NEW.state IN ('DELAYED', 'PROPOSED', 'COMPLETED') AND NEW.approver_id IS NULL THEN
            RAISE EXCEPTION 'a transaction goes on when another person approved it'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_is_given';
        END IF;
    END IF;
    IF NEW.approver_id = NEW.initiator_id THEN
        RAISE EXCEPTION 'whoever initiates never approves' USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_is_not_initiator';
    ELSIF NEW.state = 'COMPLETED' AND NEW.completed_at < NEW.due_at THEN
        RAISE EXCEPTION 'nothing executes before it is due' USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_executes_early';
    ELSIF NEW.state = 'AWAITING_APPROVAL' AND NEW.expires_at IS NULL OR NEW.state = 'DELAYED' AND NEW.due_at IS NULL
            OR (NEW.state = 'ON_HOLD') <> (NEW.resumes_to IS NOT NULL) OR (NEW.state = 'ON_HOLD') <> (NEW.held_at IS NOT NULL) THEN
        RAISE EXCEPTION 'what waits for approval expires, what is delayed falls due, what is on hold goes back somewhere'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'waiting_has_an_end';
    END IF;
    -- Times are neither infinite nor beyond what a reader's clock can say.
    IF (NEW.state = 'COMPLETED') <> (NEW.completed_at IS NOT NULL) OR NEW.completed_at < NEW.proposed_at
            OR least(NEW.proposed_at, NEW.expires_at, NEW.due_at, NEW.held_at) < '1990-01-01Z'
            OR greatest(NEW.proposed_at, NEW.completed_at, NEW.expires_at, NEW.due_at, NEW.held_at) >= '9000-01-01Z' THEN
        RAISE EXCEPTION 'exactly what is completed has a time of completion, not before its proposal, in this age'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'times_are_in_order';
    ELSIF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    is_well_formed := NEW.quantity > 0 AND (NEW.transferring_id IS NULL) = (NEW.cap_id IS NOT NULL);
    IF NEW.transferring_id = NEW.acquiring_id THEN
        is_well_formed := is_well_formed
            AND EXISTS (SELECT FROM registry_transactiontype k WHERE k.code = NEW.type_id AND k.effect = 'carry');
    END IF;
    IF NOT is_well_formed THEN
        RAISE EXCEPTION 'a transaction moves units between two accounts, carries them over in one, or issues them under a cap'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_is_well_formed';
    END IF;
    IF NEW.state NOT IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED', 'COMPLETED') THEN
        RAISE EXCEPTION 'a transaction does not begin %', NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF num_nonnulls(NEW.approver_id, NEW.held_at, NEW.resumes_to) > 0 THEN
        RAISE EXCEPTION 'a transaction begins without an approval or a hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.recorded_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER transactions_keep_to_their_states BEFORE INSERT OR UPDATE OR DELETE ON registry_transaction
    FOR EACH ROW EXECUTE FUNCTION registry_transaction_keeps_to_its_states();

-- Issue [first_no, next_no): cut it from the open block and make units of it.
CREATE FUNCTION registry_mint(part registry_transactionblock) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    open_block registry_unitblock;
    cap bigint;
BEGIN
    SELECT * INTO open_block FROM registry_unitblock WHERE origin_id = part.origin_id AND end_no IS NULL FOR UPDATE;
    IF open_block.start_no IS DISTINCT FROM part.first_no THEN
        RAISE EXCEPTION 'serials are issued in order: next is %', open_block.start_no USING ERRCODE = 'serialization_failure';
    END IF;
    -- An issuance names its cap; what a conversion makes counts under the one in force.
    SELECT c.id INTO cap FROM registry_transaction t JOIN registry_series s ON s.id = part.series_id
        JOIN registry_issuancecap c ON c.unit_type_id = s.unit_type_id AND c.vintage = s.vintage
    WHERE t.id = part.transaction_id AND (part.made_from_id IS NOT NULL OR (c.id, s.id) = (t.cap_id, t.series_id)) AND t.jurisdiction_id = part.origin_id
        AND (t.completed_at AT TIME ZONE 'UTC')::date >= c.valid_from
        AND coalesce((t.completed_at AT TIME ZONE 'UTC')::date < c.valid_to, true);
    IF cap IS NULL OR part.recognition_id <> 0 THEN
        RAISE EXCEPTION 'units are issued at home, under a cap of their own type and vintage that is in force'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO registry_issue VALUES
        (part.origin_id, part.first_no, part.next_no, part.series_id, cap, part.transaction_id);
    UPDATE registry_unitblock SET start_no = part.next_no WHERE id = open_block.id;
    UPDATE registry_unitblock SET series_id = part.series_id, issue_first = part.first_no, issue_next = part.next_no,
        account_id = part.to_account_id, retired = false, recognition_id = part.recognition_id
    WHERE origin_id = part.origin_id AND start_no = part.first_no;
END $$;

-- Give the serials of a range a new holder and recognition, or a reservation, from the highest down. `from_hold` is the transaction
-- that may already have reserved them; `to_hold` the one that reserves them now (both null: a plain move).
CREATE FUNCTION registry_rehouse(part registry_transactionblock, to_account bigint, to_recognition integer, retires_units boolean,
    from_hold uuid, to_hold uuid)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    upto bigint := part.next_no;
    reached bigint;
    larger registry_unitblock;
BEGIN
    WHILE upto > part.first_no LOOP
        UPDATE registry_unitblock b SET start_no = greatest(b.start_no, part.first_no), account_id = to_account,
            recognition_id = to_recognition, retired = retires_units, held_for = to_hold
        WHERE b.origin_id = part.origin_id AND b.end_no = upto AND b.series_id = part.series_id
            AND b.account_id = part.from_account_id AND b.recognition_id = part.recognition_id
            AND b.held_for IS NOT DISTINCT FROM from_hold
        RETURNING b.start_no INTO reached;
        IF FOUND THEN
            upto := reached;
            CONTINUE;
        END IF;
        -- Either the range ends inside a block, which is cut there, or the serials are no longer as they were decided.
        SELECT * INTO larger FROM registry_unitblock b
        WHERE b.origin_id = part.origin_id AND b.start_no < upto ORDER BY b.start_no DESC LIMIT 1 FOR UPDATE;
        IF larger.end_no > upto THEN
            UPDATE registry_unitblock b SET start_no = upto WHERE b.id = larger.id;
        ELSE
            RAISE EXCEPTION 'the serials from % are not as they were decided', larger.start_no
                USING ERRCODE = 'serialization_failure';
        END IF;
    END LOOP;
END $$;

-- A reversal or correction takes back serials of the one transaction it names, between the same accounts the other way round, in
-- time. That the quantities are equal makes it all of them: no serial can go back twice.
CREATE FUNCTION registry_undo_limit_days(type text, home bigint, at timestamptz) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT (d.value ->> 'days')::integer FROM accounts_datedrule d JOIN accounts_jurisdiction j ON j.id = d.jurisdiction_id
        WHERE d.jurisdiction_id = home AND d.key = CASE type WHEN '10-55' THEN 'transaction.correction-limit'
            ELSE 'transaction.reversal-limit' END
            AND d.valid_from <= (at AT TIME ZONE j.time_zone)::date
            AND coalesce((at AT TIME ZONE j.time_zone)::date < d.valid_to, true)), 30)
$$;
CREATE FUNCTION registry_range_undoes(part registry_transactionblock, undoing registry_transaction, undone_types text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    original registry_transaction;
BEGIN
    SELECT * INTO original FROM registry_transaction WHERE id = undoing.reverses_id FOR SHARE;
    IF original.state IS DISTINCT FROM 'COMPLETED' OR NOT original.type_id = ANY (undone_types)
            OR original.quantity <> undoing.quantity OR original.jurisdiction_id <> undoing.jurisdiction_id
            OR NOT EXISTS (SELECT FROM registry_transactionblock b WHERE b.transaction_id = original.id AND b.origin_id = part.origin_id
                AND b.first_no <= part.first_no AND part.next_no <= b.next_no
                AND (b.from_account_id, b.to_account_id) = (part.to_account_id, part.from_account_id)) THEN
        RAISE EXCEPTION 'transaction % is not the other way round of %', undoing.id, undoing.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_mirrors_its_original';
    ELSIF undoing.proposed_at > original.completed_at
            + registry_undo_limit_days(undoing.type_id, undoing.jurisdiction_id, undoing.proposed_at) * interval '1 day' THEN
        RAISE EXCEPTION 'transaction % is undone too late', original.id USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_is_in_time';
    ELSIF undoing.type_id = '10-55' AND undoing.reference = '' AND (SELECT f.holder_id <> a.holder_id
            FROM accounts_account f, accounts_account a WHERE f.id = part.from_account_id AND a.id = part.to_account_id) THEN
        RAISE EXCEPTION 'a completed transfer between different holders is final'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'completed_transfers_are_final';
    END IF;
END $$;

-- The banking rule for units of a type, as it held in the issuing jurisdiction at an instant: {"first_vintage", "last_vintage",
-- "to_period"}; null where none did, or none that says all three.
CREATE FUNCTION registry_carry_over_rule(of_type bigint, at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT d.value FROM registry_unittype u JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id
        JOIN accounts_datedrule d ON d.jurisdiction_id = j.id AND d.key = 'carry-over.' || u.code
    WHERE u.id = of_type AND d.valid_from <= (at AT TIME ZONE j.time_zone)::date
        AND coalesce((at AT TIME ZONE j.time_zone)::date < d.valid_to, true)
        AND jsonb_typeof(d.value -> 'first_vintage') = 'number' AND jsonb_typeof(d.value -> 'last_vintage') = 'number'
        AND jsonb_typeof(d.value -> 'to_period') = 'string' AND d.value ->> 'to_period' <> ''
$$;

-- A carry-over leaves units where they are and gives them the period that the rule of the day of its proposal names, and no other rate.
CREATE FUNCTION registry_range_carries_over(part registry_transactionblock, proposed_at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_series s
            JOIN registry_recognition before ON before.id = part.recognition_id
            JOIN registry_recognition after ON after.id = part.to_recognition_id
                AND (after.rate_numerator, after.rate_denominator) = (before.rate_numerator, before.rate_denominator)
                AND (after.agreement_id, after.quota_id) IS NOT DISTINCT FROM (before.agreement_id, before.quota_id)
                AND after.applicable_period <> before.applicable_period
            CROSS JOIN registry_carry_over_rule(s.unit_type_id, proposed_at) rule
            WHERE s.id = part.series_id AND after.applicable_period = rule ->> 'to_period'
                AND s.vintage BETWEEN (rule ->> 'first_vintage')::numeric AND (rule ->> 'last_vintage')::numeric) THEN
        RAISE EXCEPTION 'no rule lets these units be carried over so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'units_are_carried_over_by_rule';
    END IF;
END $$;

-- The recognition of the same rate in a period, made when it is the first. Alone, so that two do not take one id; readers and the
-- rows that refer to others wait for nothing.
CREATE FUNCTION registry_carried_over(recognition integer, period text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    FOR turn IN 1..2 LOOP
        SELECT after.id INTO found_id FROM registry_recognition before JOIN registry_recognition after
            ON (after.rate_numerator, after.rate_denominator, after.agreement_id, after.quota_id)
                IS NOT DISTINCT FROM (before.rate_numerator, before.rate_denominator, before.agreement_id, before.quota_id)
        WHERE before.id = recognition AND after.applicable_period = period;
        IF FOUND THEN
            RETURN found_id;
        ELSIF turn = 1 THEN
            LOCK TABLE registry_recognition IN SHARE ROW EXCLUSIVE MODE;
        END IF;
    END LOOP;
    INSERT INTO registry_recognition (id, rate_numerator, rate_denominator, applicable_period, agreement_id, quota_id)
    SELECT (SELECT max(id) + 1 FROM registry_recognition), r.rate_numerator, r.rate_denominator, period, r.agreement_id, r.quota_id
    FROM registry_recognition r WHERE r.id = recognition RETURNING id INTO found_id;
    RETURN found_id;
END $$;

-- The rule by which units of a type were converted, as it held in the issuing jurisdiction at an instant: into which type of the same
-- issuer, until the end of how many years after their vintage. No row where none did, or none that says both.
CREATE FUNCTION registry_conversion_rule(of_type bigint, at timestamptz) RETURNS TABLE (to_type bigint, to_code text, years numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT made.id, made.code, CASE WHEN jsonb_typeof(d.value -> 'years') = 'number' THEN floor((d.value ->> 'years')::numeric) END
    FROM registry_unittype u JOIN accounts_jurisdiction j ON j.id = u.jurisdiction_id
        JOIN accounts_datedrule d ON d.jurisdiction_id = j.id AND d.key = 'conversion.' || u.code
        JOIN registry_unittype made ON made.jurisdiction_id = j.id AND made.id <> u.id AND made.code = d.value ->> 'to'
    WHERE u.id = of_type AND d.valid_from <= (at AT TIME ZONE j.time_zone)::date
        AND coalesce((at AT TIME ZONE j.time_zone)::date < d.valid_to, true) AND jsonb_typeof(d.value -> 'years') = 'number'
$$;

-- A conversion retires units of its own registry that were not carried over, for as many of the type that the rule of the day of its
-- proposal names, of the same vintage, project and period, within the years that the rule leaves them: judged at both instants.
CREATE FUNCTION registry_range_converts(part registry_transactionblock, home bigint, proposed_at timestamptz, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF part.recognition_id <> 0 OR part.origin_id <> home OR NOT EXISTS (SELECT FROM registry_series s
            JOIN accounts_jurisdiction j ON j.id = s.origin_id
            JOIN registry_series made ON made.id = part.to_series_id
                AND (made.origin_id, made.vintage, made.project, made.period) = (s.origin_id, s.vintage, s.project, s.period)
            JOIN registry_conversion_rule(s.unit_type_id, proposed_at) rule ON rule.to_type = made.unit_type_id
            WHERE s.id = part.series_id AND extract(year FROM at AT TIME ZONE j.time_zone) <= s.vintage + rule.years) THEN
        RAISE EXCEPTION 'no rule lets these units be converted so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'units_are_converted_by_rule';
    END IF;
END $$;

-- The series of what units are converted into, made when it is the first of its kind.
CREATE FUNCTION registry_converted(series integer, to_code text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    INSERT INTO registry_series (origin_id, unit_type_id, vintage, project, period)
    SELECT s.origin_id, u.id, s.vintage, s.project, s.period
    FROM registry_series s JOIN registry_unittype u ON u.jurisdiction_id = s.origin_id AND u.code = to_code WHERE s.id = series
    ON CONFLICT DO NOTHING;
    SELECT made.id INTO found FROM registry_series s JOIN registry_unittype u ON u.jurisdiction_id = s.origin_id AND u.code = to_code
        JOIN registry_series made ON (made.origin_id, made.unit_type_id, made.vintage, made.project, made.period)
            = (s.origin_id, u.id, s.vintage, s.project, s.period)
    WHERE s.id = series;
    IF found IS NULL THEN
        RAISE EXCEPTION 'no type % of that issuer', to_code USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN found;
END $$;

-- The new units of a completed conversion: for each of its ranges as many, in its account, the next serials in the order of series
-- and serial. Nobody else may record them (range_is_well_formed), so what is made is what was retired.
CREATE FUNCTION registry_convert(conversion uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part registry_transactionblock;
    next_no bigint;
BEGIN
    FOR part IN SELECT * FROM registry_transactionblock b WHERE b.transaction_id = conversion AND b.to_series_id IS NOT NULL
            ORDER BY b.series_id, b.first_no LOOP
        SELECT b.start_no INTO next_no FROM registry_unitblock b WHERE b.origin_id = part.origin_id AND b.end_no IS NULL FOR UPDATE;
        INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, made_from_id, to_account_id)
        VALUES (conversion, part.origin_id, next_no, next_no + (part.next_no - part.first_no), part.to_series_id, part.id,
            part.from_account_id);
    END LOOP;
END $$;

-- A range of new units says what they are made in place of: as many of a completed conversion, by now retired, for who held them.
CREATE FUNCTION registry_range_is_converted(part registry_transactionblock) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
                JOIN registry_transactiontype k ON k.code = t.type_id
            WHERE b.transaction_id = part.transaction_id AND b.id = part.made_from_id AND k.effect = 'convert' AND t.state = 'COMPLETED'
                AND (b.origin_id, b.to_series_id, b.from_account_id, b.next_no - b.first_no)
                    = (part.origin_id, part.series_id, part.to_account_id, part.next_no - part.first_no)
                AND b.next_no - b.first_no = (SELECT sum(least(u.end_no, b.next_no) - greatest(u.start_no, b.first_no))
                    FROM registry_unitblock u WHERE u.origin_id = b.origin_id AND u.start_no < b.next_no AND u.end_no > b.first_no
                        AND u.start_no >= (SELECT max(start_no) FROM registry_unitblock
                            WHERE origin_id = b.origin_id AND start_no <= b.first_no)
                        AND u.retired AND u.account_id = b.to_account_id)) THEN
        RAISE EXCEPTION 'units are made in place of as many that a conversion retired, for who held them'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'units_are_made_for_retired_ones';
    END IF;
    PERFORM registry_mint(part);
END $$;

-- The seam to `linking`, which puts its own functions in their place (linking/migrations): what crosses from one registry to another, and
-- what happens to units abroad, is judged there as a whole, once its ranges are recorded and again when a transaction that waited ends.
CREATE FUNCTION registry_linked_transaction(wanted uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id
            JOIN accounts_account a ON a.id = b.to_account_id
            WHERE t.id = wanted AND (b.origin_id <> t.jurisdiction_id OR a.jurisdiction_id <> t.jurisdiction_id)) THEN
        RAISE EXCEPTION 'no link settles transaction %', wanted USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
CREATE FUNCTION registry_linked_transaction_ends(given registry_transaction) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
END $$;
-- Whether what waits can settle no more, since the terms that it was proposed under have ended: then it is ended before its time.
CREATE FUNCTION registry_terms_have_ended(given registry_transaction, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT false
$$;

CREATE FUNCTION registry_range_takes_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent record;
    trusted boolean;
    undoing registry_transaction;
BEGIN
    IF NEW.made_from_id IS NOT NULL THEN
        PERFORM registry_range_is_converted(NEW);
        RETURN NULL;
    END IF;
    -- The acquiring account is locked SHARE: many fill one sink at once, and it is not closed until they have ended.
    SELECT t.state, t.type_id, t.recorded_in, t.jurisdiction_id, t.obligation_id, t.allocation_id, t.reverses_id, t.initiator_id,
        t.approver_id, t.proposed_at, t.completed_at, t.quantity, t.reference, k.undoes, k.approval, k.delayed, a.identifier AS to_identifier,
        f.one_person_surrender, f.one_person_trusted_transfer, f.frozen AS from_frozen, a.frozen AS to_frozen, k.effect, k.from_types, k.to_types, k.within_one_registry, k.needs_obligation, k.needs_allocation, k.needs_original, k.needs_excess, t.returns_id,
        f.type_id AS from_type, g.administrative AS from_administers, f.jurisdiction_id AS from_registry, a.type_id AS to_type, a.jurisdiction_id AS to_registry,
        a.retires, a.status, u.id AS initiator
    INTO parent FROM registry_transaction t JOIN registry_transactiontype k ON k.code = t.type_id
        JOIN accounts_account a ON a.id = NEW.to_account_id LEFT JOIN accounts_account f ON f.id = NEW.from_account_id
        LEFT JOIN accounts_accounttype g ON g.code = f.type_id
        LEFT JOIN accounts_user u ON u.id = t.initiator_id
    WHERE t.id = NEW.transaction_id FOR SHARE OF a;
    IF NOT FOUND OR parent.initiator IS DISTINCT FROM parent.initiator_id THEN
        RAISE EXCEPTION 'a range is of a transaction of a known type, by a user and to an account that are there'
            USING ERRCODE = 'foreign_key_violation';
    ELSIF parent.recorded_in <> pg_current_xact_id() THEN
        RAISE EXCEPTION 'the ranges of a transaction are recorded with it' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (parent.effect = 'mint') <> (NEW.from_account_id IS NULL)
            OR parent.needs_obligation <> (parent.obligation_id IS NOT NULL)
            OR parent.needs_allocation <> (parent.allocation_id IS NOT NULL)
            OR parent.needs_original <> (parent.reverses_id IS NOT NULL)
            OR parent.needs_excess <> (parent.returns_id IS NOT NULL)
            OR (parent.effect = 'convert') <> (NEW.to_series_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a transaction of type % lacks what its type needs', parent.type_id
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (parent.effect IN ('carry', 'cross')) <> (NEW.to_recognition_id IS NOT NULL)
            OR (parent.effect = 'carry') <> (NEW.from_account_id IS NOT DISTINCT FROM NEW.to_account_id) THEN
        RAISE EXCEPTION 'units count as something else by a carry-over, where they are, or across a link'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recognition_changes_by_type';
    -- Recorded by the sender's registry; where nobody sends, by the acquirer's.
    ELSIF parent.to_registry <> parent.jurisdiction_id AND (parent.within_one_registry OR NEW.from_account_id IS NULL)
            OR NOT parent.to_type = ANY (parent.to_types)
            OR NEW.from_account_id IS NOT NULL AND (parent.from_registry IS DISTINCT FROM parent.jurisdiction_id
                OR NOT parent.from_type = ANY (parent.from_types)) THEN
        RAISE EXCEPTION 'a transaction of type % does not go from % to %', parent.type_id, parent.from_type, parent.to_type
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.effect = 'retire' AND NOT parent.retires AND NEW.origin_id = parent.jurisdiction_id THEN
        -- Of units abroad a part may go to the link's margin, by its terms (linking/migrations).
        RAISE EXCEPTION 'units are retired in an account that retires' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.status = 'CLOSED' THEN
        RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.from_frozen OR parent.to_frozen THEN
        RAISE EXCEPTION 'a frozen account takes part in nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Four eyes, and the wait before an account that is not trusted. The registry itself acts alone where a record was approved
    -- before it, and in an exercise.
    IF parent.initiator_id IS NULL THEN
        IF parent.approval <> 'record' AND NOT EXISTS (SELECT FROM accounts_deployment WHERE mode = 'exercise') THEN
            RAISE EXCEPTION 'a transaction of type % is proposed by a person', parent.type_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_person_initiates';
        END IF;
    ELSIF parent.state <> 'AWAITING_APPROVAL' AND parent.approver_id IS NULL THEN
        trusted := parent.delayed AND accounts_trusted(NEW.from_account_id, parent.to_identifier, parent.proposed_at);
        IF parent.approval <> 'record' AND (parent.from_administers OR NOT (parent.needs_obligation AND parent.one_person_surrender
                OR trusted AND parent.one_person_trusted_transfer)) THEN
            RAISE EXCEPTION 'a transaction of type % is approved by another person', parent.type_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_is_given';
        ELSIF parent.state = 'COMPLETED' AND parent.delayed AND NOT trusted AND NOT parent.from_administers THEN
            RAISE EXCEPTION 'a transfer to an account that is not trusted waits' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'untrusted_transfers_wait';
        END IF;
    END IF;
    IF parent.obligation_id IS NOT NULL OR parent.allocation_id IS NOT NULL THEN
        PERFORM registry_range_fits_its_record(NEW);
    ELSIF parent.returns_id IS NOT NULL THEN
        PERFORM registry_range_returns_what_was_allocated(NEW, parent.returns_id);
    END IF;
    IF parent.needs_original THEN
        SELECT * INTO undoing FROM registry_transaction WHERE id = NEW.transaction_id;
        PERFORM registry_range_undoes(NEW, undoing, parent.undoes);
    ELSIF parent.effect <> 'mint' AND (parent.type_id = '4-99')
            <> coalesce(registry_valid_until(NEW.series_id, NEW.recognition_id) <= parent.proposed_at, false) THEN
        RAISE EXCEPTION 'units lapse when their validity has ended, and do nothing else then'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'units_are_valid_or_lapse';
    END IF;
    IF parent.effect = 'carry' THEN
        PERFORM registry_range_carries_over(NEW, parent.proposed_at);
    ELSIF parent.effect = 'convert' THEN
        PERFORM registry_range_converts(NEW, parent.jurisdiction_id, parent.proposed_at, coalesce(parent.completed_at, parent.proposed_at));
    END IF;
    IF parent.effect = 'mint' THEN
        IF parent.state <> 'COMPLETED' THEN
            RAISE EXCEPTION 'units are issued by a completed transaction' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        PERFORM registry_mint(NEW);
    ELSIF parent.state = 'COMPLETED' THEN
        PERFORM registry_rehouse(NEW, NEW.to_account_id, coalesce(NEW.to_recognition_id, NEW.recognition_id), parent.retires, NULL, NULL);
    ELSE
        -- Where units retire, none is reserved: they never move again.
        PERFORM registry_rehouse(NEW, NEW.from_account_id, NEW.recognition_id, false, NULL, NEW.transaction_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ranges_take_effect AFTER INSERT ON registry_transactionblock
    FOR EACH ROW EXECUTE FUNCTION registry_range_takes_effect();

-- One statement records all ranges of a transaction, and they sum to its quantity; a later one would be too much.
-- At once: a deferred check is done with after SET CONSTRAINTS ... IMMEDIATE and would not see a later range.
CREATE FUNCTION registry_ranges_make_up_the_quantity() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    odd record;
BEGIN
    SELECT (array_agg(t.id) FILTER (WHERE s.total <> t.quantity))[1] AS unequal, (array_agg(t.id) FILTER (WHERE NOT s.named))[1] AS unnamed,
        bool_or(s.converts) AS converts, array_agg(t.id ORDER BY t.id) FILTER (WHERE s.linked) AS linked INTO odd
    FROM registry_transaction t, LATERAL (
        SELECT sum(b.next_no - b.first_no) FILTER (WHERE b.made_from_id IS NULL) AS total,
            bool_or((b.from_account_id, b.to_account_id) IS NOT DISTINCT FROM (t.transferring_id, t.acquiring_id)) AS named,
            bool_or(b.to_series_id IS NOT NULL) AS converts,
            bool_or(b.to_recognition_id IS NOT NULL OR b.origin_id <> t.jurisdiction_id) AS linked
        FROM registry_transactionblock b WHERE b.transaction_id = t.id) s
    WHERE t.id IN (SELECT transaction_id FROM added);
    IF odd.unequal IS NOT NULL THEN
        RAISE EXCEPTION 'transaction % says % units, its ranges %', odd.unequal,
            (SELECT t.quantity FROM registry_transaction t WHERE t.id = odd.unequal), (SELECT sum(b.next_no - b.first_no)
                FROM registry_transactionblock b WHERE b.transaction_id = odd.unequal AND b.made_from_id IS NULL)
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF odd.unnamed IS NOT NULL THEN
        RAISE EXCEPTION 'transaction % moves nothing between the accounts it names', odd.unnamed
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- What completes where it is recorded; what waited completes by its step.
    IF odd.converts THEN
        PERFORM registry_convert(t.id) FROM (SELECT id FROM registry_transaction WHERE state = 'COMPLETED'
            AND id IN (SELECT transaction_id FROM added WHERE to_series_id IS NOT NULL) ORDER BY id) t;
    END IF;
    IF odd.linked IS NOT NULL THEN
        PERFORM registry_linked_transaction(id) FROM unnest(odd.linked) id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ranges_make_up_the_quantity AFTER INSERT ON registry_transactionblock REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION registry_ranges_make_up_the_quantity();

-- History is read in the order of the ranges' ids, so nobody chooses one.
CREATE FUNCTION registry_range_is_well_formed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> currval('registry_transactionblock_id_seq') THEN
        RAISE EXCEPTION 'ranges are numbered by the database, in turn' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.first_no < 1 OR NEW.next_no <= NEW.first_no
            OR NEW.from_account_id = NEW.to_account_id AND NEW.to_recognition_id IS NULL THEN
        RAISE EXCEPTION 'a range is of some serials, from 1 on, and changes hands or, where it is carried over, its period'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'range_is_well_formed';
    ELSIF NEW.made_from_id IS NOT NULL AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'units are converted by the completion of a conversion alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'completion_alone_converts';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ranges_are_well_formed BEFORE INSERT ON registry_transactionblock
    FOR EACH ROW EXECUTE FUNCTION registry_range_is_well_formed();

-- A transaction that ends: completed ones move what they reserved, the others release it.
CREATE FUNCTION registry_transaction_ends() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part registry_transactionblock;
    acquirer record;
    linked boolean := false;
BEGIN
    IF NEW.state = OLD.state OR NEW.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED') THEN
        RETURN NULL;
    END IF;
    FOR part IN SELECT * FROM registry_transactionblock WHERE transaction_id = NEW.id
            ORDER BY to_account_id, series_id, recognition_id, origin_id, first_no LOOP
        IF NEW.state = 'COMPLETED' THEN
            SELECT a.retires, a.status, a.frozen OR f.frozen AS frozen INTO acquirer
            FROM accounts_account a JOIN accounts_account f ON f.id = part.from_account_id
            WHERE a.id = part.to_account_id FOR SHARE OF a;
            IF acquirer.status = 'CLOSED' THEN
                RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
            ELSIF acquirer.frozen THEN
                RAISE EXCEPTION 'a frozen account takes part in nothing' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF part.from_account_id = part.to_account_id THEN
                PERFORM registry_range_carries_over(part, NEW.proposed_at);
            ELSIF part.to_series_id IS NOT NULL THEN
                PERFORM registry_range_converts(part, NEW.jurisdiction_id, NEW.proposed_at, NEW.completed_at);
            END IF;
            PERFORM registry_rehouse(part, part.to_account_id, coalesce(part.to_recognition_id, part.recognition_id),
                acquirer.retires, NEW.id, NULL);
        ELSE
            PERFORM registry_rehouse(part, part.from_account_id, part.recognition_id, false, NEW.id, NULL);
        END IF;
        linked := linked OR part.to_recognition_id IS NOT NULL OR part.origin_id <> NEW.jurisdiction_id;
    END LOOP;
    IF linked THEN
        PERFORM registry_linked_transaction_ends(NEW);
    END IF;
    IF NEW.state = 'COMPLETED' AND part.to_series_id IS NOT NULL THEN
        PERFORM registry_convert(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_end AFTER UPDATE OF state ON registry_transaction
    FOR EACH ROW EXECUTE FUNCTION registry_transaction_ends();

-- What waits reserves its units, but for what nobody can reserve: serials not issued yet, and retired ones. Their ranges are
-- recorded in the database transaction that completes it.
-- Run at the commit, outside the function that keeps its plans, so it keeps its own.
CREATE FUNCTION registry_transaction_has_ranges() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_transactionblock b WHERE b.transaction_id = NEW.id) THEN
        IF NEW.state = 'COMPLETED' OR NOT EXISTS (SELECT FROM registry_transactiontype k
                WHERE k.code = NEW.type_id AND k.effect IN ('mint', 'restore')) THEN
            RAISE EXCEPTION 'transaction % moves nothing', NEW.id USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_has_ranges AFTER INSERT ON registry_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_transaction_has_ranges();
CREATE CONSTRAINT TRIGGER completed_transaction_has_ranges AFTER UPDATE ON registry_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'COMPLETED') EXECUTE FUNCTION registry_transaction_has_ranges();

-- A completed conversion has made, for every range that it retired, as many new units.
CREATE FUNCTION registry_conversion_is_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_transactionblock b LEFT JOIN registry_transactionblock made ON made.made_from_id = b.id
            WHERE b.transaction_id = NEW.id AND b.made_from_id IS NULL
                AND made.next_no - made.first_no IS DISTINCT FROM b.next_no - b.first_no) THEN
        RAISE EXCEPTION 'conversion % makes as many units as it retires', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'conversion_is_whole';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER conversions_are_whole AFTER INSERT OR UPDATE ON registry_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.type_id = '2-0' AND NEW.state = 'COMPLETED')
    EXECUTE FUNCTION registry_conversion_is_whole();

-- Whether a user may approve a transaction now: a senior administrator of its registry where administrators approve, else, for every
-- transferring account, an active representative with the right, or for an administrative one that administrator.
CREATE FUNCTION registry_may_approve(approver bigint, given registry_transaction) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM accounts_user u WHERE u.id = approver AND u.is_active) AND CASE
        WHEN (SELECT k.approval = 'administrator' FROM registry_transactiontype k WHERE k.code = given.type_id) THEN senior.it
        ELSE NOT EXISTS (
            SELECT FROM (SELECT given.transferring_id AS account_id
                UNION SELECT b.from_account_id FROM registry_transactionblock b WHERE b.transaction_id = given.id) sender
                LEFT JOIN accounts_account a ON a.id = sender.account_id LEFT JOIN accounts_accounttype y ON y.code = a.type_id
            WHERE NOT CASE WHEN y.administrative THEN senior.it
                ELSE EXISTS (SELECT FROM accounts_representative r WHERE r.account_id = sender.account_id AND r.user_id = approver
                    AND r.state = 'ACTIVE' AND r.rights IN ('APPROVE', 'INITIATE_AND_APPROVE')) END)
    END
    FROM (SELECT EXISTS (SELECT FROM accounts_userrole r WHERE r.user_id = approver AND r.role = 'senior-registry-administrator'
        AND coalesce(r.jurisdiction_id = given.jurisdiction_id, true)) AS it) senior
$$;

-- Whether an approved transaction must wait: some of it goes from a holder's account to one that is not trusted.
CREATE FUNCTION registry_must_wait(given registry_transaction, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry_transactiontype k
        JOIN registry_transactionblock b ON b.transaction_id = given.id
        JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_accounttype y ON y.code = f.type_id
        JOIN accounts_account a ON a.id = b.to_account_id
        WHERE k.code = given.type_id AND k.delayed AND NOT y.administrative AND NOT accounts_trusted(f.id, a.identifier, at))
$$;

CREATE FUNCTION registry_step_takes_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given registry_transaction;
    stood interval;
BEGIN
    SELECT * INTO given FROM registry_transaction WHERE id = NEW.transaction_id FOR UPDATE;
    IF given.state IS DISTINCT FROM NEW.from_state THEN
        RAISE EXCEPTION 'transaction % is not % any more', NEW.transaction_id, NEW.from_state USING ERRCODE = 'serialization_failure';
    END IF;
    -- The same table as registry/rules/states.py; a test compares the two.
    IF (NEW.event, NEW.from_state, NEW.to_state) NOT IN (
        ('approved', 'AWAITING_APPROVAL', 'DELAYED'), ('approved', 'AWAITING_APPROVAL', 'PROPOSED'),
        ('approved', 'AWAITING_APPROVAL', 'COMPLETED'), ('refused', 'AWAITING_APPROVAL', 'REJECTED'),
        ('expired', 'AWAITING_APPROVAL', 'CANCELLED'), ('withdrawn', 'AWAITING_APPROVAL', 'CANCELLED'),
        ('frozen', 'AWAITING_APPROVAL', 'ON_HOLD'), ('check-failed', 'AWAITING_APPROVAL', 'TERMINATED'), ('due', 'DELAYED', 'PROPOSED'), ('due', 'DELAYED', 'COMPLETED'),
        ('check-failed', 'DELAYED', 'TERMINATED'), ('withdrawn', 'DELAYED', 'CANCELLED'), ('frozen', 'DELAYED', 'ON_HOLD'),
        ('released', 'ON_HOLD', 'AWAITING_APPROVAL'), ('released', 'ON_HOLD', 'DELAYED'), ('released', 'ON_HOLD', 'PROPOSED'),
        ('accepted', 'PROPOSED', 'ACCEPTED'), ('refused-elsewhere', 'PROPOSED', 'TERMINATED'), ('aborted', 'PROPOSED', 'CANCELLED'),
        ('frozen', 'PROPOSED', 'ON_HOLD'), ('received', 'ACCEPTED', 'COMPLETED')) THEN
        RAISE EXCEPTION 'no transaction is % from % to %', NEW.event, NEW.from_state, NEW.to_state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'step_is_known';
    ELSIF NEW.user_id IS NULL AND NEW.event IN ('approved', 'refused', 'withdrawn', 'frozen', 'released') THEN
        RAISE EXCEPTION 'a person decides' USING ERRCODE = 'check_violation', CONSTRAINT = 'a_person_decides';
    ELSIF NEW.event = 'check-failed' AND NEW.from_state = 'AWAITING_APPROVAL' AND NOT registry_terms_have_ended(given, NEW.at) THEN
        RAISE EXCEPTION 'what waits for approval ends otherwise only when the terms that it was proposed under have ended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'proposals_wait_for_a_person';
    ELSIF NEW.event = 'approved' AND NOT registry_may_approve(NEW.user_id, given) THEN
        RAISE EXCEPTION 'user % may not approve transaction %', NEW.user_id, given.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_has_the_right';
    ELSIF NEW.event = 'approved' AND NEW.at >= given.expires_at OR NEW.event = 'expired' AND NEW.at < given.expires_at THEN
        RAISE EXCEPTION 'a transaction is approved until %, and expires then', given.expires_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_comes_in_time';
    ELSIF NEW.event = 'approved' AND NEW.to_state <> 'DELAYED' AND registry_must_wait(given, NEW.at) THEN
        RAISE EXCEPTION 'a transfer to an account that is not trusted waits' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'untrusted_transfers_wait';
    ELSIF NEW.event IN ('due', 'check-failed') AND NEW.at < given.due_at
            AND NOT (NEW.event = 'check-failed' AND registry_terms_have_ended(given, NEW.at)) THEN
        RAISE EXCEPTION 'nothing executes before it is due' USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_executes_early';
    ELSIF NEW.event = 'released' AND EXISTS (SELECT FROM registry_freeze f WHERE f.transaction_id = given.id AND f.released_at IS NULL) THEN
        RAISE EXCEPTION 'a transaction is released when two persons have lifted every freeze of it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'two_release';
    ELSIF NEW.event = 'frozen' AND NOT EXISTS (SELECT FROM registry_freeze f WHERE f.transaction_id = given.id AND f.released_at IS NULL) THEN
        RAISE EXCEPTION 'a transaction is held by a recorded freeze' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.at >= '9000-01-01Z' OR NEW.at < given.proposed_at OR NEW.at < (SELECT max(s.at) FROM registry_transactionstep s
            WHERE s.transaction_id = given.id AND s.id < NEW.id) THEN
        RAISE EXCEPTION 'steps follow one another in time' USING ERRCODE = 'check_violation', CONSTRAINT = 'times_are_in_order';
    ELSIF (NEW.due_at IS NOT NULL) <> (NEW.event = 'approved' AND NEW.to_state = 'DELAYED') OR NEW.due_at < NEW.at THEN
        RAISE EXCEPTION 'an approval that delays says until when' USING ERRCODE = 'check_violation', CONSTRAINT = 'delay_has_an_end';
    END IF;
    -- The clock of what is on hold stands: it is due, or expires, later by as long as the hold lasted.
    stood := CASE WHEN NEW.event = 'released' THEN make_interval(secs => extract(epoch FROM NEW.at - given.held_at)) ELSE interval '0' END;
    UPDATE registry_transaction SET state = NEW.to_state,
        completed_at = CASE WHEN NEW.to_state = 'COMPLETED' THEN NEW.at END,
        approver_id = CASE WHEN NEW.event = 'approved' THEN NEW.user_id ELSE approver_id END,
        due_at = coalesce(NEW.due_at, due_at) + stood,
        expires_at = expires_at + stood,
        held_at = CASE WHEN NEW.to_state = 'ON_HOLD' THEN NEW.at END,
        resumes_to = CASE WHEN NEW.to_state = 'ON_HOLD' THEN NEW.from_state END,
        recorded_in = CASE WHEN NEW.to_state = 'COMPLETED' AND NOT EXISTS (
            SELECT FROM registry_transactionblock b WHERE b.transaction_id = given.id) THEN pg_current_xact_id() ELSE recorded_in END
    WHERE id = given.id;
    RETURN NULL;
END $$;
CREATE TRIGGER steps_take_effect AFTER INSERT ON registry_transactionstep
    FOR EACH ROW EXECUTE FUNCTION registry_step_takes_effect();
CREATE TRIGGER steps_never_change BEFORE UPDATE OR DELETE ON registry_transactionstep
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON registry_transactionstep EXECUTE FUNCTION registry_never_changes();

-- A closed account holds nothing; accounts know nothing of units, so this rule stands here. Whoever moves units shares a lock on
-- the acquiring account, so this looks after they have ended; an older snapshot would not see what they brought.
CREATE FUNCTION registry_closed_account_is_empty() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'an account is closed in a READ COMMITTED transaction' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT FROM registry_holding WHERE account_id = NEW.id AND quantity > 0) THEN
        RAISE EXCEPTION 'account % holds units and is not closed', NEW.identifier USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER closed_accounts_are_empty BEFORE UPDATE OF status ON accounts_account
    FOR EACH ROW WHEN (NEW.status = 'CLOSED') EXECUTE FUNCTION registry_closed_account_is_empty();
