-- Transactions move units: a range recorded under a completed transaction moves its serials, one under an open transaction
-- reserves them. There is no other lever, so what is recorded and what moved are the same thing.

CREATE FUNCTION registry_transaction_keeps_to_its_states() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'transactions are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        -- The same table as registry/rules/states.py; a test compares the two.
        IF NOT (OLD.state, NEW.state) IN (
            ('AWAITING_APPROVAL', 'DELAYED'), ('AWAITING_APPROVAL', 'PROPOSED'), ('AWAITING_APPROVAL', 'COMPLETED'),
            ('AWAITING_APPROVAL', 'REJECTED'), ('AWAITING_APPROVAL', 'CANCELLED'), ('AWAITING_APPROVAL', 'ON_HOLD'),
            ('DELAYED', 'PROPOSED'), ('DELAYED', 'COMPLETED'), ('DELAYED', 'TERMINATED'), ('DELAYED', 'CANCELLED'),
            ('DELAYED', 'ON_HOLD'), ('ON_HOLD', 'AWAITING_APPROVAL'), ('ON_HOLD', 'DELAYED'), ('ON_HOLD', 'PROPOSED'),
            ('PROPOSED', 'ACCEPTED'), ('PROPOSED', 'TERMINATED'), ('PROPOSED', 'CANCELLED'), ('PROPOSED', 'ON_HOLD'),
            ('ACCEPTED', 'COMPLETED')) THEN
            RAISE EXCEPTION 'a transaction does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF (to_jsonb(NEW) - 'state' - 'completed_at') <> (to_jsonb(OLD) - 'state' - 'completed_at') THEN
            RAISE EXCEPTION 'only the state of a transaction changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    -- Times are neither infinite nor beyond what a reader's clock can say.
    IF (NEW.state = 'COMPLETED') <> (NEW.completed_at IS NOT NULL) OR NEW.completed_at < NEW.proposed_at
            OR NEW.proposed_at < '1990-01-01Z' OR greatest(NEW.proposed_at, NEW.completed_at) >= '9000-01-01Z' THEN
        RAISE EXCEPTION 'exactly what is completed has a time of completion, not before its proposal, in this age'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'times_are_in_order';
    ELSIF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    ELSIF NEW.quantity <= 0 OR NEW.transferring_id = NEW.acquiring_id OR (NEW.transferring_id IS NULL) <> (NEW.cap_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a transaction moves units between two accounts, or issues them under a cap'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_is_well_formed';
    END IF;
    IF NEW.state NOT IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED', 'COMPLETED') THEN
        RAISE EXCEPTION 'a transaction does not begin %', NEW.state USING ERRCODE = 'integrity_constraint_violation';
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
    SELECT t.cap_id INTO cap FROM registry_transaction t JOIN registry_issuancecap c ON c.id = t.cap_id
        JOIN registry_series s ON s.unit_type_id = c.unit_type_id AND s.vintage = c.vintage AND s.id = part.series_id
    WHERE t.id = part.transaction_id AND t.jurisdiction_id = part.origin_id
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

-- Give the serials of a range a new holder, or a reservation, from the highest down. `from_hold` is the transaction that
-- may already have reserved them; `to_hold` the one that reserves them now (both null: a plain move).
CREATE FUNCTION registry_rehouse(part registry_transactionblock, to_account bigint, retires_units boolean, from_hold uuid, to_hold uuid)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    upto bigint := part.next_no;
    reached bigint;
    larger registry_unitblock;
BEGIN
    WHILE upto > part.first_no LOOP
        UPDATE registry_unitblock b SET start_no = greatest(b.start_no, part.first_no), account_id = to_account,
            retired = retires_units, held_for = to_hold
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

CREATE FUNCTION registry_range_takes_effect() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent record;
BEGIN
    -- The acquiring account is locked SHARE: many fill one sink at once, and it is not closed until they have ended.
    SELECT t.state, t.type_id, t.recorded_in, t.jurisdiction_id, t.obligation_id, t.allocation_id, t.reverses_id, t.initiator_id,
        k.effect, k.from_types, k.to_types, k.within_one_registry, k.needs_obligation, k.needs_allocation, k.needs_original,
        f.type_id AS from_type, f.jurisdiction_id AS from_registry, a.type_id AS to_type, a.jurisdiction_id AS to_registry,
        a.retires, a.status, u.id AS initiator
    INTO parent FROM registry_transaction t JOIN registry_transactiontype k ON k.code = t.type_id
        JOIN accounts_account a ON a.id = NEW.to_account_id LEFT JOIN accounts_account f ON f.id = NEW.from_account_id
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
            OR parent.needs_original <> (parent.reverses_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a transaction of type % lacks what its type needs', parent.type_id
            USING ERRCODE = 'integrity_constraint_violation';
    -- Recorded by the sender's registry; where nobody sends, by the acquirer's.
    ELSIF parent.to_registry <> parent.jurisdiction_id AND (parent.within_one_registry OR NEW.from_account_id IS NULL)
            OR NOT parent.to_type = ANY (parent.to_types)
            OR NEW.from_account_id IS NOT NULL AND (parent.from_registry IS DISTINCT FROM parent.jurisdiction_id
                OR NOT parent.from_type = ANY (parent.from_types)) THEN
        RAISE EXCEPTION 'a transaction of type % does not go from % to %', parent.type_id, parent.from_type, parent.to_type
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.status = 'CLOSED' THEN
        RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF parent.obligation_id IS NOT NULL OR parent.allocation_id IS NOT NULL THEN
        PERFORM registry_range_fits_its_record(NEW);
    END IF;
    IF parent.effect = 'mint' THEN
        IF parent.state <> 'COMPLETED' THEN
            RAISE EXCEPTION 'units are issued by a completed transaction' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        PERFORM registry_mint(NEW);
    ELSIF parent.state = 'COMPLETED' THEN
        PERFORM registry_rehouse(NEW, NEW.to_account_id, parent.retires, NULL, NULL);
    ELSE
        -- Where units retire, none is reserved: they never move again.
        PERFORM registry_rehouse(NEW, NEW.from_account_id, false, NULL, NEW.transaction_id);
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
    SELECT t.id, t.quantity, s.total, s.named INTO odd
    FROM registry_transaction t, LATERAL (
        SELECT sum(b.next_no - b.first_no) AS total,
            bool_or((b.from_account_id, b.to_account_id) IS NOT DISTINCT FROM (t.transferring_id, t.acquiring_id)) AS named
        FROM registry_transactionblock b WHERE b.transaction_id = t.id) s
    WHERE t.id IN (SELECT transaction_id FROM added) AND (s.total <> t.quantity OR NOT s.named) LIMIT 1;
    IF FOUND AND odd.total <> odd.quantity THEN
        RAISE EXCEPTION 'transaction % says % units, its ranges %', odd.id, odd.quantity, odd.total
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'transaction % moves nothing between the accounts it names', odd.id
            USING ERRCODE = 'integrity_constraint_violation';
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
    ELSIF NEW.first_no < 1 OR NEW.next_no <= NEW.first_no OR NEW.from_account_id = NEW.to_account_id THEN
        RAISE EXCEPTION 'a range is of some serials, from 1 on, and changes hands'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'range_is_well_formed';
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
BEGIN
    IF NEW.state = OLD.state OR NEW.state NOT IN ('COMPLETED', 'REJECTED', 'CANCELLED', 'TERMINATED') THEN
        RETURN NULL;
    END IF;
    FOR part IN SELECT * FROM registry_transactionblock WHERE transaction_id = NEW.id
            ORDER BY to_account_id, series_id, recognition_id, origin_id, first_no LOOP
        IF NEW.state = 'COMPLETED' THEN
            SELECT a.retires, a.status INTO acquirer FROM accounts_account a WHERE a.id = part.to_account_id FOR SHARE;
            IF acquirer.status = 'CLOSED' THEN
                RAISE EXCEPTION 'a closed account holds nothing' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            PERFORM registry_rehouse(part, part.to_account_id, acquirer.retires, NEW.id, NULL);
        ELSE
            PERFORM registry_rehouse(part, part.from_account_id, false, NEW.id, NULL);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_end AFTER UPDATE OF state ON registry_transaction
    FOR EACH ROW EXECUTE FUNCTION registry_transaction_ends();

CREATE FUNCTION registry_transaction_has_ranges() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_transactionblock b WHERE b.transaction_id = NEW.id) THEN
        RAISE EXCEPTION 'transaction % moves nothing', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_has_ranges AFTER INSERT ON registry_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_transaction_has_ranges();

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
